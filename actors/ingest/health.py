"""What the health of the chain means in each trigger mode (D10). Pure."""

from __future__ import annotations

from actors.ingest.sources import API, POLYGON


def refusal(trigger: str, *, is_strict: bool, is_chain_up: bool) -> str:
    """Return why nothing may be bought at present, empty if it may.

    In mode api the chain does not matter, in polygon it must be there. In both its absence is borne, unless
    `is_strict`.
    """
    if is_chain_up or trigger == API:
        return ""
    if trigger == POLYGON:
        return "the chain is away, and in mode polygon it must be there"
    return "the chain is away, and polygon_strict does not do without" if is_strict else ""
