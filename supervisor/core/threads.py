"""Where a system base lives: in somebody's loop, or in a loop of its own in a thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from supervisor.errors import BlockingCall, SystemStopped

_Value = TypeVar("_Value")

_CLOSED_CHECK_S: Final = 0.5
"""How often who waits for the loop looks whether there still is one."""


class Home:
    """A loop and the thread it runs on. Owns the loop only if it had to make one.

    A loop of somebody else's may not run yet, and then in any thread, or run already in another than this.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None, name: str) -> None:
        if loop is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                loop = None
        self._name = name
        self.owned = loop is None
        self.loop: asyncio.AbstractEventLoop = loop if loop is not None else asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        elsewhere = self.loop.is_running() and not _runs_here(self.loop)
        self._ident: int | None = None if elsewhere else threading.get_ident()
        if self.owned:
            ready = threading.Event()
            self._thread = threading.Thread(target=self._live, args=(ready,), name=name, daemon=True)
            self._thread.start()
            ready.wait()

    def settle_in(self) -> int:
        """Take note that the caller is on the thread of the loop, and return which that is."""
        self._ident = threading.get_ident()
        return self._ident

    def _live(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        self._ident = threading.get_ident()
        self.loop.call_soon(ready.set)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()

    @property
    def is_here(self) -> bool:
        """Whether the caller is on the thread of the loop."""
        return threading.get_ident() == self._ident

    def call(self, function: Callable[..., _Value], *args: Any) -> _Value:
        """Call on the loop's thread and return the result, waiting for it if that is another thread.

        Raises `SystemStopped` if the loop is closed before it comes to the call.
        """
        if self.is_here or self.loop.is_closed():
            return function(*args)
        future: concurrent.futures.Future[_Value] = concurrent.futures.Future()

        def run() -> None:
            try:
                future.set_result(function(*args))
            except BaseException as error:
                future.set_exception(error)

        self._hand_over(run)
        return self.wait_for(future)

    def wait_for(self, future: concurrent.futures.Future[_Value]) -> _Value:
        """Return what the loop comes to, on another thread. Raises `SystemStopped` if it is closed first."""
        while not concurrent.futures.wait([future], timeout=_CLOSED_CHECK_S).done:
            if self.loop.is_closed():
                raise SystemStopped(
                    f"{self._name}: its loop was closed before it came to what it was asked for"
                )
        return future.result()

    def post(self, function: Callable[..., Any], *args: Any) -> None:
        """Call on the loop's thread; at once if this is it, without waiting if not."""
        if self.is_here:
            function(*args)
        else:
            self._hand_over(function, *args)

    def _hand_over(self, function: Callable[..., Any], *args: Any) -> None:
        # A loop may close at any moment, and what is posted to it then has nobody left to care.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(function, *args)

    def check_may_block(self, what: str, instead: str) -> None:
        """Raise `BlockingCall` if the caller would wait for the loop it is on."""
        if self.is_here:
            raise BlockingCall(f"{what} would block the loop that must serve it; {instead}")

    def close(self) -> None:
        """Stop and close a loop of its own; leave somebody else's alone."""
        if self._thread is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            if not self.is_here:
                self._thread.join()


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
