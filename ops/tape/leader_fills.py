"""Imports fills of leaders: a row a fill becomes a frame of the trade stream, in order of time.

    import_leader_fills(Path("fills.jsonl"), Path("fills.tape.jsonl"))

Who traded what, at what price, how much, when and in which transaction is the source's, digit for digit.
Markets and books are not in the source and are made up; their records carry the run id `made-up`.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from messages.envelope import Envelope, write
from ops.tape import made_up
from ops.tape.errors import ImportFailed
from ops.tape.fill_rows import FillRow, read_rows
from ops.tape.summary import ImportSummary
from ops.venue.keccak import checksummed

_MADE_UP: Final = "made-up"
_IMPORTED: Final = "leader-fills"
_OPENING_NS: Final = 1_000_000_000
"""How long before the first fill markets and books stand on the tape."""

_numbers: Final = msgspec.json.Encoder(decimal_format="number")


def import_leader_fills(source: Path, out: Path) -> ImportSummary:
    """Turn the source into a tape. Raises `ImportFailed`, and leaves no tape then."""
    if out.exists() and source.exists() and out.samefile(source):
        raise ImportFailed(f"{out} is the source itself; give the tape another name")
    rows = sorted(read_rows(source), key=lambda row: row.order)
    if not rows:
        raise ImportFailed(f"{source} holds no rows; expected one JSON object a line, one fill each")
    markets: defaultdict[str, list[FillRow]] = defaultdict(list)
    for row in rows:
        markets[row.condition_id].append(row)
    records = list(_records(rows, markets))
    _write(records, out)
    wallets = Counter(row.wallet_address.lower() for row in rows)
    sources = Counter(record.source for record in records if record.run_id == _MADE_UP)
    return ImportSummary(
        source=str(source),
        out=str(out),
        records=len(records),
        fills=len(rows),
        wallets=dict(wallets.most_common()),
        markets=len(markets),
        books=sources["clob.book"],
        first_at=rows[0].timestamp.astimezone(UTC).isoformat(),
        last_at=rows[-1].timestamp.astimezone(UTC).isoformat(),
        made_up=dict(sources),
    )


def _records(rows: Sequence[FillRow], markets: dict[str, list[FillRow]]) -> Iterator[Envelope]:
    seq = 0
    opening = _nanoseconds(rows[0].timestamp) - _OPENING_NS
    for source, document in _made_up(markets, rows[-1].timestamp):
        seq += 1
        yield _envelope(seq, opening, source, document, _MADE_UP)
    for row in rows:
        seq += 1
        yield _envelope(seq, _nanoseconds(row.timestamp), "rtds.activity", _frame(row), _IMPORTED)


def _made_up(markets: dict[str, list[FillRow]], last: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, rows in enumerate(markets.values()):
        books = made_up.books_of_market(rows)
        yield "gamma.market", made_up.market_document(number, rows[0], books, last)
        for book in books.values():
            yield "clob.book", book


def _frame(row: FillRow) -> dict[str, Any]:
    seconds = int(row.timestamp.timestamp())
    index = 0 if row.token_id == row.market_side_a.id else 1
    return {
        "connection_id": _IMPORTED,
        "payload": {
            "asset": row.token_id,
            "bio": "",
            "conditionId": row.condition_id,
            "eventSlug": row.market_slug,
            "icon": "",
            "name": "",
            "outcome": row.token_label,
            "outcomeIndex": index,
            "price": row.price,
            "profileImage": "",
            "proxyWallet": checksummed(row.wallet_address),
            "pseudonym": "",
            "side": row.side,
            "size": row.shares_normalized,
            "slug": row.market_slug,
            "timestamp": seconds,
            "title": row.title,
            "transactionHash": row.tx_hash,
        },
        "timestamp": seconds * 1000,
        "topic": "activity",
        "type": "trades",
    }


def _envelope(seq: int, at: int, source: str, document: dict[str, Any], run_id: str) -> Envelope:
    return Envelope(
        seq=seq, at=at, source=source, payload=msgspec.Raw(_numbers.encode(document)), run_id=run_id
    )


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


def _write(records: Sequence[Envelope], out: Path) -> None:
    """Write beside the tape and rename, so that there is a whole tape or none."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        with partial.open("wb") as file:
            write(records, file)
        os.replace(partial, out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ImportFailed(f"the tape {out} cannot be written: {error.strerror}") from error
