"""The race of the sources on the same trades: who saw what first, how late, and what it never saw (Z1).

What is compared is a transaction's movement of one outcome, which every source tells of in rows of its own.
One is *lost* to a source if it never told of it although it was up: it told of other trades within a minute
before and within a minute after. The last minute is left out, for it may still come.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Any, Final

from actors.store.connection import Connection

UP_NS: Final = 60_000_000_000
"""How near a source's other trades must be for it to have been up."""

_SEEN: Final = """
SELECT wallet, tx, token_id, side, kind, traded_at_ns, seen_at_ns FROM sightings
WHERE traded_at_ns >= $1 ORDER BY traded_at_ns
"""
_MS: Final = 1_000_000


@dataclass(slots=True)
class _Trade:
    traded_at_ns: int
    seen: dict[str, int] = field(default_factory=dict)


async def race(connection: Connection, since_ns: int) -> dict[str, Any]:
    """Return the race on trades since a time as plain data; times are milliseconds, shares are of 1."""
    trades: dict[tuple[str, ...], _Trade] = {}
    for row in await connection.fetch(_SEEN, since_ns):
        key = (row["wallet"], row["tx"], row["token_id"], row["side"])
        trade = trades.setdefault(key, _Trade(row["traded_at_ns"]))
        trade.seen[row["kind"]] = row["seen_at_ns"]
    return compare(list(trades.values()))


def compare(trades: list[_Trade]) -> dict[str, Any]:
    """Return the figures of each source, and of each pair by how much one was ahead of the other."""
    kinds = sorted({kind for trade in trades for kind in trade.seen})
    newest_ns = max((trade.traded_at_ns for trade in trades), default=0)
    return {
        "trades": len(trades),
        "sources": [_source(kind, trades, newest_ns) for kind in kinds],
        "pairs": [
            _pair(one, other, trades) for place, one in enumerate(kinds) for other in kinds[place + 1 :]
        ],
    }


def _source(kind: str, trades: list[_Trade], newest_ns: int) -> dict[str, Any]:
    told = sorted(trade.traded_at_ns for trade in trades if kind in trade.seen)
    lags = sorted((trade.seen[kind] - trade.traded_at_ns) / _MS for trade in trades if kind in trade.seen)
    first = sum(min(trade.seen, key=lambda one: (trade.seen[one], one)) == kind for trade in trades)
    lost = sum(
        kind not in trade.seen and _was_up(told, trade.traded_at_ns)
        for trade in trades
        if trade.traded_at_ns <= newest_ns - UP_NS
    )
    return {
        "source": kind,
        "seen": len(told),
        "first": first,
        "first_share": round(first / len(trades), 4),
        "lost": lost,
        "lost_share": round(lost / (lost + len(told)), 4),
        "lag_ms": _percentiles(lags),
    }


def _was_up(told: list[int], at_ns: int) -> bool:
    before = bisect_left(told, at_ns) > bisect_left(told, at_ns - UP_NS)
    after = bisect_right(told, at_ns + UP_NS) > bisect_right(told, at_ns)
    return before and after


def _pair(one: str, other: str, trades: list[_Trade]) -> dict[str, Any]:
    leads = sorted(
        (trade.seen[other] - trade.seen[one]) / _MS for trade in trades if {one, other} <= trade.seen.keys()
    )
    return {
        "source": one,
        "against": other,
        "both": len(leads),
        "ahead": sum(lead > 0 for lead in leads),
        "lead_ms": _percentiles(leads),
    }


def _percentiles(ordered: list[float]) -> dict[str, float] | None:
    """Return the median and the tail by nearest rank, None of nothing."""
    if not ordered:
        return None
    return {
        f"p{share}": round(ordered[max(0, -(-share * len(ordered) // 100) - 1)], 3) for share in (50, 95, 99)
    }
