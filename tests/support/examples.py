"""One of everything, in round figures; a test names only what it is about."""

from __future__ import annotations

from typing import Any

import msgspec

from config.settings import Caps, Guards
from messages.decisions import CopyProposed, Freshness, Intent
from messages.ids import intent_id, paper_order_id, trade_id, trade_key
from messages.markets import Book, Market, Resolution
from messages.orders import Fill, FillKind, PlaceOrder
from messages.store import Correction, CorrectionReason, MarketRow, StoreCorrection, StoreTrade
from messages.trades import FillReported, LeaderTrade, Side, SourceKind

NS = 1_000_000_000
SHARE = 1_000_000
CENT = 10_000
USDC = 1_000_000

NOON_NS = 1_800_000_000 * NS - 1_800_000_000 * NS % (86_400 * NS) + 43_200 * NS
WALLET = "0x" + "a1" * 20
CONDITION = "0x" + "c0" * 32
YES, NO = "111", "222"
TX = "0x" + "71" * 32
PAPER = "paper"


def tx_of(number: int) -> str:
    return f"0x{number:064x}"


def report(**changes: Any) -> FillReported:
    """A stream's row: 100 shares of YES bought at 0.50, just now."""
    fields: dict[str, Any] = {
        "wallet": WALLET,
        "tx": TX,
        "condition_id": CONDITION,
        "token_id": YES,
        "side": Side.BUY,
        "size": 100 * SHARE,
        "price": 500_000,
        "traded_at_ns": NOON_NS,
        "kind": SourceKind.STREAM,
        "feed": "stream-1",
        "seen_at_ns": NOON_NS + NS // 2,
        "seen_mono_ns": 1,
        "occurrence": 1,
        "event_slug": "rain",
    } | changes
    fields.setdefault("usdc", fields["size"] * fields["price"] // SHARE)
    return FillReported(**fields)


def trade(**changes: Any) -> LeaderTrade:
    """A leader's accepted buy of 100 YES at 0.50, just now, from nothing."""
    fields: dict[str, Any] = {
        "ordinal": 0,
        "wallet": WALLET,
        "tx": TX,
        "condition_id": CONDITION,
        "token_id": YES,
        "side": Side.BUY,
        "size": 100 * SHARE,
        "price": 500_000,
        "traded_at_ns": NOON_NS,
        "seen_at_ns": NOON_NS + NS // 2,
        "seen_mono_ns": 1,
        "kind": SourceKind.STREAM,
        "feed": "stream-1",
        "backfill": False,
        "position_before": 0,
        "event_slug": "rain",
    } | changes
    fields.setdefault("usdc", fields["size"] * fields["price"] // SHARE)
    signed = fields["size"] if fields["side"] is Side.BUY else -fields["size"]
    fields.setdefault("position_after", max(0, fields["position_before"] + signed))
    key = trade_key(
        fields["wallet"],
        fields["tx"],
        fields["condition_id"],
        fields["token_id"],
        fields["side"],
        fields["usdc"] // CENT,
        fields["ordinal"],
    )
    fields.setdefault("key", key)
    fields.setdefault("trade_id", trade_id(fields["key"]))
    return LeaderTrade(**fields)


def stored(one: LeaderTrade) -> StoreTrade:
    """The write of a trade that is the last of its outcome."""
    return StoreTrade(trade=one, position=one.position_after)


def correction(of: LeaderTrade, now: int, position: int = 0, at_ns: int = NOON_NS) -> StoreCorrection:
    """The write that all of a trade, or nothing, counts from now on."""
    was = 0 if now else of.size
    change = Correction(trade_id=of.trade_id, was=was, now=now, reason=CorrectionReason.TAKEN_BACK)
    return StoreCorrection(
        wallet=of.wallet,
        token_id=of.token_id,
        corrections=(change,),
        position=position,
        kind=SourceKind.CHAIN,
        feed="chain",
        at_ns=at_ns,
    )


def sale(**changes: Any) -> LeaderTrade:
    """A leader's sale of all their 100 YES at 0.50, just now."""
    return trade(**{"side": Side.SELL, "position_before": 100 * SHARE} | changes)


def fill(**changes: Any) -> Fill:
    """Our 10 YES bought at 0.50 without a fee."""
    fields: dict[str, Any] = {
        "portfolio_id": PAPER,
        "order_id": "0xo",
        "condition_id": CONDITION,
        "token_id": YES,
        "event_slug": "rain",
        "kind": FillKind.TRADE,
        "side": Side.BUY,
        "size": 10 * SHARE,
        "price": 500_000,
        "fee": 0,
        "filled_at_ns": NOON_NS,
        "seq": 1,
    } | changes
    fields.setdefault("fill_id", f"{fields['order_id']}:{fields['seq']}")
    fields.setdefault("usdc", fields["size"] * fields["price"] // SHARE)
    return Fill(**fields)


def caps(**changes: Any) -> Caps:
    return Caps(**changes)


def guards(**changes: Any) -> Guards:
    return Guards(**changes)


def market(**changes: Any) -> Market:
    """An open market on the cent grid, 5 shares at least, 5 % fee rate."""
    fields: dict[str, Any] = {
        "condition_id": CONDITION,
        "question": "Will it rain?",
        "slug": "will-it-rain",
        "event_slug": "rain",
        "outcomes": ("Yes", "No"),
        "token_ids": (YES, NO),
        "prices": (500_000, 500_000),
        "tick": 10_000,
        "size_min": 5 * SHARE,
        "fee_rate": 50_000,
        "neg_risk": False,
        "accepting_orders": True,
        "resolution": Resolution.OPEN,
    } | changes
    return Market(**fields)


def market_row(**changes: Any) -> MarketRow:
    """The market as Gamma told of it at noon, asked for by nobody; other fields are the market's."""
    own = {name: changes.pop(name) for name in MarketRow.__struct_fields__ if name in changes}
    fields: dict[str, Any] = {"as_of_ns": NOON_NS, "source": "gamma"} | own
    return MarketRow(**({"market": market(**changes)} | fields))


def book(**changes: Any) -> Book:
    """49 bid, 50 asked, a thousand shares each."""
    fields: dict[str, Any] = {
        "token_id": YES,
        "bids": ((490_000, 1_000 * SHARE),),
        "asks": ((500_000, 1_000 * SHARE),),
        "hash": "h1",
        "as_of_ns": NOON_NS,
    } | changes
    return Book(**fields)


def proposal(**changes: Any) -> CopyProposed:
    """A live copy of the example trade: 10 YES up to 0.53."""
    copied = changes.pop("trade", None) or trade()
    fields: dict[str, Any] = {
        "portfolio_id": PAPER,
        "epoch": 1,
        "trade": copied,
        "freshness": Freshness.LIVE,
        "side": copied.side,
        "size": 10 * SHARE,
        "reserved": 0 if copied.side is Side.SELL else 6 * USDC,
        "price_limit": 530_000 if copied.side is Side.BUY else 400_000,
        "checks": (),
        "settings_hash": "s",
    } | changes
    fields.setdefault("intent_id", intent_id(copied.trade_id, fields["portfolio_id"]))
    return CopyProposed(**fields)


def intent(**changes: Any) -> Intent:
    """The decision to buy 10 YES up to 0.53, at noon."""
    fields: dict[str, Any] = {
        "trade_id": trade().trade_id,
        "portfolio_id": PAPER,
        "epoch": 1,
        "condition_id": CONDITION,
        "token_id": YES,
        "event_slug": "rain",
        "side": Side.BUY,
        "size": 10 * SHARE,
        "price_limit": 530_000,
        "price_expected": 500_000,
        "reserved": 6 * USDC,
        "fee_rate": 50_000,
        "tick": 10_000,
        "freshness": Freshness.LIVE,
        "checks": (),
        "settings_hash": "s",
        "traded_at_ns": NOON_NS,
        "seen_at_ns": NOON_NS,
        "seen_mono_ns": 1,
        "decided_at_ns": NOON_NS,
    } | changes
    fields.setdefault("intent_id", intent_id(fields["trade_id"], fields["portfolio_id"]))
    fields.setdefault("order_id", paper_order_id(fields["intent_id"]))
    return Intent(**fields)


def order(**changes: Any) -> PlaceOrder:
    """An order to buy 10 YES up to 0.53."""
    fields: dict[str, Any] = {
        "order_id": "0xo",
        "portfolio_id": PAPER,
        "condition_id": CONDITION,
        "token_id": YES,
        "event_slug": "rain",
        "side": Side.BUY,
        "size": 10 * SHARE,
        "price_limit": 530_000,
        "fee_rate": 50_000,
    } | changes
    return PlaceOrder(**fields)


def changed(message: Any, **changes: Any) -> Any:
    """The same message but for some fields."""
    return msgspec.structs.replace(message, **changes)
