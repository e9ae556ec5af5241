"""Whose trades are put off under load, and how many were (D16): those of leaders whom nobody copies.

The wallets that nobody follows never get this far, and a copied leader's trade is waited for, never shed.
What is put off here the poller brings once there is room, so it is late and not lost, unless the load
outlasts the time for which trades are remembered.
"""

from __future__ import annotations

from actors.ingest import metrics
from actors.ingest.reports import TradeMissed
from messages.ids import Wallet
from messages.ingest import LeadersWatched
from messages.store import StoreAvailability


class Shedding:
    """What one source knows of the load, and what it has put off."""

    def __init__(self, feed: str) -> None:
        self._feed = feed
        self._uncopied: frozenset[Wallet] = frozenset()
        self._is_pressed = False
        self.count = 0

    def follow(self, message: LeadersWatched) -> None:
        """Take note of whom nobody copies."""
        self._uncopied = message.uncopied

    def tell(self, message: StoreAvailability) -> None:
        """Take note of whether too much waits."""
        self._is_pressed = message.is_pressed

    def sheds(self, wallet: Wallet) -> bool:
        """Return whether a leader's trades are put off at present."""
        return self._is_pressed and wallet in self._uncopied

    def put_off(self, wallet: Wallet, at_ns: int) -> TradeMissed:
        """Count a trade that is not taken now, and return what has the poller bring it."""
        self.count += 1
        metrics.SHED.labels(self._feed).inc()
        return TradeMissed(feed=self._feed, wallet=wallet, at_ns=at_ns, reason="it was put off under load")
