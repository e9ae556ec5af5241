"""A leader among probes that stand for everybody around it."""

from __future__ import annotations

from examples import NOON_NS, NS, WALLET

from actors.leader.actor import Leader
from actors.leader.args import LeaderArgs
from messages.directory import Directory
from messages.store import LeaderLoaded, LoadLeader
from messages.trades import LeaderTrade

WINDOW_S = 3_600


class House:
    """A leader among probes."""

    def __init__(self, sim, **changes):
        self.sim = sim
        self.store, self.portfolios, self.leaders = (
            sim.probe(name) for name in ("store", "portfolios", "leaders")
        )
        directory = Directory(
            store=self.store.address, portfolios=self.portfolios.address, leaders=self.leaders.address
        )
        self.args = LeaderArgs(
            wallet=WALLET,
            directory=directory,
            identity_window_s=WINDOW_S,
            followed_at_ns=NOON_NS - 60 * NS,
            cursor_s=NOON_NS // NS - 60,
            backfill_s=30,
            **changes,
        )
        self.leader = sim.spawn(Leader, "leader", self.args)

    def loads(self, *trades, **changes):
        fields = {
            "wallet": WALLET,
            "followed_at_ns": NOON_NS - 60 * NS,
            "cursor_s": NOON_NS // NS - 60,
            "positions": (),
            "trades": trades,
        } | changes
        self.store.answers(LoadLeader, lambda _: LeaderLoaded(**fields))

    def tell(self, *messages):
        for message in messages:
            self.sim.tell(self.leader, message)
        self.sim.run()

    def accepted(self):
        return self.portfolios.take_all(LeaderTrade)
