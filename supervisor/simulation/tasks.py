"""Tasks and futures that are numbered, so that a set of them has the same order in every run.

asyncio keeps tasks in sets, and a task group cancels its tasks in the order of one. By default that is the
order of their places in memory.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any


class NumberedTask(asyncio.Task[Any]):
    """A task whose hash is its number."""

    number: int

    def __hash__(self) -> int:
        return self.number


class NumberedFuture(asyncio.Future[Any]):
    """A future whose hash is its number."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


def numbered() -> Callable[..., asyncio.Task[Any]]:
    """Return a task factory for a loop of its own."""
    numbers = itertools.count(1)

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        # The number comes first: on its way into the world a task is put into a set.
        task = NumberedTask.__new__(NumberedTask)
        task.number = next(numbers)
        NumberedTask.__init__(task, coroutine, loop=loop, **options)
        return task

    return make
