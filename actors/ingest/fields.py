"""Single values as the platform writes them, checked and made canonical: shared by every decoder here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from actors.ingest.errors import ComboMarket, Malformed
from messages import ids
from messages.ids import ConditionId
from messages.trades import Side

NS_PER_S: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000

YEAR_2020_S: Final = 1_577_836_800
YEAR_2100_S: Final = 4_102_444_800
"""Outside of these no trade can have happened. Seconds and milliseconds of this range do not overlap."""

OUTCOME_INDEX_MAX: Final = 255
"""A condition has at most 256 outcomes; 999 stands for "not known yet"."""

TEXT_MAX: Final = 500
"""Longest title or slug that is kept."""

_V2_DIGITS: Final = 62
_V2_MARKETS: Final = ("01", "02")
"""Binary and negative-risk markets; 03 are combos."""


def epoch_ns(value: Decimal, field: str) -> int:
    """Return a time in nanoseconds since the epoch from seconds or milliseconds, told apart by magnitude.

    Raises `Malformed` for what is neither between 2020 and 2100.
    """
    if value.is_finite() and value.adjusted() < 16:
        if YEAR_2020_S <= value < YEAR_2100_S:
            return int(value * NS_PER_S)
        if YEAR_2020_S * 1000 <= value < YEAR_2100_S * 1000:
            return int(value * NS_PER_MS)
    raise Malformed(field, f"{value:.6E}", "epoch seconds or milliseconds from 2020 to 2100")


def event_ms(*stamps: Any) -> int | None:
    """Return the earliest of the stamps that are plausible times, in milliseconds, or None.

    A stamp in whole seconds counts as the end of its second, so that it never makes an event look late.
    This is for measuring lag: it forgives everything and must not be used for a trade's time.
    """
    earliest: int | None = None
    for stamp in stamps:
        value = int(stamp) if isinstance(stamp, str) and len(stamp) < 16 and stamp.isdecimal() else stamp
        if type(value) is not int:
            continue
        if YEAR_2020_S <= value < YEAR_2100_S:
            value = value * 1000 + 999
        elif not YEAR_2020_S * 1000 <= value < YEAR_2100_S * 1000:
            continue
        if earliest is None or value < earliest:
            earliest = value
    return earliest


def side(text: str, field: str) -> Side:
    """Return BUY or SELL, in whatever case it came. Raises `Malformed`."""
    try:
        return Side(text.upper())
    except ValueError:
        raise Malformed(field, repr(text), "BUY or SELL") from None


def condition(text: str) -> ConditionId:
    """Return a condition id. Raises `ComboMarket` for that of a combo, else `ids.IdError`.

    Protocol V2 has ids of 62 digits, of which the first byte says what kind of market it is.
    """
    if len(text) == 2 + _V2_DIGITS and text[2:4] not in _V2_MARKETS:
        raise ComboMarket(f"condition id {text} is that of a combo market")
    return ids.condition(text)


def outcome_index(value: Any) -> int | None:
    """Return the index where it can be trusted, else None: it is never a reason to refuse a trade."""
    return value if type(value) is int and 0 <= value <= OUTCOME_INDEX_MAX else None


def text(value: Any) -> str:
    """Return a descriptive text that any database takes: no NUL, no half surrogate pair, not too long.

    What is no text becomes empty: a missing title is never a reason to refuse a trade.
    """
    if not isinstance(value, str):
        return ""
    kept = value[:TEXT_MAX]
    if not kept.isascii():
        kept = kept.encode("utf-8", "replace").decode("utf-8")
    return kept.replace("\x00", "")
