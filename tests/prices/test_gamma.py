"""Gamma's rows become markets, or an error that names the field."""

from __future__ import annotations

import json

import pytest

from actors.prices import gamma
from actors.prices.errors import MalformedError
from messages.markets import Resolution


def decode(row):
    return gamma.decode_market(json.dumps(row).encode())


def test_every_field_of_an_open_market(gamma_row, condition, tokens):
    market = decode(gamma_row(7))
    assert market.condition_id == condition(7)
    assert market.question == "Will it rain on day 7?"
    assert (market.slug, market.event_slug) == ("rain-on-day-7", "rainy-days")
    assert market.outcomes == ("Yes", "No")
    assert market.token_ids == tokens(7)
    assert market.prices == (640_000, 360_000)
    assert (market.tick, market.size_min, market.fee_rate) == (10_000, 5_000_000, 50_000)
    assert (market.neg_risk, market.accepting_orders) == (False, True)
    assert (market.resolution, market.payouts) == (Resolution.OPEN, ())
    assert market.end_at_ns == 1_798_137_000_000_000_000


def test_numbers_are_read_from_their_text_not_through_floats(gamma_row):
    text = json.dumps(gamma_row()).replace('"orderPriceMinTickSize": 0.01', '"orderPriceMinTickSize": 0.0025')
    text = text.replace('"rate": 0.05', '"rate": 0.0699999999999999999999')
    market = gamma.decode_market(text.encode())
    assert market.tick == 2500
    assert market.fee_rate == 70_000
    assert market.prices == (640_000, 360_000)


def test_version_decides_which_ids_are_traded_even_if_both_are_given(gamma_row, tokens):
    positions = ["111", "222"]
    assert decode(gamma_row(version="v2", positionIds=positions)).token_ids == ("111", "222")
    assert decode(gamma_row(version="v1", positionIds=positions)).token_ids == tokens(1)


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        ({"feesEnabled": False}, 0),
        ({"feeSchedule": ...}, 0),
        ({"feeSchedule": None}, 0),
        ({"feesEnabled": ...}, 50_000),
        ({"feeSchedule": {"rate": 0.07}}, 70_000),
    ],
)
def test_fee_only_where_the_market_states_one(gamma_row, changes, rate):
    assert decode(gamma_row(**changes, takerBaseFee=1000)).fee_rate == rate


def test_closed_market_takes_no_orders_whatever_its_flag_says(gamma_row):
    market = decode(gamma_row(closed=True, acceptingOrders=True, outcomePrices='["1", "0"]'))
    assert market.accepting_orders is False
    assert market.payouts == (1_000_000, 0)


def test_closed_legacy_row_with_zero_prices_is_unknown_never_a_loss(gamma_row):
    for prices in ('["0", "0"]', ...):
        market = decode(
            gamma_row(closed=True, outcomePrices=prices, orderPriceMinTickSize=..., orderMinSize=...)
        )
        assert market.resolution is Resolution.CLOSED
        assert market.payouts == ()


def test_even_split_pays_half_once_the_oracle_has_spoken(gamma_row):
    halves = {"closed": True, "outcomePrices": '["0.5", "0.5"]'}
    assert decode(gamma_row(**halves)).resolution is Resolution.CLOSED
    assert decode(gamma_row(**halves, umaResolutionStatus="disputed")).resolution is Resolution.DISPUTED
    for status in ({"umaResolutionStatus": "resolved"}, {"resolutionStatus": "resolved"}):
        assert decode(gamma_row(**halves, **status)).payouts == (500_000, 500_000)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"conditionId": ...}, "conditionId"),
        ({"conditionId": "0xabc"}, "condition id"),
        ({"conditionId": "0x" + "0" * 62}, "condition id"),
        ({"outcomes": ...}, "outcomes"),
        ({"outcomes": '["Yes"'}, "outcomes"),
        ({"outcomes": '["Yes"]'}, "outcomes"),
        ({"outcomes": json.dumps(["Yes"] * 300)}, "outcomes"),
        ({"outcomePrices": '["0.5", "1.5"]'}, "outcomePrices"),
        ({"outcomePrices": '["0.5", "-0.5"]'}, "outcomePrices"),
        ({"outcomePrices": '["NaN", "0"]'}, "outcomePrices"),
        ({"outcomePrices": '["1e999999999", "0"]'}, "outcomePrices"),
        ({"outcomePrices": '["a", "b"]'}, "outcomePrices"),
        ({"outcomePrices": "[0.5, 0.5]"}, "outcomePrices"),
        ({"outcomePrices": '["0.2", "0.3", "0.5"]'}, "outcomePrices"),
        ({"outcomePrices": ...}, "outcomePrices"),
        ({"clobTokenIds": '["1"]'}, "clobTokenIds"),
        ({"clobTokenIds": '["1", "1"]'}, "token ids"),
        ({"clobTokenIds": '["1", "0x2"]'}, "token id"),
        ({"clobTokenIds": '["", ""]'}, "token id"),
        ({"clobTokenIds": ...}, "clobTokenIds"),
        ({"version": "v2"}, "positionIds"),
        ({"orderPriceMinTickSize": ...}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": 0}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": 1}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": -0.01}, "orderPriceMinTickSize"),
        ({"orderMinSize": ...}, "orderMinSize"),
        ({"orderMinSize": -5}, "orderMinSize"),
        ({"feeSchedule": {"rate": 7}}, "feeSchedule.rate"),
        ({"feeSchedule": {"rate": -0.1}}, "feeSchedule.rate"),
        ({"feeSchedule": "free"}, "feeSchedule"),
        ({"closed": "yes"}, "closed"),
        ({"endDate": "tomorrow"}, "endDate"),
        ({"events": {}}, "events"),
    ],
)
def test_malformed_row_is_refused_and_the_field_named(gamma_row, changes, field):
    with pytest.raises(MalformedError, match=r" was .*, expected ") as caught:
        decode(gamma_row(**changes))
    assert field in caught.value.field


def test_dates_with_and_without_zone(gamma_row):
    assert decode(gamma_row(endDate="2026-12-24")).end_at_ns == 1_798_070_400_000_000_000
    assert decode(gamma_row(endDate="2026-12-24T02:00:00+02:00")).end_at_ns == 1_798_070_400_000_000_000
    assert decode(gamma_row(endDate=...)).end_at_ns == 0


def test_row_that_is_no_utf8_takes_no_other_with_it(gamma_row, condition):
    body = json.dumps([gamma_row(1, question="?!"), gamma_row(2)]).encode().replace(b"?!", b"\x80")
    page = gamma.decode_page(body)
    assert list(page.markets) == [condition(2)]
    assert list(page.broken) == [condition(1)]


def test_one_bad_row_takes_no_other_with_it(gamma_row, condition):
    rows = [gamma_row(1), gamma_row(2, outcomes="?"), {"conditionId": 5}, gamma_row(3)]
    page = gamma.decode_page(json.dumps(rows).encode())
    assert list(page.markets) == [condition(1), condition(3)]
    assert set(page.broken) == {condition(2), "?"}


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"<html>", b"[" * 50_000, b"\xff\xfe", b'"text"'])
def test_what_is_no_list_of_markets_is_refused(body):
    with pytest.raises(MalformedError):
        gamma.decode_page(body)
