"""Frames of the market channel for benches, made from a seed: markets of two outcomes whose books add up.

The shapes are those of polymarket-wire.md, section 2. Every change states both outcomes, and the best prices
that hold after it; who applies all frames must end with the books in `MadeStream.books`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

LEVELS: Final = 50
"""Levels a side to begin with."""
TICKS: Final = 1_000
"""A price is a whole number of thousandths."""
MIRRORED_TWICE_SHARE: Final = 0.1
"""Of the changes: how many move two levels at once, as an order that is replaced does."""
TRADE_SHARE: Final = 0.03
"""Of what happens: a trade, after which the books of both outcomes are sent whole."""
NEAR_LEVELS: Final = 8
"""Most changes are this near to the best price."""

_Levels = dict[int, int]
_OTHER: Final = {"BUY": "SELL", "SELL": "BUY"}


@dataclass(frozen=True, slots=True)
class BookState:
    """One outcome's levels: price in thousandths, size in hundredths."""

    bids: _Levels
    asks: _Levels


@dataclass(slots=True)
class MadeMarket:
    """A market with the book of its first outcome; the second's mirrors it."""

    condition_id: str
    tokens: tuple[str, str]
    bids: _Levels
    asks: _Levels
    last_trade: int

    def book(self, outcome: int) -> BookState:
        """Return an outcome's book as it is now."""
        if outcome == 0:
            return BookState(dict(self.bids), dict(self.asks))
        mirrored = [{TICKS - price: size for price, size in side.items()} for side in (self.asks, self.bids)]
        return BookState(*mirrored)

    @property
    def best(self) -> tuple[int, int]:
        """The best prices of the first outcome, 0 and 1 where there is none."""
        return max(self.bids, default=0), min(self.asks, default=TICKS)

    def change(self, random: Random) -> tuple[str, int, int]:
        """Set, add or remove a level of the first outcome; return its side, price and new size."""
        side = random.choice(("BUY", "SELL"))
        levels = self.bids if side == "BUY" else self.asks
        bid, ask = self.best
        near = min(int(random.expovariate(1 / NEAR_LEVELS)), len(levels) - 1)
        prices = sorted(levels, reverse=side == "BUY")
        kind = random.random()
        if kind < 0.15 and len(levels) > LEVELS // 2:
            del levels[prices[near]]
            return side, prices[near], 0
        price = prices[near]
        if kind < 0.3:
            price += random.randrange(-NEAR_LEVELS, NEAR_LEVELS)
            price = min(max(price, 1), ask - 1) if side == "BUY" else max(min(price, TICKS - 1), bid + 1)
        levels[price] = random.randrange(500, 50_000_000)
        return side, price, levels[price]

    def trade(self, random: Random) -> tuple[str, int, int]:
        """Take from the best level of the first outcome; return the taker's side, price and size."""
        side = random.choice(("BUY", "SELL"))
        levels, price = (self.asks, self.best[1]) if side == "BUY" else (self.bids, self.best[0])
        size = random.randrange(1, levels[price] + 1)
        if size == levels[price] and len(levels) > 1:
            del levels[price]
        else:
            levels[price] += 1 - size
        self.last_trade = price
        return side, price, size


@dataclass(slots=True)
class MadeStream:
    """Frames with what is in them."""

    markets: list[MadeMarket]
    frames: list[bytes] = field(default_factory=list)
    level_changes: int = 0
    snapshots: int = 0

    @property
    def updates(self) -> int:
        """Level changes and snapshots together."""
        return self.level_changes + self.snapshots

    @property
    def tokens(self) -> list[str]:
        """The outcomes of all markets."""
        return [token for market in self.markets for token in market.tokens]

    def books(self) -> Iterator[tuple[str, BookState]]:
        """Yield what each outcome's book is after the last frame."""
        for market in self.markets:
            for outcome, token in enumerate(market.tokens):
                yield token, market.book(outcome)


def markets(count: int, seed: int) -> list[MadeMarket]:
    """Return markets with books of `LEVELS` levels a side."""
    random = Random(seed)
    made = []
    for _ in range(count):
        middle = random.randrange(2 * LEVELS + 10, TICKS - 2 * LEVELS - 10)
        bids = random.sample(range(middle - 2 * LEVELS, middle), LEVELS)
        asks = random.sample(range(middle + 1, middle + 1 + 2 * LEVELS), LEVELS)
        made.append(
            MadeMarket(
                condition_id=f"0x{random.getrandbits(256):064x}",
                tokens=(str(random.getrandbits(255)), str(random.getrandbits(255))),
                bids={price: random.randrange(500, 50_000_000) for price in bids},
                asks={price: random.randrange(500, 50_000_000) for price in asks},
                last_trade=middle,
            )
        )
    return made


