"""A batch in one transaction: its writes by kind, a few statements for any number, then its loads.

Kinds are written in an order in which each finds what it refers to (a decision its trade, a fill its
order), and within a kind the order of arrival stands. No kind depends on one that is written after it,
so the result is that of writing one by one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from actors.store import decisions, history, markets, movements, orders, overrides, paper, portfolios, trades
from actors.store.connection import Connection
from messages.backfill import FoldPositions, LoadTrades, StoreHistory
from messages.base import Message
from messages.operator import LoadOverrides
from messages.store import (
    LoadLeader,
    LoadOpenOrders,
    LoadPaperAccount,
    LoadPaperOrder,
    LoadPortfolio,
    OpenOrdersLoaded,
    StoreCorrection,
    StoreCursor,
    StoreDecision,
    StoreDuplicates,
    StoreMarkets,
    StoreMismatch,
    StoreMovement,
    StoreOrder,
    StorePaperOrder,
    StorePaperSettlement,
    StorePositions,
    StoreSettlement,
    StoreSightings,
    StoreTrade,
)

Phase: TypeAlias = Callable[[Connection, Any], Awaitable[Sequence[Message] | None]]


async def _load_open_orders(
    connection: Connection, loads: Sequence[LoadOpenOrders]
) -> list[OpenOrdersLoaded]:
    answer = OpenOrdersLoaded(orders=await orders.open_orders(connection, None))
    return [answer for _ in loads]


_WRITES: Final[tuple[tuple[tuple[type[Message], ...], Phase], ...]] = (
    ((StoreTrade, StoreCorrection), trades.store_trades),
    ((StoreHistory,), history.store_history),
    ((StoreCursor,), trades.store_cursors),
    ((StoreDuplicates,), trades.store_duplicates),
    ((StoreSightings,), trades.store_sightings),
    ((StoreDecision,), decisions.store_decisions),
    ((StoreOrder, StoreSettlement), orders.store_orders),
    ((StorePositions,), portfolios.store_positions),
    ((StoreMarkets,), markets.store_markets),
    ((StorePaperOrder,), paper.store_paper_orders),
    ((StorePaperSettlement,), paper.store_paper_settlements),
    ((StoreMismatch,), markets.store_mismatches),
)
_LAST: Final[tuple[tuple[tuple[type[Message], ...], Phase], ...]] = (
    # A movement and a trade each say what they leave of a position: the later one must be written later.
    ((StoreMovement,), movements.store_movements),
)
_LOADS: Final[tuple[tuple[tuple[type[Message], ...], Phase], ...]] = (
    ((FoldPositions,), history.fold_positions),
    ((LoadLeader,), trades.load_leaders),
    ((LoadTrades,), history.load_trades),
    ((LoadPortfolio,), portfolios.load_portfolios),
    ((LoadOpenOrders,), _load_open_orders),
    ((LoadPaperOrder,), paper.load_paper_orders),
    ((LoadPaperAccount,), paper.load_paper_accounts),
    ((LoadOverrides,), overrides.load_overrides),
)
_PHASES: Final = (*_WRITES, *_LAST, *_LOADS)

WRITES: Final = tuple(kind for kinds, _ in _WRITES for kind in kinds)
"""Messages that may share a batch in any mixture."""
LOADS: Final = tuple(kind for kinds, _ in (*_LAST, *_LOADS) for kind in kinds)
"""Messages that come behind every write before them and before every one after: they end a batch."""
_NUMBERS: Final = {kind: number for number, (kinds, _) in enumerate(_PHASES) for kind in kinds}


def halves(message: Message) -> Sequence[Message]:
    """Return a write of many rows as two of fewer; nothing where it stands or falls as one."""
    return markets.halves(message) if isinstance(message, StoreMarkets) else ()


async def run_batch(connection: Connection, messages: Sequence[Message]) -> list[Message | None]:
    """Run the messages in the transaction that is open and return the answer to each, None for none."""
    by_phase: dict[int, list[int]] = {}
    for place, message in enumerate(messages):
        by_phase.setdefault(_NUMBERS[type(message)], []).append(place)
    answers: list[Message | None] = [None] * len(messages)
    for number in sorted(by_phase):
        places = by_phase[number]
        given = await _PHASES[number][1](connection, [messages[place] for place in places])
        for place, answer in zip(places, given or (), strict=given is not None):
            answers[place] = answer
    return answers
