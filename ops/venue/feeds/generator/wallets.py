"""Who trades: many small wallets, a few busy ones, and the leaders."""

from __future__ import annotations

import random
from typing import Final

import msgspec

from ops.venue.keccak import checksummed

_ADJECTIVES: Final = (
    "Amber", "Brisk", "Copper", "Distant", "Eager", "Frosty", "Gentle", "Hollow", "Ivory", "Jolly",
    "Keen", "Lucky", "Mellow", "Nimble", "Opal", "Patient", "Quiet", "Rapid", "Silver", "Tidy",
)  # fmt: skip
_NOUNS: Final = (
    "Anchor", "Badger", "Compass", "Dune", "Ember", "Falcon", "Grove", "Harbor", "Island", "Juniper",
    "Kettle", "Lantern", "Meadow", "Needle", "Orchard", "Pebble", "Quarry", "Ripple", "Saddle", "Timber",
)  # fmt: skip


class Trader(msgspec.Struct, frozen=True):
    """A wallet: lowercase for comparing, `shown` in the mixed case of the trade stream."""

    wallet: str
    shown: str
    name: str
    pseudonym: str


class Population:
    """All wallets that are no leaders, some far busier than others."""

    def __init__(self, chance: random.Random, count: int) -> None:
        self._traders = [make_trader(chance) for _ in range(count)]
        total = 0.0
        self._cumulative = [total := total + 1.0 / (rank + 3) ** 0.9 for rank in range(count)]
        self._chance = chance

    def pick(self) -> Trader:
        """Return a wallet, the busy ones often."""
        return self._chance.choices(self._traders, cum_weights=self._cumulative)[0]


def make_trader(chance: random.Random) -> Trader:
    """Return a new wallet."""
    wallet = f"0x{chance.getrandbits(160):040x}"
    pseudonym = f"{chance.choice(_ADJECTIVES)}-{chance.choice(_NOUNS)}"
    name = pseudonym.replace("-", "").lower() + str(chance.randrange(100)) if chance.random() < 0.6 else ""
    return Trader(wallet, checksummed(wallet), name, pseudonym)