def stream(count: int, market_count: int, seed: int, now_ms: int) -> MadeStream:
    """Return a book for each outcome, and about `count` frames after them, a millisecond apart."""
    random = Random(seed + 1)
    made = MadeStream(markets(market_count, seed))
    for market in made.markets:
        _books(made, market, random, now_ms)
    busy = made.markets
    while len(made.frames) < count + 2 * market_count:
        now_ms += 1
        market = busy[min(int(random.expovariate(4 / len(busy))), len(busy) - 1)]
        if random.random() < TRADE_SHARE:
            _trade(made, market, random, now_ms)
        else:
            _changes(made, market, random, now_ms)
    return made


def book_frame(market: MadeMarket, outcome: int, hash: str, now_ms: int) -> dict[str, Any]:
    """Return a whole book as the wire has it: the worst prices first."""
    book = market.book(outcome)
    last = market.last_trade if outcome == 0 else TICKS - market.last_trade
    return {
        "market": market.condition_id,
        "asset_id": market.tokens[outcome],
        "timestamp": str(now_ms),
        "hash": hash,
        "bids": [_level(price, size) for price, size in sorted(book.bids.items())],
        "asks": [_level(price, size) for price, size in sorted(book.asks.items(), reverse=True)],
        "tick_size": "0.001",
        "event_type": "book",
        "last_trade_price": price_text(last),
    }


def _books(made: MadeStream, market: MadeMarket, random: Random, now_ms: int) -> None:
    for outcome in (0, 1):
        made.frames.append(encoded(book_frame(market, outcome, _hash(random), now_ms)))
        made.snapshots += 1


def _changes(made: MadeStream, market: MadeMarket, random: Random, now_ms: int) -> None:
    count = 2 if random.random() < MIRRORED_TWICE_SHARE else 1
    moved = [market.change(random) for _ in range(count)]
    bid, ask = market.best
    rows = []
    for side, price, size in moved:
        rows.append(_change(market.tokens[0], side, price, size, (bid, ask), random))
        rows.append(
            _change(market.tokens[1], _OTHER[side], TICKS - price, size, (TICKS - ask, TICKS - bid), random)
        )
    made.level_changes += len(rows)
    made.frames.append(
        encoded(
            {
                "market": market.condition_id,
                "price_changes": rows,
                "timestamp": str(now_ms),
                "event_type": "price_change",
            }
        )
    )


def _trade(made: MadeStream, market: MadeMarket, random: Random, now_ms: int) -> None:
    side, price, size = market.trade(random)
    made.frames.append(
        encoded(
            {
                "market": market.condition_id,
                "asset_id": market.tokens[0],
                "price": price_text(price),
                "size": size_text(size),
                "fee_rate_bps": "0",
                "side": side,
                "timestamp": str(now_ms),
                "event_type": "last_trade_price",
                "transaction_hash": f"0x{random.getrandbits(256):064x}",
            }
        )
    )
    _books(made, market, random, now_ms)


def _change(
    token: str, side: str, price: int, size: int, best: tuple[int, int], random: Random
) -> dict[str, str]:
    return {
        "asset_id": token,
        "price": price_text(price),
        "size": size_text(size),
        "side": side,
        "hash": _hash(random),
        "best_bid": price_text(best[0]),
        "best_ask": price_text(best[1]),
    }


def _level(price: int, size: int) -> dict[str, str]:
    return {"price": price_text(price), "size": size_text(size)}


def price_text(ticks: int) -> str:
    """Return a price as the wire spells it."""
    return f"{ticks / TICKS:.3f}".rstrip("0").rstrip(".")


def size_text(hundredths: int) -> str:
    """Return a size as the wire spells it."""
    return f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".")


def _hash(random: Random) -> str:
    return f"{random.getrandbits(160):040x}"


def encoded(document: object) -> bytes:
    """Return JSON without blanks."""
    return json.dumps(document, separators=(",", ":")).encode()
