"""Threads in which plain actors handle: never more than a number of them, made when needed, gone when idle.

A pool apart from that of `run_in_thread`, for these handlers may block for as long as they like. Daemons, so
that a handler that never returns does not keep the process from ending.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

IDLE_S: Final = 10.0
"""How long a thread waits for its next call before it ends."""


class HandlerThreads:
    """A pool of threads. An actor submits one call at a time, so no more wait than there are actors."""

    def __init__(self, name: str, threads_max: int) -> None:
        self._name = name
        self._threads_max = threads_max
        self._calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def submit(self, function: Callable[..., None], *args: Any) -> None:
        """Call in a thread, as soon as there is one; the function must not raise."""
        with self._changed:
            self._calls.append((function, args))
            if len(self._calls) > self._idle and self._threads < self._threads_max:
                self._threads += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
            else:
                self._changed.notify()

    def close(self) -> None:
        """Let the threads end when they have nothing left to do; waits for none."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def threads(self) -> int:
        """How many threads there are."""
        return self._threads

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(self._has_news, IDLE_S)
                self._idle -= 1
                if not self._calls:
                    self._threads -= 1
                    return
                function, args = self._calls.popleft()
            function(*args)
            del function, args  # an idle thread must not keep an actor alive

    def _has_news(self) -> bool:
        return bool(self._calls) or self._closed
