"""The Data API's resolution feed, decoded. Pure; knows no HTTP.

Shape: polymarket-wire.md, sections 5 and 11. Payouts are in 1e-6 by outcome; a row without a final status
has none that count.
"""

from __future__ import annotations

from typing import Final

import msgspec

from actors.prices import decoding
from actors.prices.errors import MalformedError
from actors.prices.resolution import Statement
from messages.ids import ConditionId
from messages.units import MICROS

ROWS_MAX: Final = 1_000
RESOLVED: Final = "resolved"
STATUS_CHARS_MAX: Final = 32


class _Row(msgspec.Struct, gc=False):
    condition_id: str
    status: str
    payouts: tuple[int, ...] | None = None


class _Page(msgspec.Struct, gc=False):
    data: tuple[_Row, ...] | None


_page = msgspec.json.Decoder(_Page)


def decode_statement(body: bytes, condition_id: ConditionId, outcomes: int) -> Statement | None:
    """Return what the feed says of a market with so many outcomes, None where it says nothing.

    Raises `MalformedError`: among others for payouts that do not add up to a whole, and for contradictions.
    """
    with decoding.malformed("resolutions"):
        rows = _page.decode(body).data or ()
        if len(rows) > ROWS_MAX:
            raise MalformedError("resolutions.data", f"{len(rows)} rows", f"at most {ROWS_MAX}")
        ours = [row for row in rows if decoding.condition_id(row.condition_id) == condition_id]
    found = {_statement(row, outcomes) for row in ours}
    final = {each for each in found if each.payouts}
    if len(final) > 1:
        raise MalformedError("resolutions.data", "different payouts of one market", "one")
    return next(iter(final or found), None)


def _statement(row: _Row, outcomes: int) -> Statement:
    status = row.status.lower()[:STATUS_CHARS_MAX]
    if status != RESOLVED:
        return Statement(closed=False, oracle=status)
    payouts = row.payouts or ()
    if len(payouts) != outcomes or sum(payouts) != MICROS or min(payouts) < 0:
        raise MalformedError("resolutions.payouts", payouts, f"{outcomes} shares of {MICROS}")
    return Statement(closed=True, payouts=payouts, oracle=status)
