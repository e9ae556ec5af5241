"""How hard the properties are tried: HYPOTHESIS_PROFILE=thorough tries more than the default."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_UNHURRIED = (HealthCheck.too_slow, HealthCheck.filter_too_much)

settings.register_profile("default", stateful_step_count=30, deadline=None, suppress_health_check=_UNHURRIED)
settings.register_profile(
    "thorough", max_examples=3_000, stateful_step_count=80, deadline=None, suppress_health_check=_UNHURRIED
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
