"""What is in play (P11): markets that are held, followed, or were asked for lately, the most pressing first.

Reads the desks and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from actors.prices.book_desk import BookDesk
from actors.prices.live.board import Board
from actors.prices.market_desk import MarketDesk
from actors.prices.memory import NOT_WARMED, Demand
from actors.prices.price_desk import PriceDesk
from actors.prices.tiers import PRIORITIES
from actors.prices.watches import Watches
from messages.ids import ConditionId, TokenId
from messages.markets import Resolution, Tier
from messages.prices import DemandState, MarketDemand
from supervisor import Clock

MISSING_NS: Final = 300_000_000_000
"""How long an outcome that has no book is not asked to be live."""
SHOWN_MAX: Final = 1_000
"""Markets in one `DemandState`."""


class Hot:
    """The hot set, seen through the desks."""

    def __init__(
        self,
        clock: Clock,
        markets: MarketDesk,
        books: BookDesk,
        prices: PriceDesk,
        watches: Watches,
        board: Board,
    ) -> None:
        self._clock = clock
        self._markets = markets
        self._books = books
        self._prices = prices
        self._watches = watches
        self._board = board

    def tokens(self, now_ns: int) -> Iterator[TokenId]:
        """Yield the outcomes whose books are to be live, the most pressing first."""
        forgiven_ns = now_ns - MISSING_NS
        missing = self._books.missing
        for token_id in self._wanted(now_ns):
            if missing.get(token_id, forgiven_ns) <= forgiven_ns:
                yield token_id

    def _wanted(self, now_ns: int) -> Iterator[TokenId]:
        """Yield what is held and followed, then by tier what was asked for: its books, then its markets."""
        for condition_id in (*self._watches.conditions(), *self._prices.followers.markets()):
            yield from self._outcomes(condition_id)
        books = self._by_tier(self._books.demand, self._books.in_play_since_ns(now_ns))
        markets = self._by_tier(self._markets.demand, self._markets.in_play_since_ns(now_ns))
        for tier in sorted({*books, *markets}, key=PRIORITIES.__getitem__):
            yield from books.get(tier, ())
            for condition_id in markets.get(tier, ()):
                yield from self._outcomes(condition_id)

    def _outcomes(self, condition_id: ConditionId) -> tuple[TokenId, ...]:
        known = self._markets.memory.peek(condition_id)
        is_open = known is not None and known.value.resolution is Resolution.OPEN
        return known.value.token_ids if known is not None and is_open else ()

    def _by_tier(self, demand: Demand, since_ns: int) -> dict[Tier, list[str]]:
        """Return what was asked for since then by the most pressing tier that did, the latest first."""
        found: dict[Tier, list[str]] = {}
        for key in reversed(demand.since(since_ns)):
            asked = demand.get(key)
            tier = asked.tier_since(since_ns) if asked is not None else None
            if tier is not None and tier not in NOT_WARMED:
                found.setdefault(tier, []).append(key)
        return found

    def _conditions(self, now_ns: int) -> Iterator[ConditionId]:
        yield from self._watches.conditions()
        yield from self._prices.followers.markets()
        by_tier = self._by_tier(self._markets.demand, self._markets.in_play_since_ns(now_ns))
        for tier in sorted(by_tier, key=PRIORITIES.__getitem__):
            yield from by_tier[tier]

    def demand(self) -> DemandState:
        """Return the hot set for people to see."""
        now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.now_ns()
        shown = [
            self._one(condition_id, now_ns, wall_ns)
            for condition_id in list(dict.fromkeys(self._shown(now_ns)))[:SHOWN_MAX]
        ]
        return DemandState(markets=tuple(shown))

    def _shown(self, now_ns: int) -> Iterator[ConditionId]:
        yield from self._conditions(now_ns)
        yield from reversed(self._markets.demand.since(self._markets.in_play_since_ns(now_ns)))

    def _one(self, condition_id: ConditionId, now_ns: int, wall_ns: int) -> MarketDemand:
        known = self._markets.memory.peek(condition_id)
        asked = self._markets.demand.get(condition_id)
        view = self._prices.view(known, now_ns) if known is not None else None
        tokens = known.value.token_ids if known is not None else ()
        return MarketDemand(
            condition_id=condition_id,
            question=known.value.question if known is not None else "",
            tier=asked.tier_since(self._markets.in_play_since_ns(now_ns)) if asked is not None else None,
            held=condition_id in self._watches,
            followed=condition_id in self._prices.followers,
            last_requested_at_ns=wall_ns - (now_ns - asked.at_ns) if asked is not None else 0,
            requests=asked.count if asked is not None else 0,
            live=sum(self._board.proved_ns(token_id) is not None for token_id in tokens),
            source=view.source if view is not None else "",
            age_ms=max(0, now_ns - view.mono_ns) // 1_000_000 if view is not None else -1,
        )
