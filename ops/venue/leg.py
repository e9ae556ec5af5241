"""One leg of a trade: what one wallet gave and got in one match."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

Side = Literal["BUY", "SELL"]
Role = Literal["taker", "maker"]


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """What the trade stream tells in one frame and `/control/truth` repeats digit for digit.

    `wallet` is lowercase; `body` holds the frame's payload as JSON without its timestamp and without the
    closing brace, since the timestamp is known only when the leg is played.
    """

    wallet: str
    transaction: str
    token: str
    condition: str
    side: Side
    role: Role
    price: Decimal
    size: Decimal
    fee: Decimal
    outcome: str = ""
    outcome_index: int = 0
    title: str = ""
    slug: str = ""
    event_slug: str = ""
    icon: str = ""
    name: str = ""
    pseudonym: str = ""
    body: bytes

    def payload(self, timestamp: int) -> str:
        """Return the payload of this leg's frame, stamped with a time in seconds."""
        return f'{self.body.decode()},"timestamp":{timestamp}}}'
