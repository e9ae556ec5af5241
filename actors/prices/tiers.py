"""The tier that a maximum age belongs to (P2): a label for counting, it decides nothing. Pure."""

from __future__ import annotations

from config.settings import Prices as PricesSettings


def tier_bounds(settings: PricesSettings) -> tuple[tuple[int, str], ...]:
    """Return the tiers' ages in milliseconds with their names, youngest first."""
    return tuple(
        sorted(
            (
                (settings.t1_ms, "T1"),
                (settings.t2a_ms, "T2a"),
                (settings.t2b_ms, "T2b"),
                (settings.t3_ms, "T3"),
                (settings.t4_ms, "T4"),
            )
        )
    )


def tier_of(age_ms_max: int, bounds: tuple[tuple[int, str], ...]) -> str:
    """Return the youngest tier that is at least as old as `age_ms_max`, or the oldest."""
    for bound_ms, name in bounds:
        if age_ms_max <= bound_ms:
            return name
    return bounds[-1][1]
