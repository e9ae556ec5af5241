"""Lets every test import the examples that all of them share, and none fail because the machine is busy."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

settings.register_profile("remora", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("remora")

sys.path.append(str(Path(__file__).parent / "support"))
