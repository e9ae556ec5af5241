"""The trigger mode in effect (D2), and where it came from: an operator's choice before the configured one.

Pure. Which sources a mode runs is ingest's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from config.origins import DEFAULT, Origin
from config.settings import Settings

API: Final = "api"
POLYGON: Final = "polygon"
BOTH: Final = "both"
TRIGGERS: Final = (API, POLYGON, BOTH)
KEY: Final = "ingest.trigger"

OPERATOR: Final = "operator"


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """Which sources run and who said so; `place` is empty where the origin says it all."""

    trigger: str
    origin: str
    place: str = ""
    refused: str = ""
    """Why the operator's choice is not in effect, empty if it is or there is none."""


def mode(settings: Settings, origins: Mapping[str, Origin], chosen: str | None) -> Mode:
    """Return the mode in effect; `chosen` is what the operator wants, None for nothing."""
    origin = origins.get(KEY, DEFAULT)
    refused = "" if chosen is None else refusal(settings, chosen)
    if chosen is not None and not refused:
        return Mode(trigger=chosen, origin=OPERATOR)
    return Mode(
        trigger=settings.ingest.trigger,
        origin=str(origin.kind),
        place="" if origin.place == str(origin.kind) else origin.place,
        refused=refused,
    )


def refusal(settings: Settings, trigger: str) -> str:
    """Return why these settings cannot run in a mode and what to do, empty where they can."""
    if trigger == POLYGON and not settings.endpoints.polygon_urls:
        return (
            "mode polygon needs a node, and endpoints.polygon_urls is empty: "
            "name one there and restart, or use api"
        )
    return ""
