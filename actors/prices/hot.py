"""What is in play (P11): markets that are held, followed, or were asked for lately, the most pressing first.

Reads the desks and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from actors.prices.book_desk import BookDesk
from actors.prices.live.board import Board
from actors.prices.market_desk import MarketDesk
from actors.prices.memory import NOT_WARMED
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
        for condition_id in self._conditions(now_ns):
            known = self._markets.memory.peek(condition_id)
            if known is not None and known.value.resolution is Resolution.OPEN:
                for token_id in known.value.token_ids:
                    if missing.get(token_id, forgiven_ns) <= forgiven_ns:
                        yield token_id
        since_ns = self._books.in_play_since_ns(now_ns)
        for token_id in reversed(self._books.demand.since(since_ns)):
            asked = self._books.demand.get(token_id)
            is_pressing = asked is not None and asked.age_ms_max(since_ns) is not None
            if is_pressing and missing.get(token_id, forgiven_ns) <= forgiven_ns:
                yield token_id

    def _conditions(self, now_ns: int) -> Iterator[ConditionId]:
        yield from self._watches.conditions()
        yield from self._prices.followers.markets()
        since_ns = self._markets.in_play_since_ns(now_ns)
        by_tier: dict[Tier, list[ConditionId]] = {}
        for condition_id in reversed(self._markets.demand.since(since_ns)):
            asked = self._markets.demand.get(condition_id)
            tier = asked.tier_since(since_ns) if asked is not None else None
            if tier is not None and tier not in NOT_WARMED:
                by_tier.setdefault(tier, []).append(condition_id)
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
