"""The leaders' supervisor: one actor per watched wallet, and the announcement of who is ready to ingest."""

from __future__ import annotations

from dataclasses import dataclass

from thespian.actors import ActorAddress

from actors.leader.actor import Leader, LeaderArgs
from messages.base import Message
from messages.directory import Directory
from messages.ids import Wallet
from messages.ingest import LeaderReady, LeadersWatched
from supervisor import Mailbox, Overflow, SupervisedActor, Supervision, handles

REPEAT_S = 5.0
"""How often the announcement is repeated: ingest may have been restarted and know nobody."""
ANNOUNCE_S = 0.05
"""Leaders that get ready within this time are announced together."""


@dataclass(frozen=True, slots=True)
class LeadersArgs:
    """The wallets to follow, and from when on one is followed that was never seen before."""

    wallets: tuple[Wallet, ...]
    directory: Directory
    identity_window_s: int
    cursor_s: int
    backfill_s: int = 0
    settle_s: float = 6.0


class _Announce(Message, frozen=True):
    pass


class Leaders(SupervisedActor):
    """Starts a leader per wallet; tells ingest of each once it has its state."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)
    supervision = Supervision(restarts_max=10, period_s=60, per_child=True)

    args: LeadersArgs

    def started(self) -> None:
        self.ready_at: dict[Wallet, int] = {}
        self.timer("repeat", REPEAT_S, _Announce(), every=True)
        now_ns = self.clock.now_ns()
        for wallet in self.args.wallets:
            self.spawn(
                Leader,
                wallet,
                LeaderArgs(
                    wallet=wallet,
                    directory=self.args.directory,
                    identity_window_s=self.args.identity_window_s,
                    followed_at_ns=now_ns // 1_000_000_000 * 1_000_000_000,
                    cursor_s=self.args.cursor_s,
                    backfill_s=self.args.backfill_s,
                    settle_s=self.args.settle_s,
                ),
            )

    def snapshot(self) -> dict[str, object]:
        return {"wallets": len(self.args.wallets), "ready": len(self.ready_at)}

    @handles(LeaderReady)
    def on_ready(self, message: LeaderReady, sender: ActorAddress) -> None:
        self.ready_at[message.wallet] = message.cursor_s
        self.timer("announce", ANNOUNCE_S, _Announce())

    @handles(_Announce)
    def on_announce(self, message: _Announce, sender: ActorAddress) -> None:
        addresses = {wallet: self.child(wallet) for wallet in self.ready_at}
        self.send(
            self.args.directory.ingest,
            LeadersWatched(addresses=addresses, polled_from_s=dict(self.ready_at)),
        )
