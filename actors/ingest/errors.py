"""What can be wrong with something from outside, as one tree.

RowError
├── Malformed            it is no trade: says which field, what was seen and what was expected
├── Unclear              shares moved in a way that the row does not tell
├── ComboMarket          it is a trade in a combo market, which Remora does not follow
└── Drift                the chain shows what the table of its contracts lacks: never a trade, always an alarm
TradeUnread              what may be a leader's trade came and could not be taken
SubscriptionRefused      the trade stream said no to the subscription
SocketLost               the socket is no use any more
RpcRefused               a node answered a request with an error
PageError
├── Throttled            the Data API wants fewer requests
├── PageFailed           no page this time; asking again is right
└── PageRefused          the request itself was refused; asking the same again is useless
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from messages.ids import IdError
from messages.units import UnitError

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises at garbage; the last at brackets nested without end."""

INVALID: Final = (IdError, UnitError, *UNREADABLE)
"""What decoding a row raises when the row is no trade."""

_EXPECTED: Final = re.compile(r"Expected `(.+?)`, got `(.+?)`(?: - at `\$\.?(.*)`)?")
_MISSING: Final = re.compile(r"Object missing required field `(.+?)`(?: - at `\$\.?(.*)`)?")
_OURS: Final = re.compile(r"(.+?) was (.*), expected (.*)", re.DOTALL)
_SEEN_MAX: Final = 80


class RowError(ValueError):
    """A frame or row that becomes no report."""


class Malformed(RowError):
    """The frame or row is no trade."""

    def __init__(self, field: str, seen: str, expected: str) -> None:
        super().__init__(f"{field} was {seen:.{_SEEN_MAX}}, expected {expected}")
        self.field = field
        self.seen = seen[:_SEEN_MAX]
        self.expected = expected

    @staticmethod
    def of(error: Exception, what: str) -> Malformed:
        """Return the same complaint with its parts told apart; `what` names the document."""
        if isinstance(error, UnicodeDecodeError):
            return Malformed(what, "bytes that are no UTF-8", "JSON text")
        text = str(error)
        if (missing := _MISSING.fullmatch(text)) is not None:
            parent = f"{missing[2]}." if missing[2] else ""
            return Malformed(f"{parent}{missing[1]}", "missing", "a value")
        if (expected := _EXPECTED.fullmatch(text)) is not None:
            return Malformed(expected[3] or what, expected[2], expected[1])
        if (ours := _OURS.fullmatch(text)) is not None:
            return Malformed(ours[1], ours[2], ours[3])
        return Malformed(what, text, "JSON of the documented shape")


class ComboMarket(RowError):
    """A trade in a combo market, which is made of several and is none of its own."""


class Unclear(RowError):
    """A leader's shares moved, and how cannot be told. `kind` is the row's type, or what is unknown."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(f"{kind}: {reason}")
        self.kind = kind


class Drift(RowError):
    """Something of a watched wallet's that Remora's table of contracts and layouts does not cover.

    `kind` says what is unknown: an exchange, a topic, a layout or a token.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class TradeUnread(Exception):
    """Something that may be a trade of `wallet` (None: of anybody) was not taken; another source must be."""

    def __init__(self, wallet: str | None, reason: str) -> None:
        super().__init__(reason)
        self.wallet = wallet


class SubscriptionRefused(Exception):
    """The trade stream answered the subscription with an error."""


class SocketLost(Exception):
    """The connection ended or must be given up; the text says why."""


class RpcRefused(Exception):
    """A node's error answer. `is_throttle` says that it wants fewer requests."""

    def __init__(self, method: str, code: int, text: str) -> None:
        super().__init__(f"{method} was refused with {code}: {text:.{_SEEN_MAX}}")
        self.code = code

    @property
    def is_throttle(self) -> bool:
        """Whether it was the rate and not the request: 429, or the limit that EIP-1474 numbers."""
        return self.code in (429, -32005)


class PageError(Exception):
    """A page of the Data API that was not had; the text names the host."""


class Throttled(PageError):
    """429, or 503 with a Retry-After."""

    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class PageFailed(PageError):
    """5xx, a time-out, no connection, or a body that is no page."""


class PageRefused(PageError):
    """Any other answer: the request is wrong, not the moment."""
