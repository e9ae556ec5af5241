"""Transactions that lost their block: given time to be mined again, and retracted once they are gone.

A part of the chain's actor that runs inside its handlers. Nearly every transaction that loses its block is
mined again soon. One that was not seen again may have been mined unseen all the same, by a node that has gone
or fell silent, so its receipt has the last word; that is one request for one transaction, and a rare one.
"""

from __future__ import annotations

from typing import Any, Final

from actors.ingest import metrics
from actors.ingest.chain import wire
from actors.ingest.chain.delivery import Delivery
from actors.ingest.chain.node import Node
from actors.ingest.chain.sightings import Sightings, Undone
from actors.ingest.chain.wire import Log
from actors.ingest.errors import Malformed, RpcRefused
from messages.base import Message
from messages.trades import FillsRetracted
from supervisor import SupervisedActor

REVISITED_BLOCKS: Final = 32
"""How many blocks from before a gap may have been replaced in it: many times what is seen of late."""
DOUBTS_MAX: Final = 1_000
"""Transactions in doubt at a time; further ones are left standing."""

_NS_PER_S: Final = 1_000_000_000


class Settle(Message, frozen=True):
    """Some transactions have had their time."""


class Confirmed(Message, frozen=True, kw_only=True):
    """What a node says of a transaction in doubt: its logs, none if it is in no block, or an error."""

    undone: Undone
    logs: tuple[Log, ...] = ()
    error: str = ""


class Doubts:
    """The transactions in doubt, and until when."""

    def __init__(
        self,
        actor: SupervisedActor,
        feed: str,
        settle_s: float,
        sightings: Sightings,
        delivery: Delivery,
        log: Any,
    ) -> None:
        self._actor = actor
        self._feed = feed
        self._settle_s = settle_s
        self._sightings = sightings
        self._delivery = delivery
        self._log = log
        self._due_ns: dict[Undone, int] = {}
        self._gap_from: int | None = None

    def __len__(self) -> int:
        return len(self._due_ns)

    def doubt(self, undone: Undone) -> None:
        """Give a transaction time to be mined again."""
        if undone in self._due_ns or len(self._due_ns) >= DOUBTS_MAX:
            return
        self._due_ns[undone] = self._actor.clock.monotonic_ns() + int(self._settle_s * _NS_PER_S)
        if len(self._due_ns) == 1:
            self._actor.timer("settle", self._settle_s, Settle())

    def settle(self) -> None:
        """Look at those whose time is up."""
        now_ns = self._actor.clock.monotonic_ns()
        for undone in [one for one, due_ns in self._due_ns.items() if due_ns <= now_ns]:
            del self._due_ns[undone]
            is_followed = undone.wallet in self._delivery.leaders
            if is_followed and not self._sightings.stands(*undone):
                self._ask(undone)
        if self._due_ns:
            wait_ns = min(self._due_ns.values()) - now_ns
            self._actor.timer("settle", wait_ns / _NS_PER_S, Settle())

    def confirmed(self, message: Confirmed) -> None:
        """Take a node's last word, once its logs were taken as any others. One that names a block which heads
        have replaced comes from a node that lags: it is asked again."""
        if message.error or (message.logs and not self._sightings.stands(*message.undone)):
            self.doubt(message.undone)
        elif not message.logs:
            self._retract(message.undone)

    def lost_sight(self, block_number: int) -> None:
        """From this block on nobody listens."""
        self._gap_from = block_number

    async def revisit(self, node: Node) -> None:
        """See whether the blocks from before a gap in which leaders traded are still there.

        Raises `SocketLost`.
        """
        if self._gap_from is None:
            return
        for height in self._sightings.heights(self._gap_from - REVISITED_BLOCKS):
            try:
                block = wire.head(await node.call("eth_getBlockByNumber", hex(height), False))
            except (Malformed, RpcRefused) as error:
                self._log.info("a block from before a gap was not had", number=height, reason=str(error))
                continue
            for undone in self._sightings.head(block):
                self.doubt(undone)

    def _ask(self, undone: Undone) -> None:
        self._actor.pipe(
            self._delivery.receipt(undone.tx, undone.wallet),
            into=lambda logs: Confirmed(undone=undone, logs=logs),
            failed=lambda error: Confirmed(undone=undone, error=str(error) or type(error).__name__),
        )

    def _retract(self, undone: Undone) -> None:
        metrics.RETRACTED.inc()
        self._log.warning("the chain took a transaction of a leader back", wallet=undone.wallet, tx=undone.tx)
        seen_at_ns = self._actor.clock.now_ns()
        item = FillsRetracted(wallet=undone.wallet, tx=undone.tx, feed=self._feed, seen_at_ns=seen_at_ns)
        self._delivery.put(undone.wallet, item)
