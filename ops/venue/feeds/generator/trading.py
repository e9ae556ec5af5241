"""One transaction: a taker's order, the makers it met, and the legs that come of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final

import msgspec

from ops.venue.decimals import neat, numbers
from ops.venue.feeds.generator.catalogue import Listing
from ops.venue.feeds.generator.sizes import MICRO
from ops.venue.feeds.generator.wallets import Population, Trader
from ops.venue.leg import Leg, Role, Side

_COMPLEMENT_SHARE: Final = 0.4
"""How many maker legs buy or sell the other outcome (a mint or a merge) instead of facing the taker."""

_SAME_MAKER_SHARE: Final = 0.05
"""How often a further maker leg is of the same wallet as the one before."""

_TWIN_SHARE: Final = 0.008
"""How often a maker leg comes as two equal ones."""

_BURST_SHARE: Final = 0.0008
"""How often one maker wallet fills in many small pieces."""

_FIVE_PLACES: Final = Decimal("0.00001")
_PRECISE: Final = Context(prec=16)


class Fill(msgspec.Struct, frozen=True):
    """Shares of the taker's token that changed hands at one price."""

    tick: int
    """The price of the taker's own token, in ticks."""
    size: int


def make_legs(
    chance: random.Random,
    listing: Listing,
    population: Population,
    *,
    taker: Trader,
    outcome: int,
    side: Side,
    fills: Sequence[Fill],
    split_taker: float,
    first_maker: Trader | None = None,
) -> list[Leg]:
    """Return the legs of one transaction: the taker's, then each maker's.

    `split_taker` is the chance that a taker who swept several prices is reported in a row for each, not in
    one at the average price. `first_maker` makes the first fill's maker a certain wallet, in one piece and
    on the taker's own token.
    """
    transaction = f"0x{chance.getrandbits(256):064x}"
    legs = _Legs(listing, transaction)
    if len(fills) > 1 and chance.random() < split_taker:
        for fill in fills:
            legs.add(taker, outcome, side, "taker", [fill])
    else:
        legs.add(taker, outcome, side, "taker", fills)
    maker = first_maker
    for index, fill in enumerate(fills):
        if index == 0 and first_maker is not None:
            legs.add(first_maker, outcome, _opposite(side), "maker", [fill])
            continue
        for piece in _pieces(chance, fill):
            if maker is None or maker is first_maker or chance.random() >= _SAME_MAKER_SHARE:
                maker = _other_than(taker, population)
            if chance.random() < _COMPLEMENT_SHARE:
                mirrored = Fill(listing.ticks - piece.tick, piece.size)
                make = (maker, 1 - outcome, side, mirrored)
            else:
                make = (maker, outcome, _opposite(side), piece)
            for part in _parts(chance, make[3]):
                legs.add(make[0], make[1], make[2], "maker", [part])
    return legs.made


class _Legs:
    """Builds legs of one transaction in one market."""

    def __init__(self, listing: Listing, transaction: str) -> None:
        self._listing = listing
        self._transaction = transaction
        self.made: list[Leg] = []

    def add(self, trader: Trader, outcome: int, side: Side, role: Role, fills: Sequence[Fill]) -> None:
        listing = self._listing
        size = sum(fill.size for fill in fills)
        price = _price(fills, size, listing.ticks)
        shares = neat(Decimal(size).scaleb(-6))
        rate = Decimal(str(listing.rate)) if role == "taker" else Decimal(0)
        fee = (shares * rate * price * (1 - price)).quantize(_FIVE_PLACES, ROUND_HALF_UP)
        payload: dict[str, Any] = {
            "asset": listing.tokens[outcome],
            "bio": "",
            "conditionId": listing.condition,
            "eventSlug": listing.event_slug,
            "icon": listing.icon,
            "name": trader.name,
            "outcome": listing.outcomes[outcome],
            "outcomeIndex": outcome,
            "price": price,
            "profileImage": "",
            "proxyWallet": trader.shown,
            "pseudonym": trader.pseudonym,
            "side": side,
            "size": shares,
            "slug": listing.slug,
            "title": listing.title,
            "transactionHash": self._transaction,
        }
        if fee > 0:
            payload["fee"] = neat(fee)
        self.made.append(
            Leg(
                wallet=trader.wallet,
                transaction=self._transaction,
                token=listing.tokens[outcome],
                condition=listing.condition,
                side=side,
                role=role,
                price=price,
                size=shares,
                fee=fee,
                outcome=listing.outcomes[outcome],
                outcome_index=outcome,
                title=listing.title,
                slug=listing.slug,
                event_slug=listing.event_slug,
                icon=listing.icon,
                name=trader.name,
                pseudonym=trader.pseudonym,
                body=numbers.encode(payload)[:-1],
            )
        )


def _price(fills: Sequence[Fill], size: int, ticks: int) -> Decimal:
    """Return money over shares, the money rounded up to its millionth: off the grid where shares are odd."""
    money = -(-sum(fill.tick * fill.size for fill in fills) // ticks)
    return neat(_PRECISE.divide(Decimal(money), Decimal(size)))


def _pieces(chance: random.Random, fill: Fill) -> list[Fill]:
    """Return how one price level's fill divides among makers."""
    pieces, left = [], fill.size
    while chance.random() < 0.25 and left > 20 * MICRO:
        cut = int(left * chance.uniform(0.1, 0.9)) // (MICRO // 100) * (MICRO // 100)
        if cut > 0:
            pieces.append(Fill(fill.tick, cut))
            left -= cut
    return [*pieces, Fill(fill.tick, left)]


def _parts(chance: random.Random, fill: Fill) -> list[Fill]:
    """Return how one maker's fill is reported: nearly always in one, rarely as twins or in a burst."""
    draw = chance.random()
    if draw < _TWIN_SHARE and fill.size % 2 == 0:
        return [Fill(fill.tick, fill.size // 2)] * 2
    if draw > 1 - _BURST_SHARE and fill.size > 50 * MICRO:
        count = chance.randrange(4, 14)
        part = fill.size // count
        return [Fill(fill.tick, part + index) for index in range(count - 1)] + [
            Fill(fill.tick, fill.size - sum(part + index for index in range(count - 1)))
        ]
    return [fill]


def _other_than(taker: Trader, population: Population) -> Trader:
    while (maker := population.pick()) is taker:
        continue
    return maker


def _opposite(side: Side) -> Side:
    return "SELL" if side == "BUY" else "BUY"
