"""Events and the table of generations, against the topics that were seen on the chain."""

from __future__ import annotations

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.chain import fills, wire
from actors.ingest.chain.generations import (
    ADDRESSES,
    BESIDE_FILLS,
    FEE_CHARGED,
    GENERATIONS,
    ORDER_FILLED_TOPICS,
    Layout,
)
from actors.ingest.chain.tokens import COLLATERAL_TRANSFER, TOKEN_EVENTS
from actors.ingest.errors import Drift, Malformed
from messages.trades import Side
from messages.units import AMOUNT_MAX, MICROS

V1, V2, V3 = GENERATIONS
OWNER = "0x" + "a1" * 20
COUNTERPARTY = "0x" + "b2" * 20
uint256 = st.integers(0, 2**256 - 1)
amounts = st.integers(1, AMOUNT_MAX)


@pytest.mark.parametrize(
    ("event", "topic"),
    [
        (V1.order_filled, "d0a08e8c493f9c94f29311604c9de1b4e8c8d4c06bd0c789af57f2d65bfec0f6"),
        (V1.orders_matched, "63bf4d16b7fa898ef4c4b2b6d90fd201e9c56313b65638af6088d149d2ce956c"),
        (V2.order_filled, "d543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee"),
        (V2.orders_matched, "174b3811690657c217184f89418266767c87e4805d09680c39fc9c031c0cab7c"),
        (V3.order_filled, "d543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee"),
        (FEE_CHARGED, "55bb3cade9d43b798a4fe5ffdd05024b2d7870df53920673bfc7e68047cd0ab1"),
        (COLLATERAL_TRANSFER, "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
    ],
)
def test_an_event_has_the_topic_that_the_chain_shows(event, topic):
    assert event.topic.hex() == topic


def test_token_events_have_the_topics_that_the_chain_shows():
    assert {topic.hex() for _, topic in TOKEN_EVENTS} == {
        "c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62",
        "4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb",
        "2e6bb91f8cbcda0c93623c54d0403a43514fabc40084ec96b6d5379a74786298",
        "6f13ca62553fcc2bcd2372180a43949c1e4cebba603901ede2f4e14f36b282ca",
        "2682012a4a4f1973119f1c9b90745d1bd91fa2bab387344f044cb3586864d18d",
        "ab3760c3bd2bb38b5bcf54dc79802ed67338b4cf29f3054ded67ed24661e4177",
        "b44d84d3289691f71497564b85d4233648d9dbae8cbdbb4329f301c3a0185894",
        "bbed930dbfb7907ae2d60ddf78345610214f26419a0128df39b6cc3d9e5df9b0",
        "ba33ac50d8894676597e6e35dc09cff59854708b642cd069d21eb9c7ca072a04",
        "b03d19dddbc72a87e735ff0ea3b57bef133ebe44e1894284916a84044deb367e",
        "9140a6a270ef945260c03894b3c6b3b2695e9d5101feef0ff24fec960cfd3224",
    }


def test_the_table_is_consistent():
    assert all(address == address.lower() and len(address) == 42 for address in ADDRESSES)
    assert len(ADDRESSES) == sum(len(generation.exchanges) for generation in GENERATIONS)
    assert not set(ORDER_FILLED_TOPICS) & set(BESIDE_FILLS)
    assert [one.since for one in GENERATIONS] == sorted(one.since for one in GENERATIONS)


def filled(generation, side, token, gave, got, fee=0):
    """Return an `OrderFilled` as a generation writes it."""
    if generation.layout is Layout.SIDE:
        types = ("uint8", "uint256", "uint256", "uint256", "uint256", "bytes32", "bytes32")
        data = encode(types, (side, token, gave, got, fee, bytes(32), bytes(32)))
    else:
        assets = (0, token) if side == 0 else (token, 0)
        data = encode(("uint256",) * 5, (*assets, gave, got, fee))
    topics = (
        generation.order_filled.topic,
        bytes(range(32)),
        bytes(12) + bytes.fromhex(OWNER[2:]),
        bytes(12) + bytes.fromhex(COUNTERPARTY[2:]),
    )
    address = generation.exchanges[0].address
    return wire.Log(address=address, topics=topics, data=data, tx="0x" + "7f" * 32, raw=b"{}")


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: one.name)
@given(token=st.integers(1, 2**256 - 1), size=amounts, part=st.fractions(0, 1), fee=uint256)
def test_a_fill_decodes_to_what_was_given_exactly(generation, token, size, part, fee):
    usdc = int(size * part)

    bought = fills.decode(filled(generation, 0, token, usdc, size, fee))
    sold = fills.decode(filled(generation, 1, token, size, usdc, fee))

    for fill, side in ((bought, Side.BUY), (sold, Side.SELL)):
        assert (fill.owner, fill.counterparty, fill.side) == (OWNER, COUNTERPARTY, side)
        assert (fill.token_id, fill.size, fill.usdc, fill.fee) == (str(token), size, usdc, fee)
        assert 0 <= fill.price <= MICROS
        assert abs(fill.price * size - usdc * MICROS) * 2 <= size


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: one.name)
def test_an_order_took_if_the_exchange_itself_met_it(generation):
    log = filled(generation, 0, 5, 1, 2)
    exchange = bytes(12) + bytes.fromhex(log.address[2:])
    taking = wire.Log(
        address=log.address, topics=(*log.topics[:3], exchange), data=log.data, tx=log.tx, raw=b"{}"
    )

    assert (fills.decode(log).is_taker, fills.decode(taking).is_taker) == (False, True)


@pytest.mark.parametrize("size", [0, AMOUNT_MAX + 1])
def test_amounts_that_no_fill_has_are_refused(size):
    with pytest.raises(Malformed, match="shares was"):
        fills.decode(filled(V2, 0, 5, 0, size))


def test_a_price_over_a_dollar_is_refused():
    with pytest.raises(Malformed, match="price was 3 for 2 shares"):
        fills.decode(filled(V2, 0, 5, 3, 2))


@pytest.mark.parametrize("assets", [(0, 0), (5, 6)])
def test_assets_of_which_not_exactly_one_is_money_are_another_layout(assets):
    log = filled(V1, 0, 5, 1, 2)
    data = encode(("uint256",) * 5, (*assets, 1, 2, 0))

    with pytest.raises(Drift, match="not exactly one is money"):
        fills.decode(wire.Log(address=log.address, topics=log.topics, data=data, tx=log.tx, raw=b"{}"))


@given(st.binary(max_size=300), st.integers(0, 4))
def test_bytes_of_another_shape_are_drift_and_never_a_fill(data, topics):
    log = filled(V2, 0, 5, 1, 2)
    garbled = wire.Log(address=log.address, topics=log.topics[:topics], data=data, tx=log.tx, raw=b"{}")

    if topics != 4 or len(data) != 224:
        with pytest.raises(Drift):
            fills.decode(garbled)
