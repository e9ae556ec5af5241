"""The leaders' supervisor: one actor per watched wallet, and the announcement of who is ready to ingest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog
from thespian.actors import ActorAddress

from actors.leader.actor import Leader
from actors.leader.args import LeaderArgs
from actors.leader.history import Historian, HistorianArgs
from messages.backfill import FoldPositions, HistoryAdded, HistoryPage, PositionsFolded
from messages.base import Message
from messages.directory import Directory
from messages.ids import Wallet
from messages.ingest import LeaderReady, LeadersWatched
from messages.operator import LeadersChanged, ModeChanged
from supervisor import Mailbox, Overflow, SupervisedActor, Supervision, handles

log = structlog.get_logger("leaders")

_NS_PER_S = 1_000_000_000
REPEAT_S = 5.0
"""How often the announcement is repeated: ingest may have been restarted and know nobody."""
ANNOUNCE_S = 0.05
"""Leaders that get ready within this time are announced together."""


@dataclass(slots=True)
class Followed:
    """Whom to follow at present. It is part of the arguments because they outlive a restart: nobody says it
    a second time."""

    wallets: tuple[Wallet, ...] | None = None
    uncopied: frozenset[Wallet] = frozenset()
    mode: ModeChanged | None = None


@dataclass(frozen=True, slots=True)
class LeadersArgs:
    """The wallets to follow at first, and from when on one is followed that was never seen before."""

    wallets: tuple[Wallet, ...]
    directory: Directory
    identity_window_s: int
    backfill_s: int = 0
    settle_s: float = 6.0
    chain_wait_s: float = 0.0
    followed: Followed = field(default_factory=Followed)


class _Announce(Message, frozen=True):
    pass


class Leaders(SupervisedActor):
    """Starts a leader per wallet; tells ingest of each once it has its state.

    One that is not to be followed any more handles what it was sent, and ingest has heard of it by then.
    """

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)
    supervision = Supervision(restarts_max=10, period_s=60, per_child=True)

    args: LeadersArgs

    def started(self) -> None:
        self.loaded: dict[Wallet, LeaderReady] = {}
        self.timer("repeat", REPEAT_S, _Announce(), every=True)
        self.wallets: dict[Wallet, ActorAddress] = {}
        args = self.args
        self.historian = self.spawn(
            Historian,
            "history",
            HistorianArgs(
                directory=args.directory,
                identity_window_s=args.identity_window_s,
                backfill_s=args.backfill_s,
            ),
        )
        followed = self.args.followed.wallets
        self.began_ns = self._second_ns()
        self._follow(self.args.wallets if followed is None else followed, self.began_ns)

    def _second_ns(self) -> int:
        return self.clock.now_ns() // _NS_PER_S * _NS_PER_S

    def _follow(self, wallets: Iterable[Wallet], since_ns: int) -> None:
        for wallet in wallets:
            if wallet in self.wallets:
                continue
            self.wallets[wallet] = self.spawn(
                Leader,
                wallet,
                LeaderArgs(
                    wallet=wallet,
                    directory=self.args.directory,
                    identity_window_s=self.args.identity_window_s,
                    followed_at_ns=since_ns,
                    cursor_s=since_ns // _NS_PER_S - self.args.backfill_s,
                    backfill_s=self.args.backfill_s,
                    settle_s=self.args.settle_s,
                    chain_wait_s=self.args.chain_wait_s,
                ),
            )
            if self.args.followed.mode is not None:
                self.send(self.wallets[wallet], self.args.followed.mode)

    def snapshot(self) -> dict[str, object]:
        return {"wallets": len(self.wallets), "ready": len(self.loaded)}

    @handles(LeadersChanged)
    def on_changed(self, message: LeadersChanged, sender: ActorAddress) -> None:
        followed = self.args.followed
        # The first word may come late, for the store has it: who is followed then is followed from the start.
        is_first = followed.wallets is None and not self.args.wallets
        since_ns = self.began_ns if is_first else self._second_ns()
        is_new = followed.uncopied != message.uncopied
        followed.wallets, followed.uncopied = message.wallets, message.uncopied
        gone = self.wallets.keys() - set(message.wallets)
        for wallet in gone:
            self.loaded.pop(wallet, None)
        if gone or is_new:
            # Before they stop, so that ingest sends them nothing they would not handle.
            self._announce()
        for wallet in sorted(gone):
            self.stop_child(self.wallets.pop(wallet))
        self._follow(message.wallets, since_ns)

    @handles(ModeChanged)
    def on_mode(self, message: ModeChanged, sender: ActorAddress) -> None:
        before, self.args.followed.mode = self.args.followed.mode, message
        if before is not None and before.trigger == message.trigger:
            return
        for address in self.wallets.values():
            self.send(address, message)

    @handles(HistoryPage)
    def on_history_page(self, message: HistoryPage, sender: ActorAddress) -> None:
        self.forward(self.historian, message, sender)

    @handles(HistoryAdded)
    def on_history(self, message: HistoryAdded, sender: ActorAddress) -> None:
        """A leader has its position in memory too; without one the store's is all there is."""
        leader = self.wallets.get(message.wallet)
        if leader is not None:
            self.send(leader, message)
        else:
            self.send(self.args.directory.store, FoldPositions(wallet=message.wallet))

    @handles(PositionsFolded)
    def on_folded(self, message: PositionsFolded, sender: ActorAddress) -> None:
        log.info("positions worked out anew", wallet=message.wallet, outcomes=len(message.positions))

    @handles(LeaderReady)
    def on_ready(self, message: LeaderReady, sender: ActorAddress) -> None:
        if message.wallet not in self.wallets:
            return  # it was on its way when the following ended
        self.loaded[message.wallet] = message
        self.timer("announce", ANNOUNCE_S, _Announce())

    @handles(_Announce)
    def on_announce(self, message: _Announce, sender: ActorAddress) -> None:
        self._announce()

    def _announce(self) -> None:
        watched = LeadersWatched(
            addresses={wallet: self.wallets[wallet] for wallet in self.loaded},
            polled_from_s={wallet: ready.cursor_s for wallet, ready in self.loaded.items()},
            loads={wallet: ready.load for wallet, ready in self.loaded.items()},
            uncopied=self.args.followed.uncopied,
        )
        self.send(self.args.directory.ingest, watched)
