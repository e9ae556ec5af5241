"""Which outcomes have a live book, and the sockets that bring them. A part of the `Prices` actor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

import aiohttp
import structlog
from thespian.actors import ActorAddress

from actors.prices import metrics
from actors.prices.live.board import Board
from actors.prices.live.channel import ChannelArgs, MarketChannel
from actors.prices.live.events import WinnerAnnounced
from actors.prices.live.shards import Shards
from actors.prices.live.signals import Carry, Reopen, ShardDown, ShardFrame, ShardStarted, ShardUp
from config.settings import Prices as PricesSettings
from messages.ids import TokenId
from supervisor import SupervisedActor

NS_PER_S: Final = 1_000_000_000
SILENT_NS: Final = 2 * NS_PER_S
"""A socket that brings nothing this long while CLOB shows changes has stalled."""
SILENT_MAX: Final = 1
"""How often an outcome is subscribed to anew before it is given another socket."""

log = structlog.get_logger(__name__)


class LiveDesk:
    """Chooses, places and watches live books."""

    def __init__(
        self,
        actor: SupervisedActor,
        settings: PricesSettings,
        url: str,
        connector: Callable[[], aiohttp.BaseConnector] | None,
    ) -> None:
        self._actor = actor
        self._settings = settings
        self._url = url
        self._connector = connector
        self._sockets: dict[str, ActorAddress] = {}
        self.shards = Shards(
            settings.live_sockets_max if settings.live else 0, settings.live_tokens_per_socket
        )
        self.board = Board(
            round(settings.live_first_event_s * NS_PER_S), round(settings.live_verify_s * NS_PER_S)
        )

    def choose(self, wanted: Iterable[TokenId], now_ns: int) -> None:
        """Carry what is wanted, the first ones where there is no room for all; look after what is carried."""
        if not self.shards.capacity:
            return
        chosen = list(dict.fromkeys(wanted))[: self.shards.capacity]
        changed: set[str] = set()
        for token_id in self.shards.surplus(chosen):
            changed.add(self.shards.remove(token_id) or "")
            self.board.remove(token_id)
        for token_id in chosen:
            if token_id not in self.shards:
                self._place(token_id, now_ns, changed)
        anew = self._renew(now_ns, changed)
        self._reopen_stalled(now_ns)
        changed.discard("")
        for shard in changed:
            self._carry(shard, [token_id for token_id in anew if self.shards.home(token_id) == shard])
        self._measure()

    def is_current(self, shard: str, sender: ActorAddress) -> bool:
        """Return whether a socket of that name is the one in use: one that was stopped may still be heard."""
        return bool(self._sockets.get(shard) == sender)

    def started(self, message: ShardStarted) -> None:
        """Tell a socket's new incarnation what to carry: what an earlier one brought ended with it."""
        self.board.down(message.shard)
        if message.shard in self._sockets:
            self._carry(message.shard, ())

    def up(self, message: ShardUp, now_ns: int) -> None:
        """A socket is open: its books begin anew."""
        self.board.up(message.shard, now_ns)

    def down(self, message: ShardDown) -> None:
        """A socket is gone: its books are worth nothing."""
        self.board.down(message.shard)

    def take(self, message: ShardFrame) -> tuple[set[TokenId], list[WinnerAnnounced]]:
        """Apply a frame; return the tokens it was about, and the winners announced."""
        metrics.LIVE_EVENTS.inc(len(message.events))
        touched = self.board.take(message.shard, message.events, message.mono_ns, message.at_ms)
        if message.gap:
            self.board.gap(message.shard, message.mono_ns)
        return touched, [each for each in message.events if isinstance(each, WinnerAnnounced)]

    def snapshot(self) -> dict[str, object]:
        """Return how much is live."""
        return {
            "sockets": len(self._sockets),
            "tokens": len(self.shards),
            "trusted": self.board.trusted,
        }

    def _place(self, token_id: TokenId, now_ns: int, changed: set[str], avoid: str = "") -> None:
        shard = self.shards.place(token_id, avoid)
        if shard is not None:
            self.board.add(token_id, shard, now_ns)
            changed.add(shard)

    def _renew(self, now_ns: int, changed: set[str]) -> list[TokenId]:
        """Do something about outcomes that never delivered: subscribe anew, then try another socket."""
        anew: list[TokenId] = []
        for token_id in self.board.overdue(now_ns):
            seat, shard = self.board.seat(token_id), self.shards.home(token_id)
            if seat is None or shard is None:
                continue
            metrics.LIVE_DROPPED.labels("no first event").inc()
            changed.add(shard)
            if seat.silent < SILENT_MAX:
                self.board.resubscribed(token_id, now_ns)
                anew.append(token_id)
            else:
                self.shards.remove(token_id)
                self.board.remove(token_id)
                self._place(token_id, now_ns, changed, avoid=shard)
                if token_id not in self.shards:
                    self._place(token_id, now_ns, changed)
                    if self.shards.home(token_id) == shard:
                        anew.append(token_id)
        return anew

    def _reopen_stalled(self, now_ns: int) -> None:
        """Leave sockets that bring nothing at all although CLOB shows that there was something to bring."""
        for shard, token_ids in self.board.contradicted().items():
            if self.board.silent_for_ns(shard, now_ns) > SILENT_NS and shard in self._sockets:
                log.warning("a market socket has stalled", shard=shard, books=len(token_ids))
                self._actor.send(self._sockets[shard], Reopen(reason="it has stalled: CLOB shows changes"))

    def _carry(self, shard: str, anew: Collection[TokenId]) -> None:
        token_ids = self.shards.of(shard)
        socket = self._sockets.get(shard)
        if not token_ids:
            if socket is not None:
                del self._sockets[shard]
                self.board.down(shard)
                self._actor.stop_child(socket)
            return
        if socket is None:
            socket = self._sockets[shard] = self._actor.spawn(
                MarketChannel,
                shard,
                ChannelArgs(shard, self._actor.myAddress, self._url, self._settings, self._connector),
            )
        self._actor.send(socket, Carry(token_ids=token_ids, anew=tuple(anew)))

    def _measure(self) -> None:
        trusted = self.board.trusted
        metrics.LIVE_BOOKS.labels("trusted").set(trusted)
        metrics.LIVE_BOOKS.labels("waiting").set(len(self.board) - trusted)
