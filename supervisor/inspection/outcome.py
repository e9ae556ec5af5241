"""What takes its time in a system, for whoever asked for it: on its loop, on another, or on none."""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
from collections.abc import Coroutine, Generator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from supervisor.errors import InspectionError

if TYPE_CHECKING:
    from supervisor.core.system import System

_Value = TypeVar("_Value")

LOOK_S: Final = 0.5
"""How often a thread that waits looks whether the loop it waits for still lives."""


class Outcome(Generic[_Value]):
    """Await it on any loop, or call `result` on a thread that runs none.

    It goes on whether or not somebody waits; who stops waiting does not stop it.
    """

    def __init__(self, system: System, coroutine: Coroutine[Any, Any, _Value]) -> None:
        self._home = system.home
        self._future: concurrent.futures.Future[_Value] = concurrent.futures.Future()
        self._future.set_running_or_notify_cancel()
        system.run(self._fulfil(coroutine))

    async def _fulfil(self, coroutine: Coroutine[Any, Any, _Value]) -> None:
        try:
            self._future.set_result(await coroutine)
        except asyncio.CancelledError as error:
            self._future.set_exception(error)
            raise
        except Exception as error:
            self._future.set_exception(error)

    @property
    def done(self) -> bool:
        return self._future.done()

    def result(self, timeout_s: float | None = None) -> _Value:
        """Return what came of it, waiting for that.

        Raises `BlockingCall` on the loop, `TimeoutError`, and `InspectionError` if the loop ends before it.
        """
        if not self._future.done():
            self._home.check_may_block("result()", "await it instead")
        left_s = timeout_s if timeout_s is not None else math.inf
        while left_s > 0 and not concurrent.futures.wait([self._future], min(left_s, LOOK_S)).done:
            left_s -= LOOK_S
            if self._home.loop.is_closed() and not self._future.done():
                raise InspectionError("the system's loop was closed before it came to an end")
        return self._future.result(0)

    def __await__(self) -> Generator[Any, None, _Value]:
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()
