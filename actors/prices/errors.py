"""Why there is no fresh market data. The type says what a caller may do, the text says what was seen.

PricesError
├── MalformedError          an answer arrived and is not what the wire promises: asking again is no use
└── UpstreamError           no usable answer arrived
    ├── ThrottledError      429: the host told us to go slower
    ├── BackingOffError     not sent: the host failed a moment ago and its pause is not over
    ├── OverBudgetError     not sent: our own budget for the host is spent
    ├── UnavailableError    5xx, a timeout, a broken connection
    ├── NotFoundError       404: the host does not know what was asked for
    ├── RejectedError       any other status: the question itself was wrong
    └── OversizedError      the answer was larger than any real one
"""

from __future__ import annotations


class PricesError(Exception):
    """Root of everything that can keep an answer from being fresh."""


class MalformedError(PricesError):
    """A field of an answer was not what the wire promises."""

    def __init__(self, field: str, seen: object, expected: str) -> None:
        self.field = field
        self.seen = f"{seen!r:.90}"
        self.expected = expected
        super().__init__(f"{field} was {self.seen}, expected {expected}")


class UpstreamError(PricesError):
    """A host gave no usable answer."""

    def __init__(self, provider: str, text: str) -> None:
        self.provider = provider
        super().__init__(f"{provider}: {text}")


class ThrottledError(UpstreamError):
    """The host answered 429."""


class BackingOffError(UpstreamError):
    """Nothing was sent, because the host failed a moment ago."""


class OverBudgetError(UpstreamError):
    """Nothing was sent, because the budget for the host is spent."""


class UnavailableError(UpstreamError):
    """The host answered 5xx, too late, or not at all."""


class NotFoundError(UpstreamError):
    """The host does not know what was asked for."""


class RejectedError(UpstreamError):
    """The host refused the question."""


class OversizedError(UpstreamError):
    """The answer was larger than any real one."""
