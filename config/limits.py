"""What a setting's value may be, written at its field as `Annotated[type, limit]`.

A limit sees a value of the right type and returns it, in canonical form where there is one, or raises
`LimitError`. It knows nothing of files, keys or other settings: rules between settings are in
`config.rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Protocol, TypeAlias, runtime_checkable
from urllib.parse import urlsplit

from config.amounts import Micros, micros
from messages import ids
from messages.units import AMOUNT_MAX, decimal_text


class LimitError(ValueError):
    """A value outside its limit: says what was seen and what was expected."""


@runtime_checkable
class Limit(Protocol):
    """What stands behind the type in `Annotated`."""

    def check(self, value: Any) -> Any:
        """Return the value as settings are to hold it. Raises `LimitError`."""
        ...


class Between:
    """A number from `low` to `high`, both allowed; `above` takes `low` itself out."""

    def __init__(self, low: int, high: int, *, above: bool = False) -> None:
        self._low = low
        self._high = high
        self._above = above

    def check(self, value: Any) -> Any:
        """Return `value` unchanged."""
        if self._low < value <= self._high or (value == self._low and not self._above):
            return value
        start = f"more than {_written(self._low)}" if self._above else f"{_written(self._low)}"
        end = "and at most" if self._above else "to"
        raise LimitError(f"was {_written(value)}, expected {start} {end} {_written(self._high)}")


class OneOf:
    """One of a few words. `later` holds words that have a meaning, but not here, with the reason."""

    def __init__(self, *words: str, later: Mapping[str, str] | None = None) -> None:
        self._words = words
        self._later = later or {}

    def check(self, value: str) -> str:
        """Return `value` unchanged."""
        if value in self._words:
            return value
        reason = f" ({self._later[value]})" if value in self._later else ""
        raise LimitError(f"was {value!r:.40}{reason}, expected {' or '.join(self._words)}")


class Url:
    """A URL of one of `schemes` with a host. Its messages never show the URL: it may hold a password."""

    def __init__(self, *schemes: str, optional: bool = False, keyed: bool = False) -> None:
        self._schemes = schemes
        self._optional = optional
        self.keyed = keyed
        """Whether all that stands behind the host is to be kept from view."""

    def check(self, value: str) -> str:
        """Return `value`, for a web address without its trailing slash."""
        if value == "" and self._optional:
            return value
        wanted = f"expected {' or '.join(f'{scheme}://' for scheme in self._schemes)} and a host"
        if any(character.isspace() or not character.isprintable() for character in value):
            raise LimitError(f"was a url with a space or control character in it, {wanted}")
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise LimitError(f"was a malformed url (host or port), {wanted}") from error
        if parts.scheme not in self._schemes:
            seen = f"of scheme {parts.scheme!r:.20}" if "://" in value else "without a scheme"
            raise LimitError(f"was a url {seen}, {wanted}")
        if not host and not self._optional:
            raise LimitError(f"was a url without a host, {wanted}")
        return value if self._optional else value.rstrip("/")


class Id:
    """An identifier that one of the functions of `messages.ids` accepts and normalises."""

    def __init__(self, parse: Callable[[str], str]) -> None:
        self._parse = parse

    def check(self, value: str) -> str:
        """Return the identifier in its canonical form."""
        try:
            return self._parse(value)
        except ids.IdError as error:
            what, _, rest = str(error).partition(" was ")
            raise LimitError(f"was no {what}: {rest}") from error


class Word:
    """Text that must not be empty."""

    def check(self, value: str) -> str:
        """Return `value` without surrounding space."""
        if not value.strip():
            raise LimitError("was empty, expected text")
        return value.strip()


def _written(value: int | float) -> str:
    """Return a number as a user writes it."""
    return decimal_text(value) if isinstance(value, Micros) else f"{value}".removesuffix(".0")


_YEAR_S: Final = 31_536_000

Seconds: TypeAlias = Annotated[float, Between(0, _YEAR_S, above=True)]
SecondsOrZero: TypeAlias = Annotated[float, Between(0, _YEAR_S)]
WholeSeconds: TypeAlias = Annotated[int, Between(0, _YEAR_S)]
Milliseconds: TypeAlias = Annotated[int, Between(1, _YEAR_S * 1000)]
MillisecondsOrZero: TypeAlias = Annotated[int, Between(0, _YEAR_S * 1000)]
PerSecond: TypeAlias = Annotated[float, Between(0, 10_000, above=True)]
Count: TypeAlias = Annotated[int, Between(1, 1_000_000)]
CountOrZero: TypeAlias = Annotated[int, Between(0, 1_000_000)]
FrameBytes: TypeAlias = Annotated[int, Between(1024, 64 * 1024 * 1024)]
PageRows: TypeAlias = Annotated[int, Between(1, 1000)]
Port: TypeAlias = Annotated[int, Between(0, 65_535)]
FilterWallets: TypeAlias = Annotated[int, Between(1, 10_000)]
Sockets: TypeAlias = Annotated[int, Between(1, 16)]
Percent: TypeAlias = Annotated[int, Between(1, 100)]
BasisPoints: TypeAlias = Annotated[int, Between(0, 10_000)]
Amount: TypeAlias = Annotated[Micros, Between(Micros(0), Micros(AMOUNT_MAX))]
PriceGap: TypeAlias = Annotated[Micros, Between(Micros(0), micros("1"))]
Ratio: TypeAlias = Annotated[Micros, Between(Micros(0), micros("1000"), above=True)]
WalletText: TypeAlias = Annotated[str, Id(ids.wallet)]
PortfolioText: TypeAlias = Annotated[str, Id(ids.portfolio)]
Text: TypeAlias = Annotated[str, Word()]
WebUrl: TypeAlias = Annotated[str, Url("https", "http")]
SocketUrl: TypeAlias = Annotated[str, Url("wss", "ws")]
KeyedSocketUrl: TypeAlias = Annotated[str, Url("wss", "ws", keyed=True)]
"""May hold its user's key anywhere behind the host; it is never shown."""
DatabaseUrl: TypeAlias = Annotated[str, Url("postgresql", "postgres", optional=True)]
