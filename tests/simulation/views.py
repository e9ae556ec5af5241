"""What each source shows of a transaction, by the facts of the wire and not by the product's code.

- The chain has one log for each resting order met, and one for the taker's order in each call, with the sums
  of the call. Amounts are exact to 1e-6, and the price is their quotient.
- The trade stream has one row for each resting order met; the taker's order is one row with a price rounded
  to the cent, or comes as a row for each order it met.
- The Data API has one row for a taker's order, with its average price; the rows of a maker in one
  transaction come singly or summed up. It says nothing about where a row stands in its block.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import TypeAlias

from script import Group, Match, Transaction
from world import NS, SHARE

from messages.trades import FillReported, Side, SourceKind

BLOCK_S = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One row or log: whose fill, of what, and for the chain where it stands."""

    wallet: str
    tx: str
    condition: str
    token: str
    side: Side
    size: int
    price: int
    usdc: int
    at_s: int
    block_number: int | None = None
    log_index: int | None = None

    @property
    def group(self) -> Group:
        return self.wallet, self.tx, self.token, self.side


Rows: TypeAlias = tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Manner:
    """How the sources happen to cut one transaction."""

    stream_splits_taker: bool
    api_sums_makers: bool


def chain(trade: Transaction) -> Rows:
    """Return the logs of a transaction in their order."""
    rows: list[Row] = []
    for call in trade.calls:
        for match in call:
            rows.append(_log(trade, rows, match.maker, match.token, match.side, [(match.size, match.price)]))
        taken = [(match.size, match.taker_price) for match in call]
        rows.append(_log(trade, rows, trade.taker, trade.token, trade.side, taken))
    return tuple(rows)


def _log(
    trade: Transaction, before: list[Row], wallet: str, token: str, side: Side, parts: list[tuple[int, int]]
) -> Row:
    size = sum(part[0] for part in parts)
    usdc = sum(part[0] * part[1] // SHARE for part in parts)
    return Row(
        wallet=wallet,
        tx=trade.hash,
        condition=trade.condition,
        token=token,
        side=side,
        size=size,
        price=_micros(Decimal(usdc) / Decimal(size)),
        usdc=usdc,
        at_s=trade.at_s,
        block_number=trade.at_s // BLOCK_S,
        log_index=len(before),
    )


def stream(trade: Transaction, manner: Manner) -> Rows:
    """Return the frames of a transaction in their order, each with the second of the match."""
    matches = list(trade.matches())
    if manner.stream_splits_taker:
        taken = [(match.size, match.taker_price) for match in matches]
    else:
        size = sum(match.size for match in matches)
        average = Decimal(sum(match.size * match.taker_price for match in matches)) / size / SHARE
        cents = average.quantize(Decimal("0.01"), ROUND_HALF_UP)
        taken = [(size, _micros(cents if len(matches) > 1 else average))]
    rows = [_row(trade, trade.taker, trade.token, trade.side, *part) for part in taken]
    return (*rows, *(_makers_row(trade, match) for match in matches))


def api(trade: Transaction, manner: Manner) -> Rows:
    """Return the Data API's rows of a transaction."""
    matches = list(trade.matches())
    size = sum(match.size for match in matches)
    usdc = sum(match.size * match.taker_price // SHARE for match in matches)
    rows = [_row(trade, trade.taker, trade.token, trade.side, size, _average(usdc, size))]
    if not manner.api_sums_makers:
        return (*rows, *(_makers_row(trade, match) for match in matches))
    sizes: Counter[tuple[str, str, Side]] = Counter()
    spent: Counter[tuple[str, str, Side]] = Counter()
    for match in matches:
        sizes[match.maker, match.token, match.side] += match.size
        spent[match.maker, match.token, match.side] += match.size * match.price // SHARE
    return (*rows, *(_row(trade, *key, sizes[key], _average(spent[key], sizes[key])) for key in sizes))


def _makers_row(trade: Transaction, match: Match) -> Row:
    return _row(trade, match.maker, match.token, match.side, match.size, match.price)


def _row(trade: Transaction, wallet: str, token: str, side: Side, size: int, price: int) -> Row:
    return Row(
        wallet=wallet,
        tx=trade.hash,
        condition=trade.condition,
        token=token,
        side=side,
        size=size,
        price=price,
        usdc=size * price // SHARE,
        at_s=trade.at_s,
    )


def _average(usdc: int, size: int) -> int:
    """Return a price as the API prints it, to ten decimals, in the product's unit."""
    printed = (Decimal(usdc) / Decimal(size)).quantize(Decimal("1e-10"), ROUND_HALF_EVEN)
    return _micros(printed)


def _micros(price: Decimal) -> int:
    return int((price * SHARE).quantize(Decimal(1), ROUND_HALF_EVEN))


def report(
    row: Row, kind: SourceKind, feed: str, occurrence: int, seen_ns: int, sweep_ns: int
) -> FillReported:
    """Return what a feed makes of a row."""
    return FillReported(
        wallet=row.wallet,
        tx=row.tx,
        condition_id=row.condition,
        token_id=row.token,
        side=row.side,
        size=row.size,
        price=row.price,
        usdc=row.usdc,
        traded_at_ns=row.at_s * NS,
        kind=kind,
        feed=feed,
        seen_at_ns=seen_ns,
        seen_mono_ns=seen_ns,
        occurrence=occurrence,
        sweep_ns=sweep_ns,
        block_number=row.block_number,
        log_index=row.log_index,
    )
