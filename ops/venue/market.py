"""A market as the venue knows it: the Gamma document, and the parts of it that other routes need."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from ops.venue.errors import TapeUnplayable

Document = dict[str, Any]

_DATES: Final = (
    "acceptingOrdersTimestamp",
    "closedTime",
    "createdAt",
    "endDate",
    "eventStartTime",
    "gameStartTime",
    "startDate",
    "umaEndDate",
    "updatedAt",
)

_CERTAIN: Final = Decimal("0.99")
_HALF: Final = Decimal("0.5")


class Market(msgspec.Struct, kw_only=True, eq=False):
    """One market. `document` is what Gamma answers, with dates still on the clock of the tape."""

    id: str
    condition: str
    tokens: tuple[str, ...]
    outcomes: tuple[str, ...]
    prices: tuple[str, ...]
    closed: bool
    tick_size: Decimal
    min_size: Decimal
    neg_risk: bool
    live: bool
    """Whether Gamma's price fields follow the books; on a tape they stay as recorded."""
    document: Document
    proposal: Decimal | None = None
    """What the oracle was told that a share of the first outcome pays; no Gamma document says it."""

    @property
    def winner(self) -> int | None:
        """The index of the outcome that won, or None while nobody knows (50-50 and 0/0 included)."""
        if not self.closed or self._oracle_said not in ("", "resolved"):
            return None
        won = [index for index, price in enumerate(self.prices) if Decimal(price) >= _CERTAIN]
        return won[0] if len(won) == 1 else None

    @property
    def is_void(self) -> bool:
        """Whether it was decided without a winner, 50-50."""
        is_decided = self.closed and self._oracle_said == "resolved"
        return is_decided and len(self.prices) == 2 and {Decimal(one) for one in self.prices} == {_HALF}

    @property
    def payouts(self) -> tuple[Decimal, ...]:
        """What a share of each outcome pays; empty while that is not decided, and where nobody says (0/0)."""
        if self.is_void:
            return (_HALF, _HALF)
        winner = self.winner
        return () if winner is None else tuple(Decimal(index == winner) for index in range(len(self.tokens)))

    @property
    def oracle(self) -> str:
        """The oracle's last word, from `posed` to `resolved`; empty where it has not said any."""
        return self._oracle_said or ("resolved" if self.payouts else "")

    @property
    def oracle_history(self) -> tuple[str, ...]:
        """What the oracle has said before its last word; empty for markets that resolve without it."""
        text = self.document.get("umaResolutionStatuses")
        try:
            return tuple(msgspec.json.decode(text if isinstance(text, str) else "[]", type=list[str]))
        except msgspec.MsgspecError:
            return ()

    @property
    def _oracle_said(self) -> str:
        """What the document itself says; its field depends on the version of the protocol."""
        return str(self.document.get("umaResolutionStatus") or self.document.get("resolutionStatus") or "")

    @property
    def fee_rate(self) -> Decimal:
        """The taker fee's rate by the market's own schedule."""
        schedule = self.document.get("feeSchedule")
        if not self.document.get("feesEnabled") or not isinstance(schedule, dict):
            return Decimal(0)
        return Decimal(str(schedule.get("rate", 0)))

    @property
    def slug(self) -> str:
        return str(self.document.get("slug", ""))

    @property
    def question(self) -> str:
        return str(self.document.get("question", ""))

    @property
    def icon(self) -> str:
        return str(self.document.get("icon", ""))

    @property
    def event(self) -> Document:
        """The first event the market belongs to, or an empty document."""
        events = self.document.get("events")
        first = events[0] if isinstance(events, list) and events else {}
        return first if isinstance(first, dict) else {}

    def with_tick(self, tick: Decimal) -> Market:
        """Return the same market on another grid of prices."""
        document = self.document | {"orderPriceMinTickSize": float(tick)}
        return msgspec.structs.replace(self, tick_size=tick, document=document)

    def opposite(self, token: str) -> str | None:
        """Return the other token of a binary market."""
        others = [other for other in self.tokens if other != token]
        return others[0] if len(others) == 1 else None


def from_gamma(document: Document, where: str, *, live: bool = False) -> Market:
    """Return the market that a Gamma document describes. Raises `TapeUnplayable` naming `where`."""
    condition = document.get("conditionId")
    if not isinstance(condition, str) or not condition:
        raise TapeUnplayable(f"{where}: a Gamma market has a conditionId, but here it was {condition!r}")
    tokens = _tokens(document, where)
    outcomes = _string_list(document, "outcomes", where)
    if len(tokens) != len(outcomes):
        raise TapeUnplayable(f"{where}: {len(tokens)} token ids for {len(outcomes)} outcomes")
    prices = _string_list(document, "outcomePrices", where) if document.get("outcomePrices") else ()
    return Market(
        id=str(document.get("id", "")),
        condition=condition,
        tokens=tokens,
        outcomes=outcomes,
        prices=prices,
        closed=document.get("closed") is True,
        tick_size=Decimal(str(document.get("orderPriceMinTickSize") or "0.01")),
        min_size=Decimal(str(document.get("orderMinSize") or "5")),
        neg_risk=document.get("negRisk") is True,
        live=live,
        document=document,
    )


def shift_dates(document: Document, delta: timedelta) -> Document:
    """Return the document with every date moved, so that what lay ahead on the tape lies ahead now."""
    moved = dict(document)
    for key in _DATES:
        text = moved.get(key)
        if isinstance(text, str) and text:
            moved[key] = _shifted(text, delta)
    for key, source in (("endDateIso", "endDate"), ("startDateIso", "startDate")):
        if key in moved and isinstance(moved.get(source), str):
            moved[key] = str(moved[source])[:10]
    events = moved.get("events")
    if isinstance(events, list):
        moved["events"] = [
            shift_dates(event, delta) if isinstance(event, dict) else event for event in events
        ]
    return moved


def _shifted(text: str, delta: timedelta) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment + delta).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tokens(document: Document, where: str) -> tuple[str, ...]:
    """Return the ids that the market trades by; the `clobTokenIds` of a v2 market are of no use."""
    if document.get("version") != "v2":
        return _string_list(document, "clobTokenIds", where)
    try:
        return tuple(msgspec.convert(document.get("positionIds"), list[str]))
    except msgspec.ValidationError as error:
        raise TapeUnplayable(
            f"{where}: positionIds of a v2 Gamma market is a list of strings, "
            f"not {document.get('positionIds')!r}"
        ) from error


def _string_list(document: Document, key: str, where: str) -> tuple[str, ...]:
    text = document.get(key)
    try:
        return tuple(msgspec.json.decode(text if isinstance(text, str) else "", type=list[str]))
    except msgspec.MsgspecError as error:
        raise TapeUnplayable(
            f"{where}: {key} of a Gamma market is a JSON list of strings inside a string, not {text!r}"
        ) from error
