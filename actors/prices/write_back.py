"""News of markets on its way to the database: the last of each, sent together (P9). Pure.

It must never hold up an answer, and never be the only place where something is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from actors.prices.memory import Known
from messages.ids import ConditionId
from messages.markets import Market
from messages.store import MarketRow

ROWS_MAX: Final = 500
"""Rows in one message."""
UNWRITTEN_MAX: Final = 20_000
"""Markets that wait for the database at the most; the ones with news longest ago go first."""


class WriteBack:
    """The markets with news since they were written last."""

    def __init__(self) -> None:
        self._known: dict[ConditionId, Known[Market]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def note(self, known: Known[Market]) -> None:
        """Have a market written with the next ones."""
        condition_id = known.value.condition_id
        self._known.pop(condition_id, None)
        self._known[condition_id] = known
        if len(self._known) > UNWRITTEN_MAX:
            del self._known[next(iter(self._known))]

    def take(
        self,
        priced: Callable[[Known[Market]], Known[Market]],
        requested_ns: Callable[[ConditionId], int],
    ) -> list[tuple[MarketRow, ...]]:
        """Return what is to be written, in rows of a message each, and forget it.

        `priced` puts the newest prices into a market, `requested_ns` tells when it was last asked for.
        """
        rows = [_row(priced(known), requested_ns(key)) for key, known in self._known.items()]
        self._known.clear()
        return [tuple(rows[start : start + ROWS_MAX]) for start in range(0, len(rows), ROWS_MAX)]


def _row(known: Known[Market], requested_ns: int) -> MarketRow:
    return MarketRow(
        market=known.value,
        as_of_ns=known.as_of_ns,
        source=str(known.source),
        last_requested_at_ns=requested_ns,
    )


def with_prices(market: Market, prices: tuple[int, ...]) -> Market:
    """Return the market with other prices."""
    return market if market.prices == prices else msgspec.structs.replace(market, prices=prices)
