"""`remora markets` and `remora price` for people."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from ops.consoles import wide_console


def render_demand(document: dict[str, Any]) -> None:
    """Print the answer of `GET /api/markets/demand` on stdout."""
    console = wide_console()
    if not document["markets"]:
        console.print("no market is kept warm: nobody asks for one, and none is held")
        return
    whole = Column("condition", min_width=66, no_wrap=True)
    asked = Column("last asked (UTC)", min_width=19, no_wrap=True)
    table = Table(whole, "question", "tier", "for", "requests", asked, "live", "source", "age")
    for one in document["markets"]:
        table.add_row(
            one["conditionId"],
            escape(one["question"]),
            one["tier"] or "",
            ", ".join(reason for reason in ("held", "followed") if one[reason]),
            str(one["requests"]),
            _moment(one["lastRequestedAt"]),
            str(one["live"]),
            one["source"],
            _age(one["ageMs"]),
        )
    console.print(table)


def render_price(document: dict[str, Any]) -> None:
    """Print the answer of `GET /api/polymarket/price` on stdout."""
    console = wide_console()
    market = document["market"]
    outcomes = market["outcomes"] if market is not None else ()
    if market is not None:
        console.print(f"{market['question']} ({market['resolution']})", markup=False)
    table = Table("outcome", "price")
    for outcome, price in zip_longest(outcomes, document["prices"]):
        table.add_row(escape(outcome or ""), price or "not known")
    console.print(table)
    if document["asOf"] is not None:
        stale = "STALE, " if document["stale"] else ""
        console.print(
            f"{stale}{_age(document['ageMs'])} old, of {document['asOf']}, from {document['source']}, "
            f"as {document['tier']}"
        )
    if document["error"]:
        console.print(f"not fresher: {document['error']}", markup=False)


def _moment(text: str | None) -> str:
    return "never" if text is None else text[:19].replace("T", " ")


def _age(age_ms: int | None) -> str:
    return "not known" if age_ms is None else f"{age_ms / 1000:.1f} s"
