"""Rows of the leader-fills format: one real fill of one wallet a line, as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import msgspec

from ops.tape.errors import ImportFailed

_WALLET: Final = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}\Z")


class Outcome(msgspec.Struct, frozen=True):
    """One side of a market: its token and what it is called."""

    id: str
    label: str


class ChainPlace(msgspec.Struct, frozen=True):
    """Where on the chain the fill stands; only its order is used."""

    block_number: int = 0
    log_index: int = 0


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    """A fill. Fields of the source that the tape has no use for are passed over."""

    wallet_address: str
    timestamp: datetime
    side: Literal["BUY", "SELL"]
    shares_normalized: Decimal
    price: Decimal
    token_id: str
    token_label: str
    condition_id: str
    market_slug: str
    title: str
    tx_hash: str
    market_side_a: Outcome
    market_side_b: Outcome
    market_negative_risk_id: str | None = None
    raw: ChainPlace = ChainPlace()

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        return (self.market_side_a, self.market_side_b)

    @property
    def order(self) -> tuple[datetime, int, int]:
        """What rows are sorted by: time to the second, then their place on the chain."""
        return (self.timestamp, self.raw.block_number, self.raw.log_index)


_decoder: Final = msgspec.json.Decoder(FillRow)


def read_rows(source: Path) -> Iterator[FillRow]:
    """Yield the rows of a file. Raises `ImportFailed` naming the file, the line and what was expected."""
    try:
        with source.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _row(line, f"{source}:{number}")
    except OSError as error:
        raise ImportFailed(f"{source} cannot be read: {error.strerror}") from error


def _row(line: bytes, where: str) -> FillRow:
    try:
        row = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise ImportFailed(f"{where}: not a row of the leader-fills format: {error}") from error
    for problem in _problems(row):
        raise ImportFailed(f"{where}: {problem}")
    return row


def _problems(row: FillRow) -> Iterator[str]:
    if not _WALLET.match(row.wallet_address):
        yield f"wallet_address is 0x and 40 hex digits, but was {row.wallet_address!r}"
    if not _HASH.match(row.tx_hash):
        yield f"tx_hash is 0x and 64 hex digits, but was {row.tx_hash!r}"
    if not _HASH.match(row.condition_id):
        yield f"condition_id is 0x and 64 hex digits, but was {row.condition_id!r}"
    if row.timestamp.tzinfo is None:
        yield f"timestamp carries its offset from UTC, but was {row.timestamp.isoformat()}"
    if not (row.price.is_finite() and 0 < row.price < 1):
        yield f"price lies between 0 and 1, but was {row.price}"
    if not (row.shares_normalized.is_finite() and row.shares_normalized > 0):
        yield f"shares_normalized is more than 0, but was {row.shares_normalized}"
    if not row.token_id.isdigit():
        yield f"token_id is a decimal number, but was {row.token_id!r}"
    if row.token_id not in (one.id for one in row.outcomes):
        yield f"token_id is that of market_side_a or market_side_b, but was {row.token_id!r}"
