"""The queue before a host's budget: who is most pressing leaves first, else who came first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Final

from actors.prices.bucket import TokenBucket
from actors.prices.tiers import Priority

WAITING_MAX: Final = 10_000
"""Calls that wait at the most; they would take longer than anybody waits."""
WAIT_S_MIN: Final = 0.001
"""A shorter wait may be lost in the rounding of clocks, and would only be tried again."""


class Line:
    """Hands out a bucket's tokens by priority. Whoever waits too long is turned away, never forgotten."""

    def __init__(self, bucket: TokenBucket, now_s: Callable[[], float]) -> None:
        self._bucket = bucket
        self._now_s = now_s
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._serial = 0
        self._handle: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    async def turn(self, priority: Priority, wait_s_max: float) -> bool:
        """Return True with a token taken, or False if none could be had in time."""
        if not self._waiting and self._bucket.take(self._now_s()):
            return True
        ahead = sum(1 for other, _, _ in self._waiting if other <= priority)
        too_late = self._bucket.wait_s(self._now_s(), tokens=ahead + 1) > wait_s_max
        if too_late or len(self._waiting) >= WAITING_MAX:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._serial += 1
        entry = (priority, self._serial, turn)
        heapq.heappush(self._waiting, entry)
        self._schedule()
        try:
            async with asyncio.timeout(wait_s_max):
                await turn
        except TimeoutError:
            return turn.done() and not turn.cancelled()
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was called and is gone before it could leave
                self._bucket.give_back()
                self.close()
                self._schedule()
            raise
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)
        return True

    def close(self) -> None:
        """Call nobody any more; those who wait are cancelled with their calls."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _schedule(self) -> None:
        if self._handle is None and self._waiting:
            wait_s = max(WAIT_S_MIN, self._bucket.wait_s(self._now_s()))
            self._handle = asyncio.get_running_loop().call_later(wait_s, self._call)

    def _call(self) -> None:
        self._handle = None
        while self._waiting:
            if self._waiting[0][2].done():  # it gave up
                heapq.heappop(self._waiting)
            elif self._bucket.take(self._now_s()):
                heapq.heappop(self._waiting)[2].set_result(None)
            else:
                break
        self._schedule()
