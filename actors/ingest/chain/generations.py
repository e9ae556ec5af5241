"""Every generation of the exchange as data: addresses, events, layouts, collateral and fees.

The one place that changes when the venue moves to new contracts. Whatever comes from an exchange or under a
topic that is not in here raises an alarm (`Drift`); it is never skipped in silence.

Facts: polymarket-wire.md, section 10. Addresses: the official Python SDK and the venue's page of contracts.
Layouts: the sources of ctf-exchange (V1), ctf-exchange-v2 (V2) and polymarket-v2-external (V3). The topics
of V1 and V2 were seen in recorded logs; V3 declares the very event of V2. Orders of V1 are refused since
2026-04-28; V3 came with Protocol V2 on 2026-09-04.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from actors.ingest.chain.events import Event

CHAIN_ID: Final = 137
"""Polygon's main net."""

USDC_E: Final = "0x2791bca1f2de4661ed88a30c99a7a9449aa84174"
"""What standard outcome tokens are backed by in their ids, whatever is paid with today."""
WRAPPED_COLLATERAL: Final = "0x3a3bd7bb9528e159577f7c2e685cc81a765002e2"
"""The same for outcome tokens of negative-risk markets."""
PUSD: Final = "0xc011a7e12a19f7b1f670d46f03b03f3342e82dfb"
"""What is paid with since V2; six decimals like USDC.e."""


class Layout(StrEnum):
    """How an `OrderFilled` says who gave what."""

    ASSETS = "assets"
    """By the ids of both assets: 0 is collateral, and the other one the outcome token."""
    SIDE = "side"
    """By side and outcome token."""


class FeeIn(StrEnum):
    """What a fee is taken in."""

    RECEIVED = "received"
    """In the asset that the order received: shares of a buy."""
    COLLATERAL = "collateral"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One deployed contract. `address` is in lowercase."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What a version of the exchange speaks. `order_version` is the domain version of its signed orders."""

    name: str
    order_version: str
    order_filled: Event
    layout: Layout
    orders_matched: Event | None
    fee_in: FeeIn
    collateral: str
    since: str
    until: str | None
    exchanges: tuple[Exchange, ...]


_FILLED_BY_ASSETS: Final = Event(
    "OrderFilled(bytes32 indexed orderHash, address indexed maker, address indexed taker, "
    "uint256 makerAssetId, uint256 takerAssetId, uint256 makerAmountFilled, uint256 takerAmountFilled, "
    "uint256 fee)"
)
_FILLED_BY_SIDE: Final = Event(
    "OrderFilled(bytes32 indexed orderHash, address indexed maker, address indexed taker, uint8 side, "
    "uint256 tokenId, uint256 makerAmountFilled, uint256 takerAmountFilled, uint256 fee, bytes32 builder, "
    "bytes32 metadata)"
)
_MATCHED_BY_ASSETS: Final = Event(
    "OrdersMatched(bytes32 indexed takerOrderHash, address indexed takerOrderMaker, uint256 makerAssetId, "
    "uint256 takerAssetId, uint256 makerAmountFilled, uint256 takerAmountFilled)"
)
_MATCHED_BY_SIDE: Final = Event(
    "OrdersMatched(bytes32 indexed takerOrderHash, address indexed takerOrderMaker, uint8 side, "
    "uint256 tokenId, uint256 makerAmountFilled, uint256 takerAmountFilled)"
)

GENERATIONS: Final = (
    Generation(
        name="V1",
        order_version="1",
        order_filled=_FILLED_BY_ASSETS,
        layout=Layout.ASSETS,
        orders_matched=_MATCHED_BY_ASSETS,
        fee_in=FeeIn.RECEIVED,
        collateral=USDC_E,
        since="2022-09",
        until="2026-04-28",
        exchanges=(
            Exchange("V1 standard", "0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e"),
            Exchange("V1 negative risk", "0xc5d563a36ae78145c45a50134d48a1215220f80a"),
        ),
    ),
    Generation(
        name="V2",
        order_version="2",
        order_filled=_FILLED_BY_SIDE,
        layout=Layout.SIDE,
        orders_matched=_MATCHED_BY_SIDE,
        fee_in=FeeIn.COLLATERAL,
        collateral=PUSD,
        since="2026-04-28",
        until=None,
        exchanges=(
            Exchange("V2 standard", "0xe111180000d2663c0091e4f400237545b87b996b"),
            Exchange("V2 negative risk", "0xe2222d279d744050d28e00520010520000310f59"),
        ),
    ),
    Generation(
        name="V3",
        order_version="3",
        order_filled=_FILLED_BY_SIDE,
        layout=Layout.SIDE,
        orders_matched=_MATCHED_BY_SIDE,
        fee_in=FeeIn.COLLATERAL,
        collateral=PUSD,
        since="2026-09-04",
        until=None,
        exchanges=(Exchange("V3", "0xe3333700ca9d93003f00f0f71f8515005f6c00aa"),),
    ),
)

ADDRESSES: Final = {
    exchange.address: (generation, exchange)
    for generation in GENERATIONS
    for exchange in generation.exchanges
}
"""Every exchange by its address."""

ORDER_FILLED_TOPICS: Final = tuple(dict.fromkeys(one.order_filled.topic for one in GENERATIONS))
"""What any generation calls a fill; contracts that are not in the table may use them too."""

FEE_CHARGED: Final = Event("FeeCharged(address indexed receiver, uint256 amount)")

BESIDE_FILLS: Final = {
    FEE_CHARGED.topic: FEE_CHARGED.name,
    **{
        one.orders_matched.topic: one.orders_matched.name
        for one in GENERATIONS
        if one.orders_matched is not None
    },
}
"""Events of an exchange that accompany a fill and say nothing that it does not."""
