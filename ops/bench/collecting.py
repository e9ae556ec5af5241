"""The garbage collector, as it is in the daemon once that has started."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

from supervisor import settle


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Leave what exists alone while something is measured, so that it costs the same whatever came before."""
    thresholds = gc.get_threshold()
    settle()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
