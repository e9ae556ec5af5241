"""Sixty made-up fills of three wallets in six markets, as somebody's recording of leaders' fills.

Each wallet has outcomes of its own, buys in them until the last moment, and sells in them once: a sale that
overtook a missed buy would be copied in a wrong proportion.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ops.tape.leader_fills import import_leader_fills

WALLETS = tuple(f"0x{letter * 40}" for letter in "abc")
FILLS = 60
BUYS_EACH = 4
BEGIN = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def market(number: int) -> dict[str, Any]:
    """The names of a market."""
    return {
        "condition_id": f"0x{number:064x}",
        "market_slug": f"market-{number}",
        "title": f"Market {number}?",
        "market_side_a": {"id": f"{number}001", "label": "Yes"},
        "market_side_b": {"id": f"{number}002", "label": "No"},
    }


def fill(second: int, wallet: str, outcome: int, side: str, shares: str, tx: int) -> dict[str, Any]:
    """One fill, so many seconds after the beginning. Outcomes are counted over all markets, from 0."""
    names = market(outcome // 2 + 1)
    token = names["market_side_a" if outcome % 2 == 0 else "market_side_b"]
    return {
        "wallet_address": wallet,
        "timestamp": (BEGIN + timedelta(seconds=second)).isoformat(),
        "side": side,
        "shares_normalized": shares,
        "price": f"0.{20 + 5 * outcome}",
        "token_id": token["id"],
        "token_label": token["label"],
        "tx_hash": f"0x{tx:064x}",
        "raw": {"log_index": second},
        **names,
    }


def rows() -> list[dict[str, Any]]:
    """The fills: everybody buys for 48 seconds, and sells in the last 12.

    Every fourth transaction is that of the fill before it: another wallet's share of the same trade, which
    a look at transaction hashes alone would lose.
    """
    outcomes = len(WALLETS) * 4
    made = []
    for number in range(FILLS):
        turn = number % outcomes
        selling = number >= BUYS_EACH * outcomes
        # A sale of half for some, of everything for others; a buy now and then too small to copy.
        bought = sum(_bought(earlier) for earlier in range(turn, BUYS_EACH * outcomes, outcomes))
        size = bought // (2 if turn % 2 else 1) if selling else _bought(number)
        made.append(
            fill(
                number,
                WALLETS[turn % len(WALLETS)],
                turn,
                "SELL" if selling else "BUY",
                f"{size}.5" if not selling else str(size),
                1000 + number - (number % 4 == 3),
            )
        )
    return made


def _bought(number: int) -> int:
    return 30 if number % 17 == 5 else 100 + 37 * (number % 7)


def write_rows(path: Path, made: list[dict[str, Any]]) -> Path:
    """Write fills in the shape of the leader-fills format."""
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    return path


def write_tape(path: Path, made: list[dict[str, Any]] | None = None) -> Path:
    """Import the fills as a tape."""
    source = write_rows(path.with_suffix(".jsonl"), rows() if made is None else made)
    import_leader_fills(source, path)
    return path
