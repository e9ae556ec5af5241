"""Asking the Data API at our own pace: only while the store takes trades, within the budget, and not while
the API's failures call for a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from actors.ingest import metrics
from actors.ingest.activity import Page
from actors.ingest.budget import Budget
from actors.ingest.errors import PageFailed, PageRefused, Throttled
from actors.ingest.pages import Pages
from actors.ingest.pause import Pause
from messages.ids import Wallet
from supervisor import Clock

ATTEMPTS_MAX: Final = 3
"""Tries for one page before others get their turn."""
SLOW_S: Final = 2.0
"""An answer that takes longer says that the API is pressed: it often delays where it could answer 429."""

_NS_PER_S: Final = 1_000_000_000


class Asker:
    """What all who ask share, and how it goes."""

    def __init__(
        self, feed: str, budget: Budget, pause: Pause, gate: asyncio.Event, clock: Clock, log: Any
    ) -> None:
        self._budget = budget
        self._pause = pause
        self._gate = gate
        self._clock = clock
        self._log = log
        self._failures = metrics.RECONNECTS.labels(feed)
        self._slowed_ns = -1
        self.pages = 0
        self.failures = 0
        self.last_page_at_ns = 0
        self.error = ""

    async def page(
        self,
        pages: Pages,
        wallet: Wallet,
        start_s: int,
        end_s: int,
        cursor: str | None,
        is_wanted: Callable[[], bool],
    ) -> Page | None:
        """Return a page, or None once it is not wanted any more.

        Raises `PageRefused`, and `PageError` after the last try.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            await self._turn()
            if not is_wanted():
                return None
            asked_ns = self._clock.monotonic_ns()
            try:
                page = await pages.fetch(wallet, start_s, end_s, cursor)
            except PageRefused as error:
                self.trouble(str(error))
                raise
            except Throttled as error:
                metrics.THROTTLED.inc()
                self._failed(asked_ns, str(error), error.retry_after_s)
                if attempt == ATTEMPTS_MAX:
                    raise
            except PageFailed as error:
                self._failed(asked_ns, str(error))
                if attempt == ATTEMPTS_MAX:
                    raise
            else:
                self._well(asked_ns)
                return page if is_wanted() else None
        raise AssertionError("the last attempt returns or raises")

    async def _turn(self) -> None:
        """Return when a request may leave."""
        while True:
            await self._gate.wait()
            left_ns = self._pause.left_ns(self._clock.monotonic_ns())
            if left_ns:
                await asyncio.sleep(left_ns / _NS_PER_S)
                continue
            wait_ns = self._budget.reserve(self._clock.monotonic_ns())
            if wait_ns:
                await asyncio.sleep(wait_ns / _NS_PER_S)
            if self._gate.is_set() and not self._pause.left_ns(self._clock.monotonic_ns()):
                return

    def _slow(self, asked_ns: int) -> None:
        """Ask less often. Answers to requests that were under way together are slow together: they count
        as one."""
        if asked_ns > self._slowed_ns:
            self._slowed_ns = self._clock.monotonic_ns()
            self._budget.slow_down()
            metrics.SLOWED.inc()

    def trouble(self, reason: str) -> None:
        """Say what is wrong, once for as long as it stays the same."""
        if reason != self.error:
            self._log.warning("polling failed", reason=reason)
        self.error = reason

    def _failed(self, asked_ns: int, reason: str, retry_after_s: float = 0.0) -> None:
        self.failures += 1
        self._failures.inc()
        self._pause.failed(asked_ns, self._clock.monotonic_ns(), retry_after_s)
        self.trouble(reason)

    def _well(self, asked_ns: int) -> None:
        if self._clock.monotonic_ns() - asked_ns > SLOW_S * _NS_PER_S:
            self._slow(asked_ns)
        else:
            self._budget.speed_up()
        self.pages += 1
        self.last_page_at_ns = self._clock.now_ns()
        self._pause.succeeded(asked_ns)
        if self.error:
            self._log.info("polling works again")
        self.error = ""
