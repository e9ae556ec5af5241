"""What is traded: made-up markets in the categories, fee schedules and shapes of the real ones."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

ORIGIN: Final = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""The wall time that the generator's own dates count its beginning as."""


class Category(msgspec.Struct, frozen=True):
    """A kind of market: its share of all markets, its taker fee rate, and how its questions go."""

    name: str
    weight: float
    rate: float
    rebate: float
    question: str


_CATEGORIES: Final = (
    Category("sports", 0.50, 0.05, 0.15, "Will {a} win against {b}?"),
    Category("crypto", 0.12, 0.07, 0.20, "Will {a} coin close above {n} this week?"),
    Category("politics", 0.14, 0.04, 0.25, "Will {a} carry the {b} district by {n} points?"),
    Category("culture", 0.09, 0.05, 0.25, "Will {a} top the charts of {b}?"),
    Category("weather", 0.09, 0.05, 0.25, "Will the highest temperature in {a} be {n} degrees?"),
    Category("geopolitics", 0.06, 0.0, 0.0, "Will {a} and {b} sign a treaty?"),
)
_SHORT_LIVED: Final = Category("crypto", 0.0, 0.07, 0.20, "{a} coin Up or Down - window {n}")

_PLACES: Final = (
    "Ardenmoor", "Belcastro", "Corvanna", "Dunhaven", "Eskmere", "Farlow", "Glenrock", "Hartsea",
    "Istvale", "Jorvik Bay", "Kestrel Point", "Lowmarsh", "Mirefield", "Northgate", "Oakhurst",
    "Pinebridge", "Quillton", "Ravensby", "Stonewick", "Tarnholm",
)  # fmt: skip


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A market as listed: its Gamma document, and what the trading of it needs."""

    document: dict[str, Any]
    condition: str
    tokens: tuple[str, str]
    outcomes: tuple[str, str]
    ticks: int
    """How many ticks make one dollar."""
    rate: float
    title: str
    slug: str
    event_slug: str
    icon: str


class Catalogue:
    """Lists one market after the other; ids rise, names repeat no slug."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next_id = 500_000

    def long_lived(self) -> Listing:
        """Return a market that stays open for days."""
        category = self._chance.choices(_CATEGORIES, weights=[one.weight for one in _CATEGORIES])[0]
        ends = ORIGIN + timedelta(hours=self._chance.randrange(6, 24 * 60))
        named = category.name == "sports" and self._chance.random() < 0.4
        ticks = 1000 if self._chance.random() < 0.15 else 100
        return self._listing(
            category, ORIGIN - timedelta(days=3), ends, ticks, ("", "") if named else ("Yes", "No")
        )

    def short_lived(self, starts_s: float, ends_s: float) -> Listing:
        """Return a market of the up-or-down kind that ends within the run."""
        starts, ends = (ORIGIN + timedelta(seconds=seconds) for seconds in (starts_s, ends_s))
        return self._listing(_SHORT_LIVED, starts, ends, 100, ("Up", "Down"))

    def _listing(
        self, category: Category, starts: datetime, ends: datetime, ticks: int, outcomes: tuple[str, str]
    ) -> Listing:
        chance = self._chance
        self._next_id += chance.randrange(1, 40)
        number = self._next_id
        first, second = chance.sample(_PLACES, 2)
        if outcomes == ("", ""):
            outcomes = (first, second)
            title = f"{first} vs. {second}"
        else:
            title = category.question.format(a=first, b=second, n=chance.randrange(3, 97))
        slug = f"{'-'.join(''.join(c if c.isalnum() else ' ' for c in title.lower()).split())}-{number}"
        condition = f"0x{chance.getrandbits(256):064x}"
        tokens = (str(chance.getrandbits(256) | 1 << 250), str(chance.getrandbits(256) | 1 << 250))
        icon = f"https://polymarket-upload.s3.us-east-2.amazonaws.com/{category.name}-{number % 97:02d}.png"
        event_slug = f"{category.name}-{number}"
        listing = Listing(
            document={},
            condition=condition,
            tokens=tokens,
            outcomes=outcomes,
            ticks=ticks,
            rate=category.rate,
            title=title,
            slug=slug,
            event_slug=event_slug,
            icon=icon,
        )
        return msgspec.structs.replace(
            listing, document=self._document(listing, category, number, starts, ends)
        )

    def _document(
        self, listing: Listing, category: Category, number: int, starts: datetime, ends: datetime
    ) -> dict[str, Any]:
        volume = round(10 ** self._chance.uniform(3, 6), 2)
        event = {
            "id": str(number // 4),
            "ticker": listing.event_slug,
            "slug": listing.event_slug,
            "title": listing.title,
            "active": True,
            "closed": False,
            "endDate": _text(ends),
        }
        return {
            "id": str(number),
            "question": listing.title,
            "conditionId": listing.condition,
            "slug": listing.slug,
            "version": "v1",
            "endDate": _text(ends),
            "startDate": _text(starts),
            "image": listing.icon,
            "icon": listing.icon,
            "description": f"This market will resolve by the official source. {listing.title}",
            "outcomes": json.dumps(listing.outcomes),
            "outcomePrices": '["0.5", "0.5"]',
            "volume": str(volume),
            "volumeNum": volume,
            "volume24hr": round(volume / 7, 2),
            "liquidity": str(round(volume / 5, 2)),
            "liquidityNum": round(volume / 5, 2),
            "active": True,
            "closed": False,
            "archived": False,
            "restricted": True,
            "questionID": f"0x{self._chance.getrandbits(256):064x}",
            "enableOrderBook": True,
            "orderPriceMinTickSize": 1 / listing.ticks,
            "orderMinSize": 5,
            "endDateIso": _text(ends)[:10],
            "clobTokenIds": json.dumps(listing.tokens),
            "makerBaseFee": 1000,
            "takerBaseFee": 1000,
            "acceptingOrders": True,
            "negRisk": False,
            "events": [event],
            "umaResolutionStatuses": "[]",
            "feesEnabled": category.rate > 0,
            "feeType": f"{category.name}_fees_v2",
            "feeSchedule": {
                "rate": category.rate,
                "exponent": 1,
                "takerOnly": True,
                "rebateRate": category.rebate,
            },
        }


def as_version_two(listing: Listing, chance: random.Random) -> Listing:
    """Return a listing of the second protocol: it trades by position ids, and its other ids are of no use."""
    module, zeros_from = 1 << 248, 104  # the 64 bits below are zero in every position id
    stem = module | chance.getrandbits(144) << zeros_from | chance.getrandbits(32) << 8
    positions = (str(stem), str(stem | 1))
    document = listing.document | {"version": "v2", "positionIds": list(positions)}
    return msgspec.structs.replace(listing, tokens=positions, document=document)


def moment(at_s: float) -> str:
    """Return a date of the run as documents spell it."""
    return _text(ORIGIN + timedelta(seconds=at_s))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
