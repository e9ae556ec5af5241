"""Running the same thing twice in one process, with everything at other places in memory.

What depends on where objects lie (sets of things that hash by identity, `id()`), or on when garbage is
collected, differs between the two. What depends on hash seeds needs two processes to show.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from random import Random
from typing import Final, TypeVar

_Value = TypeVar("_Value")

BALLAST: Final = 20_000


def run_twice(run: Callable[[], _Value]) -> tuple[_Value, _Value]:
    """Return the results of two runs, the second among other objects and without garbage collection."""
    first = run()
    ballast = _ballast()
    collects = gc.isenabled()
    gc.disable()
    try:
        second = run()
    finally:
        if collects:
            gc.enable()
    del ballast
    return first, second


def _ballast() -> list[object]:
    """Take memory in pieces of all sizes and give half of them back: what comes next falls into the gaps."""
    random = Random(1)
    pieces: list[object] = [bytearray(random.randrange(16, 600)) for _ in range(BALLAST)]
    random.shuffle(pieces)
    del pieces[: BALLAST // 2]
    return pieces
