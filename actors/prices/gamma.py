"""Gamma's market objects, decoded into `messages.markets.Market`. Pure; knows no HTTP.

Only the fields Remora needs are looked at; unknown ones are ignored. Numbers are decoded to `Decimal` from
their text. Shapes: polymarket-wire.md, section 6.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from actors.prices import decoding
from actors.prices.errors import MalformedError
from actors.prices.resolution import by_prices, one_host
from messages.ids import ConditionId
from messages.markets import Market
from messages.units import MICROS, UnitError, to_micros

OUTCOMES_MAX: Final = 256
"""More outcomes than any market has; a condition has at most 256 slots on chain."""
ORACLE_CHARS_MAX: Final = 32
PAGE_MARKETS_MAX: Final = 1000
TICK_UNKNOWN: Final = Decimal("0.01")
SIZE_MIN_UNKNOWN: Final = Decimal(5)
"""Legacy rows lack tick and minimum. Only closed ones may: nothing is ordered there any more."""


class _FeeSchedule(msgspec.Struct, gc=False):
    rate: Decimal | None = None


class _Event(msgspec.Struct, gc=False):
    slug: str | None = None


class _Market(msgspec.Struct, rename="camel", gc=False):
    condition_id: str
    outcomes: str | tuple[str, ...]
    question: str | None = None
    slug: str | None = None
    version: str | None = None
    outcome_prices: str | tuple[str, ...] | None = None
    clob_token_ids: str | tuple[str, ...] | None = None
    position_ids: str | tuple[str, ...] | None = None
    active: bool | None = None
    archived: bool | None = None
    closed: bool | None = None
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    neg_risk: bool | None = None
    order_price_min_tick_size: Decimal | None = None
    order_min_size: Decimal | None = None
    fees_enabled: bool | None = None
    fee_schedule: _FeeSchedule | None = None
    events: tuple[_Event, ...] | None = None
    end_date: str | None = None
    uma_resolution_status: str | None = None
    resolution_status: str | None = None


class _Id(msgspec.Struct, rename="camel", gc=False):
    condition_id: str


_market = msgspec.json.Decoder(_Market, strict=True)
_id = msgspec.json.Decoder(_Id)
_texts = msgspec.json.Decoder(tuple[str, ...])
_page = msgspec.json.Decoder(tuple[msgspec.Raw, ...])


class Page(msgspec.Struct, frozen=True, gc=False):
    """The markets of one answer by condition, and what was wrong with those that could not be read."""

    markets: dict[ConditionId, Market]
    broken: dict[ConditionId, MalformedError]
    """By condition; those without a readable one are under "?"."""


def decode_page(body: bytes | msgspec.Raw) -> Page:
    """Return the markets of an answer to `/markets`: one unreadable row takes no other with it.

    Raises `MalformedError` when the answer is no list of markets at all.
    """
    with decoding.malformed("gamma markets"):
        rows = _page.decode(body)
    if len(rows) > PAGE_MARKETS_MAX:
        raise MalformedError("gamma markets", len(rows), f"at most {PAGE_MARKETS_MAX} rows")
    page = Page({}, {})
    for row in rows:
        try:
            market = decode_market(row)
        except MalformedError as error:
            page.broken[_row_id(row)] = error
        else:
            page.markets[market.condition_id] = market
    return page


def decode_market(body: bytes | msgspec.Raw) -> Market:
    """Return the market that a Gamma object describes. Raises `MalformedError`."""
    with decoding.malformed("gamma market"):
        return _convert(_market.decode(body))


def _row_id(row: msgspec.Raw) -> ConditionId:
    try:
        with decoding.malformed("gamma market"):
            return decoding.condition_id(_id.decode(row).condition_id)
    except MalformedError:
        return "?"


def _convert(row: _Market) -> Market:
    closed = row.closed is True
    outcomes = _list("outcomes", row.outcomes)
    tokens = decoding.token_ids(_list(*_ids(row)))
    prices = tuple(decoding.price(text, "outcomePrices") for text in _prices(row, len(outcomes), closed))
    _same_length("clobTokenIds", len(tokens), len(outcomes))
    _same_length("outcomePrices", len(prices), len(outcomes))
    oracle = (row.resolution_status or row.uma_resolution_status or "").lower()[:ORACLE_CHARS_MAX]
    resolution, payouts = one_host(closed, by_prices(prices, closed=closed, oracle=oracle), oracle)
    return Market(
        condition_id=decoding.condition_id(row.condition_id),
        question=row.question or "",
        slug=row.slug or "",
        event_slug=(row.events[0].slug or "") if row.events else "",
        outcomes=outcomes,
        token_ids=tokens,
        prices=prices,
        tick=decoding.tick(
            _known(row.order_price_min_tick_size, TICK_UNKNOWN, closed, "orderPriceMinTickSize"),
            "orderPriceMinTickSize",
        ),
        size_min=decoding.size_min(
            _known(row.order_min_size, SIZE_MIN_UNKNOWN, closed, "orderMinSize"), "orderMinSize"
        ),
        fee_rate=_fee_rate(row),
        neg_risk=row.neg_risk is True,
        accepting_orders=_accepting(row),
        resolution=resolution,
        payouts=payouts,
        end_at_ns=decoding.date_ns(row.end_date, "gamma market.endDate"),
        oracle=oracle,
    )


def _ids(row: _Market) -> tuple[str, str | tuple[str, ...] | None]:
    """Return the list of ids that the market trades by: `version` decides, even where both are given."""
    if row.version == "v2":
        return "positionIds", row.position_ids
    return "clobTokenIds", row.clob_token_ids


def _list(field: str, value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return a list that Gamma sends as a string of JSON (or, on some routes, as a list)."""
    if value is None:
        raise MalformedError(f"gamma market.{field}", None, "a JSON list as text")
    if isinstance(value, str):
        with decoding.malformed(f"gamma market.{field}"):
            value = _texts.decode(value)
    if not 2 <= len(value) <= OUTCOMES_MAX:
        raise MalformedError(f"gamma market.{field}", value, f"2 to {OUTCOMES_MAX} entries")
    return value


def _prices(row: _Market, outcomes: int, closed: bool) -> tuple[str, ...]:
    """Return the prices; a closed row without any says as little as one with zeros."""
    if row.outcome_prices is None and closed:
        return ("0",) * outcomes
    return _list("outcomePrices", row.outcome_prices)


def _same_length(field: str, seen: int, expected: int) -> None:
    if seen != expected:
        raise MalformedError(f"gamma market.{field}", f"{seen} entries", f"{expected}, one for each outcome")


def _known(value: Decimal | None, unknown: Decimal, closed: bool, field: str) -> Decimal:
    if value is not None:
        return value
    if closed:
        return unknown
    raise MalformedError(f"gamma market.{field}", None, "a number, the market being open")


def _accepting(row: _Market) -> bool:
    """Return whether orders are taken: closed markets may still carry `acceptingOrders`."""
    halted = row.closed is True or row.archived is True or row.active is False
    return row.accepting_orders is True and row.enable_order_book is not False and not halted


def _fee_rate(row: _Market) -> int:
    """Return the taker's fee rate; a market whose fees are off, or not stated, has none."""
    if row.fee_schedule is None or row.fee_schedule.rate is None or row.fees_enabled is False:
        return 0
    rate = to_micros(row.fee_schedule.rate, "feeSchedule.rate")
    if not 0 <= rate < MICROS:
        raise UnitError(f"feeSchedule.rate was {row.fee_schedule.rate}, expected 0 to 1, 1 excluded")
    return rate
