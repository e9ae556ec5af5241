"""From a log to a leader's fill: which exchange, whose order, what was given for what (D6, D7).

An order's owner is the *maker* of exactly one log per match, whether the order rested or took. So a log is
the trade of its maker and of nobody else: the log in which a wallet stands only as taker tells of the order
that met his, which has a log of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from actors.ingest.chain.generations import (
    ADDRESSES,
    BESIDE_FILLS,
    ORDER_FILLED_TOPICS,
    Exchange,
    Generation,
    Layout,
)
from actors.ingest.chain.wire import Log
from actors.ingest.errors import Drift, Malformed
from messages.ids import TokenId, Wallet
from messages.trades import FillReported, Side, SourceKind
from messages.units import AMOUNT_MAX, MICROS, Price, Shares, Usdc

_OWNER: Final = 2
"""Which topic of a fill holds the order's owner."""
_SIDES: Final = {0: Side.BUY, 1: Side.SELL}
_COLLATERAL: Final = 0
"""The asset id that stands for money."""


@dataclass(frozen=True, slots=True)
class ChainFill:
    """One order's part in one match. `usdc` is what changed hands for the shares, without fees."""

    exchange: Exchange
    generation: Generation
    order_hash: str
    owner: Wallet
    counterparty: Wallet
    side: Side
    token_id: TokenId
    size: Shares
    usdc: Usdc
    fee: int
    """Apart from `usdc`; in shares or USDC, as `generation.fee_in` and the side say."""

    @property
    def is_taker(self) -> bool:
        """Whether the order took: then its counterparty is the exchange itself."""
        return self.counterparty in ADDRESSES

    @property
    def price(self) -> Price:
        """USDC a share, to the nearest 1e-6, half to even."""
        whole, rest = divmod(self.usdc * MICROS, self.size)
        return whole + (2 * rest > self.size or (2 * rest == self.size and whole % 2 == 1))


def owner_of(log: Log) -> Wallet | None:
    """Return whose order a log is about, by where every generation has it; None for a log without it."""
    return "0x" + log.topics[_OWNER][-20:].hex() if len(log.topics) > _OWNER else None


def decode(log: Log) -> ChainFill | None:
    """Return the fill in a log, or None for an event that accompanies one.

    Raises `Drift` for an exchange, topic or layout that the table of generations lacks, and `Malformed` for
    amounts that no fill can have.
    """
    topic = log.topics[0] if log.topics else b""
    known = ADDRESSES.get(log.address)
    if known is None:
        what = "a fill" if topic in ORDER_FILLED_TOPICS else "an event"
        raise Drift("exchange", f"{what} came from {log.address}, which is no exchange that Remora knows")
    generation, exchange = known
    if topic != generation.order_filled.topic:
        if topic in BESIDE_FILLS:
            return None
        raise Drift("topic", f"{exchange.name} ({log.address}) sent the unknown event 0x{topic.hex()}")
    return _fill(generation, exchange, generation.order_filled.decode(log.topics, log.data))


def _fill(generation: Generation, exchange: Exchange, values: dict[str, Any]) -> ChainFill:
    side, token = _by_side(values) if generation.layout is Layout.SIDE else _by_assets(values)
    gave, got = values["makerAmountFilled"], values["takerAmountFilled"]
    usdc, size = (gave, got) if side is Side.BUY else (got, gave)
    if not 0 < size <= AMOUNT_MAX:
        raise Malformed("shares", str(size), f"1 to {AMOUNT_MAX}")
    if usdc > size:
        raise Malformed("price", f"{usdc} for {size} shares", "a price from 0 to 1")
    return ChainFill(
        exchange=exchange,
        generation=generation,
        order_hash="0x" + values["orderHash"].hex(),
        owner=values["maker"],
        counterparty=values["taker"],
        side=side,
        token_id=str(token),
        size=size,
        usdc=usdc,
        fee=values["fee"],
    )


def _by_side(values: dict[str, Any]) -> tuple[Side, int]:
    side = _SIDES.get(values["side"])
    if side is None:
        raise Drift("layout", f"OrderFilled had side {values['side']}, expected 0 or 1")
    return side, values["tokenId"]


def _by_assets(values: dict[str, Any]) -> tuple[Side, int]:
    gave, got = values["makerAssetId"], values["takerAssetId"]
    if (gave == _COLLATERAL) == (got == _COLLATERAL):
        raise Drift("layout", "OrderFilled had assets of which not exactly one is money")
    return (Side.BUY, got) if gave == _COLLATERAL else (Side.SELL, gave)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of an outcome token: its market, checked, and how it is called."""

    condition_id: str
    index: int
    name: str = ""
    title: str = ""
    slug: str = ""
    event_slug: str = ""


def report(
    fill: ChainFill,
    log: Log,
    outcome: Outcome,
    *,
    feed: str,
    occurrence: int,
    block_s: int,
    seen_at_ns: int,
    seen_mono_ns: int,
) -> FillReported:
    """Return the report that a fill makes, in the terms of every other source."""
    return FillReported(
        wallet=fill.owner,
        tx=log.tx,
        condition_id=outcome.condition_id,
        token_id=fill.token_id,
        side=fill.side,
        size=fill.size,
        price=fill.price,
        usdc=fill.usdc,
        traded_at_ns=block_s * 1_000_000_000,
        kind=SourceKind.CHAIN,
        feed=feed,
        seen_at_ns=seen_at_ns,
        seen_mono_ns=seen_mono_ns,
        occurrence=occurrence,
        outcome=outcome.name,
        outcome_index=outcome.index,
        title=outcome.title,
        slug=outcome.slug,
        event_slug=outcome.event_slug,
        block_number=log.block_number,
        log_index=log.log_index,
        raw=log.raw,
    )
