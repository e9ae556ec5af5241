"""A scripted history of trades: what truly happened on the exchange, drawn from a seed.

The exchange settles one taker's order against resting ones, several at a time in one call; a transaction
holds one call or more. A maker may stand on the other side of the same outcome, or beside the taker in the
opposite outcome: then shares are minted or merged, and the two prices sum to one. It knows no source.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeAlias

from world import SHARE, START_S, condition_of

from messages.trades import Side

Group: TypeAlias = tuple[str, str, str, str]
"""(wallet, transaction, token, side)."""

BEGIN_S: Final = 5
"""The first trade comes this long after the start, when everybody is followed."""
TICK: Final = 10_000
MARKETS: Final = 8
TWINS: Final = 0.12
"""How often a maker's fill comes as two or three equal ones."""
SAME_MAKER: Final = 0.2
OPPOSITE_OUTCOME: Final = 0.4
SECOND_CALL: Final = 0.15


@dataclass(frozen=True, slots=True)
class Match:
    """One resting order met: what its maker did, and at which price the taker did the opposite."""

    maker: str
    token: str
    side: Side
    size: int
    price: int
    taker_price: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """One taker's order against everything that it met."""

    hash: str
    at_s: int
    condition: str
    taker: str
    token: str
    side: Side
    calls: tuple[tuple[Match, ...], ...]

    def matches(self) -> Iterator[Match]:
        """Return all matches of all calls."""
        for call in self.calls:
            yield from call

    def parts(self) -> Iterator[tuple[str, str, Side, int]]:
        """Return (wallet, token, side, shares) of everybody's part in every match."""
        for match in self.matches():
            yield self.taker, self.token, self.side, match.size
            yield match.maker, match.token, match.side, match.size


@dataclass(slots=True)
class Script:
    """The transactions of the leaders, in their order, and what they come to."""

    leaders: tuple[str, ...]
    transactions: list[Transaction] = field(default_factory=list)
    totals: Counter[Group] = field(default_factory=Counter)
    positions: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    trades: int = 0
    """Parts that leaders had in matches."""

    def add(self, transaction: Transaction) -> None:
        """Let it happen."""
        self.transactions.append(transaction)
        for wallet, token, side, size in transaction.parts():
            if wallet not in self.leaders:
                continue
            self.trades += 1
            self.totals[wallet, transaction.hash, token, side] += size
            self.positions[wallet, token] += size if side is Side.BUY else -size
            assert self.positions[wallet, token] >= 0, "the script sells what nobody holds"


def write(seed: int | str, *, trades: int, leaders: int, span_s: int) -> Script:
    """Draw a history of at least so many trades of so many leaders within the time."""
    random = Random(f"script:{seed}")
    script = Script(leaders=tuple(f"0x{number + 1:040x}" for number in range(leaders)))
    hand = _Hand(script, random)
    while script.trades < trades:
        at_s = BEGIN_S + span_s * script.trades // trades
        script.add(hand.transaction(START_S + at_s))
    return script


class _Hand:
    """Draws transactions that fit to what the leaders hold."""

    def __init__(self, script: Script, random: Random) -> None:
        self._script = script
        self._random = random
        self._left: dict[tuple[str, str], int] = {}

    def transaction(self, at_s: int) -> Transaction:
        random, script = self._random, self._script
        self._left = {}
        number = random.randrange(MARKETS)
        tokens = (f"{2 * number + 1}", f"{2 * number + 2}")
        outcome = random.randrange(2)
        taker = random.choice(script.leaders) if random.random() < 0.6 else "0xother"
        held = script.positions[taker, tokens[outcome]]
        side = Side.SELL if (held or taker == "0xother") and random.random() < 0.5 else Side.BUY
        if side is Side.SELL and taker != "0xother":
            self._left[taker, tokens[outcome]] = held
        price = random.randint(20, 80) * TICK
        calls, maker = [], ""
        for _ in range(2 if random.random() < SECOND_CALL else 1):
            call: list[Match] = []
            for _ in range(random.choice((1, 1, 1, 2, 3))):
                size = self._size()
                if side is Side.SELL and not self._take(taker, tokens[outcome], size):
                    continue
                if not maker or random.random() >= SAME_MAKER:
                    maker = self._maker(taker)
                call.extend(self._matches(maker, tokens, outcome, side, size, price))
                price += random.choice((0, TICK)) * (1 if side is Side.BUY else -1)
            if call:
                calls.append(tuple(call))
        if not calls:  # it had less to sell than any of the orders it met
            return self.transaction(at_s)
        if taker not in script.leaders and not any(
            match.maker in script.leaders for call in calls for match in call
        ):
            return self.transaction(at_s)
        return Transaction(
            hash=f"0x{random.getrandbits(256):064x}",
            at_s=at_s,
            condition=condition_of(number),
            taker=taker,
            token=tokens[outcome],
            side=side,
            calls=tuple(calls),
        )

    def _size(self) -> int:
        """Return shares: often round, at times to the last digit."""
        random = self._random
        return random.choice(
            (
                random.choice((10, 50, 100)) * SHARE,
                random.randint(500, 20_000) * SHARE // 100,
                random.randint(5 * SHARE, 200 * SHARE),
            )
        )

    def _maker(self, taker: str) -> str:
        random = self._random
        maker = random.choice(self._script.leaders) if random.random() < 0.5 else "0xanother"
        return "0xanother" if maker == taker else maker

    def _matches(
        self, maker: str, tokens: tuple[str, str], outcome: int, side: Side, size: int, price: int
    ) -> list[Match]:
        """Return what comes of so many shares of the taker's at one price: one match, or twins."""
        random = self._random
        parts = random.choice((2, 3)) if random.random() < TWINS and size % 6 == 0 else 1
        if random.random() < OPPOSITE_OUTCOME:
            token, makers_side, makers_price = tokens[1 - outcome], side, SHARE - price
        else:
            token, makers_price = tokens[outcome], price
            makers_side = Side.BUY if side is Side.SELL else Side.SELL
        if makers_side is Side.SELL and not self._take(maker, token, size):
            maker = "0xanother"
        return [Match(maker, token, makers_side, size // parts, makers_price, price)] * parts

    def _take(self, wallet: str, token: str, size: int) -> bool:
        """Sell what a leader holds, and return whether it was there; others hold enough of everything."""
        if wallet not in self._script.leaders:
            return True
        left = self._left.setdefault((wallet, token), self._script.positions[wallet, token])
        if left < size:
            return False
        self._left[wallet, token] = left - size
        return True
