"""What the decoders share: exact numbers from text, times from text, and errors that name the field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from actors.prices.errors import MalformedError
from messages.ids import ConditionId, IdError, TokenId, condition, token
from messages.units import MICROS, Price, Shares, UnitError, probability, to_micros

TIMESTAMP_MS_MIN: Final = 1_577_836_800_000
"""2020: the venue is younger. A time in seconds read as milliseconds falls in 1970."""
TIMESTAMP_MS_MAX: Final = 4_102_444_800_000
"""2100. A time in microseconds read as milliseconds falls far behind it."""

_PLAIN_DIGITS_MAX: Final = 15
_SCALE: Final = (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)
"""What a number's digits are worth in 1e-6, by how many of them stand behind the point."""
_NUMBER_CHARS_MAX: Final = 64
_MISSING: Final = "Object missing required field "
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def malformed(what: str) -> Iterator[None]:
    """Turn the errors of msgspec, units and ids into `MalformedError` that names the field within `what`."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise _from_msgspec(what, str(error)) from error
    except msgspec.DecodeError as error:
        raise MalformedError(what, str(error), "a JSON document") from error
    except UnicodeError as error:
        raise MalformedError(what, str(error), "UTF-8") from error
    except (UnitError, IdError) as error:
        field, _, rest = str(error).partition(" was ")
        seen, _, expected = rest.rpartition(", expected ")
        raise MalformedError(f"{what}.{field}", seen.strip("'"), expected) from error
    except RecursionError:
        raise MalformedError(what, "deeply nested JSON", "a flat document") from None


def _from_msgspec(what: str, text: str) -> MalformedError:
    """Return the error for what msgspec says, such as "Expected `str`, got `int` - at `$.bids[0].price`"."""
    problem, _, path = text.partition(" - at `$")
    field = what + path.rstrip("`")
    if problem.startswith(_MISSING):
        return MalformedError(f"{field}.{problem.removeprefix(_MISSING).strip('`')}", None, "a value")
    expected, _, seen = problem.partition(", got ")
    if not seen:
        return MalformedError(field, problem, "what the wire promises")
    return MalformedError(field, seen.strip("`"), expected.removeprefix("Expected "))


def micros(text: str, field: str) -> int:
    """Return a non-negative amount in 1e-6 from decimal text; `to_micros`, but fast for plain digits.

    A book holds hundreds of these, which is why the usual shape is read without `Decimal`.
    """
    whole, _, part = text.partition(".")
    digits = whole + part
    if len(digits) <= _PLAIN_DIGITS_MAX and len(part) < len(_SCALE) and digits.isdigit() and text.isascii():
        return int(digits) * _SCALE[len(part)]
    if len(text) > _NUMBER_CHARS_MAX:
        raise UnitError(f"{field} was {text:.40}… ({len(text)} characters), expected a decimal number")
    amount = to_micros(text, field)
    if amount < 0:
        raise UnitError(f"{field} was {text:.40}, expected at least 0")
    return amount


def tick(value: Decimal | str, field: str) -> Price:
    """Return a tick size: above 0 and below 1."""
    size = to_micros(value, field)
    if not 0 < size < MICROS:
        raise UnitError(f"{field} was {value}, expected a tick between 0 and 1")
    return size


def size_min(value: Decimal, field: str) -> Shares:
    """Return the venue's minimum order size: zero or more shares."""
    size = to_micros(value, field)
    if size < 0:
        raise UnitError(f"{field} was {value}, expected at least 0")
    return size


def price(value: Decimal | str, field: str) -> Price:
    """Return a price from 0 to 1."""
    return probability(value, field)


def timestamp_ms(text: str | int, field: str) -> int:
    """Return epoch milliseconds; a time in seconds or microseconds is refused, not misread."""
    try:
        moment = int(text)
    except ValueError:
        raise MalformedError(field, text, "epoch milliseconds") from None
    if not TIMESTAMP_MS_MIN <= moment < TIMESTAMP_MS_MAX:
        raise MalformedError(field, text, "epoch milliseconds between 2020 and 2100")
    return moment


def date_ns(text: str | None, field: str) -> int:
    """Return an ISO date or time as wall nanoseconds, UTC where it names no zone, and 0 for none."""
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedError(field, text, "an ISO date and time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    elapsed = moment - _EPOCH
    return ((elapsed.days * 86_400 + elapsed.seconds) * MICROS + elapsed.microseconds) * 1000


def condition_id(text: str) -> ConditionId:
    """Return a condition id, or raise `IdError`."""
    return condition(text)


def token_ids(texts: tuple[str, ...]) -> tuple[TokenId, ...]:
    """Return token ids, or raise `IdError` for one that is malformed and `UnitError` for twins."""
    ids = tuple(token(text) for text in texts)
    if len(set(ids)) != len(ids):
        raise UnitError(f"token ids was {len(ids)} with twins, expected different ones")
    return ids
