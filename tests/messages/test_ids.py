"""Identifiers: one spelling, and the same one for ever, since the database is full of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import ids

WALLET = "0x6031b6eed1c97e853c6e0f03ad3ce3529351f96d"
HASH = "0x" + "0f" * 32
TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"


@pytest.mark.parametrize(
    ("parse", "text", "canonical"),
    [
        (ids.wallet, "0x6031B6eed1C97e853c6e0F03Ad3ce3529351F96d", WALLET),
        (ids.wallet, "0X6031B6EED1C97E853C6E0F03AD3CE3529351F96D", WALLET),
        (ids.condition, HASH.upper(), HASH),
        (ids.condition, "0x01" + "AB" * 30, "0x01" + "ab" * 30),
        (ids.transaction, HASH.upper(), HASH),
        (ids.token, TOKEN, TOKEN),
        (ids.portfolio, "main_2-b", "main_2-b"),
        (ids.portfolio, "a" * 32, "a" * 32),
    ],
)
def test_every_spelling_becomes_one(parse, text, canonical):
    assert parse(text) == canonical


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (ids.wallet, WALLET[:-1], "wallet was .*, expected 0x and 40 hex digits"),
        (ids.wallet, WALLET + "\n", "wallet was"),
        (ids.wallet, WALLET[2:], "wallet was"),
        (ids.wallet, "", "wallet was ''"),
        (ids.condition, "0x" + "0" * 62, "condition id was"),
        (ids.condition, "0x03" + "0" * 60, "condition id was"),
        (ids.transaction, WALLET, "transaction hash was"),
        (ids.token, "-1", "token id was"),
        (ids.token, "0x1", "token id was"),
        (ids.token, "1" * 79, "token id was"),
        (ids.token, "١٢", "token id was"),
        (ids.portfolio, "Main", "portfolio id was"),
        (ids.portfolio, "-a", "portfolio id was"),
        (ids.portfolio, "a" * 33, "portfolio id was"),
        (ids.portfolio, "a/b", "portfolio id was"),
    ],
)
def test_what_is_no_identifier_is_refused_in_words(parse, text, expected):
    with pytest.raises(ids.IdError, match=expected):
        parse(text)


@given(st.text(max_size=200))
def test_garbage_is_refused_briefly(text):
    for parse in (ids.condition, ids.transaction):
        with pytest.raises(ids.IdError) as caught:
            parse(text)
        assert len(str(caught.value)) < 200


def test_the_identities_of_a_trade_never_change():
    key = ids.trade_key(WALLET, HASH, HASH, TOKEN, "BUY", 1234, 0)
    trade = ids.trade_id(key)
    intent = ids.intent_id(trade, "main")

    assert key == f"{WALLET}:{HASH}:{HASH}:{TOKEN}:BUY:1234:0"
    assert trade == "e8f9ec758d236b97869e"
    assert intent == f"{trade}.main"
    assert ids.paper_order_id(intent) == "0x7a54aba9f29fd17addc2a4234f698c14f0934f4ac76ae82cb40a0e56077f13da"


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 99), st.integers(0, 99))
def test_another_amount_or_ordinal_is_another_trade(cents, other_cents, ordinal, other_ordinal):
    first = ids.trade_id(ids.trade_key(WALLET, HASH, HASH, TOKEN, "BUY", cents, ordinal))
    second = ids.trade_id(ids.trade_key(WALLET, HASH, HASH, TOKEN, "BUY", other_cents, other_ordinal))

    assert (first == second) == ((cents, ordinal) == (other_cents, other_ordinal))
