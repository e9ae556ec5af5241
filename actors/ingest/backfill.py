"""Reading leaders' past from the Data API: one request after another, a page at a time, as polling goes on.

It asks through the poller's own asker, so that both together stay within one budget, and has never more than
one request under way: polling keeps nearly all of it. It must never decide whether a row is new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

from actors.ingest import metrics
from actors.ingest.asking import Asker
from actors.ingest.errors import PageError, PageRefused, Unclear
from actors.ingest.movements import Moved
from actors.ingest.pages import Pages
from actors.ingest.placing import Placing
from actors.ingest.sweep import Sweep, Taken
from messages.backfill import BackfillRequest, BackfillsWanted, HistoryPage
from messages.movements import MovementReported
from messages.trades import FillReported
from supervisor import AskError, Clock

FEED: Final = "backfill"
PAUSE_S: Final = 5.0
"""After a failure; the request then goes on from the last page that is durable."""
PLACING_MAX: Final = 10
"""Tries to learn a market's outcomes before history goes on without that movement."""


class Backfill:
    """What is to be read, and the reading of it."""

    def __init__(
        self, asker: Asker, clock: Clock, log: Any, placing: Placing, hand_over: Callable[..., Awaitable[Any]]
    ) -> None:
        """`hand_over` asks the historian to take a page. Raises `AskError`."""
        self._asker = asker
        self._clock = clock
        self._log = log
        self._placing = placing
        self._hand_over = hand_over
        self._wanted: dict[int, BackfillRequest] = {}
        self._ended: set[int] = set()
        self._historian: Any = None
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._wanted)

    def want(self, message: BackfillsWanted) -> None:
        """Take the whole set; one that was under way goes on from where it got."""
        told = {one.request_id: one for one in message.requests}
        self._ended &= told.keys()
        self._historian = message.historian
        self._wanted = {
            number: self._wanted.get(number, one) for number, one in told.items() if number not in self._ended
        }
        self._wake.set()

    async def run(self, pages: Pages) -> NoReturn:
        """Carry requests out for ever."""
        while True:
            request = next(iter(self._wanted.values()), None)
            if request is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                await self._carry_out(pages, request)
            except (PageError, AskError) as error:
                reason = str(error) or type(error).__name__
                self._log.warning("backfill failed for now", wallet=request.wallet, reason=reason)
                await asyncio.sleep(PAUSE_S)

    async def _carry_out(self, pages: Pages, request: BackfillRequest) -> None:
        number, start_s = request.request_id, request.reached_s
        sweep = Sweep(request.wallet, FEED, start_s)
        cursor: str | None = None
        while number in self._wanted:
            try:
                page = await self._asker.page(
                    pages, request.wallet, start_s, request.to_s, cursor, lambda: number in self._wanted
                )
            except PageRefused as refused:
                await self._end(request, str(refused))
                return
            if page is None:
                return
            if page.next_cursor is not None and page.next_cursor == cursor:
                await self._end(request, "the Data API sent a page that leads to itself")
                return
            cursor = page.next_cursor
            taken = sweep.take(page, seen_at_ns=self._clock.now_ns(), seen_mono_ns=0)
            reached_s = request.to_s if cursor is None else min(taken.reached_s or 0, request.to_s)
            fills, movements = await self._placed(request, taken)
            await self._tell(
                HistoryPage(
                    request_id=number,
                    wallet=request.wallet,
                    fills=fills,
                    movements=movements,
                    rows=len(page.rows),
                    reached_s=reached_s,
                    is_last=cursor is None,
                )
            )
            if cursor is None:
                self._forget(number)
                return

    async def _placed(
        self, request: BackfillRequest, taken: Taken
    ) -> tuple[tuple[FillReported, ...], tuple[MovementReported, ...]]:
        for fill in taken.fills:
            self._placing.sets.saw(fill.condition_id, fill.token_id)
        if taken.malformed:
            metrics.MALFORMED.labels(FEED).inc(len(taken.malformed))
            self._log.warning(
                "rows of history could not be read and are left out",
                wallet=request.wallet,
                rows=len(taken.malformed),
                reason=str(taken.malformed[0]),
            )
        for unclear in taken.unclear:
            self._placing.complain(unclear, request.wallet)
        movements = []
        for row in taken.rows:
            if isinstance(row, Moved):
                report = await self._movement(row, request)
                if report is not None:
                    movements.append(report)
        return tuple(taken.fills), tuple(movements)

    async def _movement(self, row: Moved, request: BackfillRequest) -> MovementReported | None:
        report: MovementReported | Unclear | None = None
        for _ in range(PLACING_MAX):
            report = await self._placing.report(row, request.wallet, self._clock.now_ns())
            if report is not None:
                break
            await asyncio.sleep(PAUSE_S)
        if isinstance(report, Unclear):
            self._placing.complain(report, request.wallet)
            return None
        return report

    async def _end(self, request: BackfillRequest, reason: str) -> None:
        await self._tell(
            HistoryPage(
                request_id=request.request_id,
                wallet=request.wallet,
                fills=(),
                movements=(),
                rows=0,
                reached_s=request.reached_s,
                is_last=True,
                refusal=reason,
            )
        )
        self._log.warning("backfill failed", wallet=request.wallet, reason=reason)
        self._forget(request.request_id)

    async def _tell(self, page: HistoryPage) -> None:
        await self._hand_over(self._historian, page)
        known = self._wanted.get(page.request_id)
        if known is not None and page.reached_s > known.reached_s:
            self._wanted[page.request_id] = BackfillRequest(
                request_id=known.request_id,
                wallet=known.wallet,
                from_s=known.from_s,
                to_s=known.to_s,
                reached_s=page.reached_s,
            )

    def _forget(self, number: int) -> None:
        self._wanted.pop(number, None)
        self._ended.add(number)
