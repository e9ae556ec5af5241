"""The suite `detection`: a scripted history, offered by every source of a mode at once, each in its bad way.

The leaders are the daemon's own; the script knows what truly happened, and nothing of how they work. What
they accept must be the script: each trade once, in the store and at the portfolios.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import offers
import script
import views
from offers import Offers
from script import Group, Script
from store_memory import Books, MemoryStore
from views import Row
from world import NS, RESTLESS, START_S

from actors.leader.supervisor import Leaders, LeadersArgs
from messages.base import Message
from messages.directory import Directory
from messages.ids import Wallet
from messages.ingest import LeadersWatched
from messages.store import StoreTrade
from messages.trades import CursorReached, LeaderTrade, SourceKind, Swept
from supervisor import Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import FaultPlan, Profile, Simulation

READY_S: Final = 40
"""Long enough for the last delayed report, and for leaders to be back and to have said so."""
QUIET_S: Final = 90
"""Long enough for whatever waits for a source to have waited."""
SHARES_DUST: Final = 100
MOMENT_S: Final = 0.001
"""What is due within it is due now."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much history there is."""

    trades: int
    leaders: int
    span_s: int

    def profile(self) -> Profile:
        """Return what may go wrong with the leaders while it lasts."""
        return Profile(
            span_s=self.span_s,
            actors=("house/leaders/*", "house/leaders/*", "house/leaders/*", "house/leaders"),
            routes=(("house/ingest", "house/leaders/*"),),
            crashes_max=40,
            delays_max=20,
            reorders_max=20,
            pauses_max=5,
            steps_max=3,
            steps_from_s=3,
        )


SMALL: Final = Size(trades=250, leaders=8, span_s=60)
FULL: Final = Size(trades=10_000, leaders=500, span_s=600)


@dataclass(slots=True)
class World:
    """The script, what is offered of it, and what the store and the portfolios were told."""

    script: Script
    offers: Offers
    books: Books = field(default_factory=Books)
    offered: int = 0
    """How many of the early offers were made."""
    is_calm: bool = False
    received: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)

    def see(self, write: Any, answer: Any) -> None:
        """Look at what the store applied."""
        if isinstance(write, StoreTrade):
            self.stored[write.trade.trade_id] += 1
            assert min(write.trade.position_after, write.position) >= 0, "L1: a leader is short"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to, for who looks on."""

    seed: int
    mode: str
    transactions: int
    trades: int
    accepted: int
    corrections: int
    rows_checked: bool
    """Whether rows were held against rows, not only sums against sums."""
    offers: int
    faults: Counter[str]
    messages: int
    digest: str

    def __str__(self) -> str:
        counts = (
            *(self.transactions, self.trades, self.accepted, self.corrections),
            *(self.offers, self.faults.total()),
        )
        names = ("transactions", "scripted trades", "accepted", "corrections", "offers", "faults")
        named = (f"{count} {name}" for count, name in zip(counts, names, strict=True))
        return ", ".join([f"mode {self.mode}", *named, f"digest {self.digest}"])


def planned(seed: int, size: Size = SMALL) -> FaultPlan:
    """Return what goes wrong with the leaders in the run of a seed; what the sources do is in the offers."""
    return FaultPlan.drawn(seed, size.profile())


def run(seed: int, plan: FaultPlan | None = None, deep: bool = False, *, size: Size = SMALL) -> Result:
    """Offer one script to its end and hold what was accepted against it. Raises `AssertionError`."""
    plan = planned(seed, size) if plan is None else plan
    truth = script.write(seed, trades=size.trades, leaders=size.leaders, span_s=size.span_s)
    final_s = size.span_s + offers.POLL_S + READY_S
    world = World(truth, offers.draw(truth, seed, span_s=size.span_s, final_s=final_s))
    with Simulation(seed, start_ns=START_S * NS, faults=plan, deep=deep) as sim:
        sim.spawn(Root, "root", world)
        sim.advance(size.span_s + offers.POLL_S)
        sim.heal()
        sim.advance(READY_S)
        world.is_calm = True
        sim.advance(QUIET_S)
    faults = Counter[str]()
    for fired in sim.fired:
        faults[fired.fault.verb] += fired.times
    # Of a torn transaction nobody can tell a row that is missing from an order that is cut otherwise.
    is_whole = not (world.offers.torn or faults["crash"])
    verify(world, is_whole=is_whole)
    return Result(
        seed=seed,
        mode=world.offers.mode,
        transactions=len(truth.transactions),
        trades=truth.trades,
        accepted=len(world.books.trades),
        corrections=len(world.books.corrections),
        rows_checked=is_whole,
        offers=len(world.offers.early) + len(world.offers.final),
        faults=faults,
        messages=sim.handled,
        digest=sim.digest,
    )


# -- what holds in the end -----------------------------------------------------------------------------


def verify(world: World, *, is_whole: bool) -> None:
    """Hold the books against the script. `is_whole` is whether no transaction came torn to any leader."""
    accepted: defaultdict[Group, list[int]] = defaultdict(list)
    for trade in world.books.trades.values():
        stands = trade.size if trade.stands is None else trade.stands
        if stands:
            accepted[trade.wallet, trade.tx, trade.token_id, trade.side].append(stands)
    totals_are_true(world.script, accepted)
    if is_whole:
        equal_fills_are_all_there(world, accepted)
    everything_is_told_once(world)
    positions_are_true(world)


def totals_are_true(script: Script, accepted: dict[Group, list[int]]) -> None:
    """D8: what is accepted of each order is what was traded, to the rounding."""
    for group, size in script.totals.items():
        got = sum(accepted.get(group, ()))
        assert abs(size - got) <= SHARES_DUST, f"D8: {got} accepted of {size} in {group}"
    invented = accepted.keys() - script.totals.keys()
    assert not invented, f"D8: invented {sorted(invented)[:3]}"


def equal_fills_are_all_there(world: World, accepted: dict[Group, list[int]]) -> None:
    """D8: where all sources cut an order alike, its rows are the trades, twins and all."""
    for trade in world.script.transactions:
        manner = world.offers.manners[trade.hash]
        cuts = {
            SourceKind.CHAIN: _sizes(views.chain(trade)),
            SourceKind.STREAM: _sizes(views.stream(trade, manner)),
            SourceKind.API: _sizes(views.api(trade, manner)),
        }
        alike = [cuts[kind] for kind in offers.MODES[world.offers.mode]]
        for group, sizes in alike[0].items():
            if group[0] in world.script.leaders and all(cut[group] == sizes for cut in alike):
                got = sorted(accepted[group])
                assert got == sizes, f"D8: {got} accepted for fills of {sizes} in {group}"


def _sizes(rows: tuple[Row, ...]) -> dict[Group, list[int]]:
    sizes: defaultdict[Group, list[int]] = defaultdict(list)
    for row in rows:
        sizes[row.group].append(row.size)
    return {group: sorted(each) for group, each in sizes.items()}


def everything_is_told_once(world: World) -> None:
    """I5: each accepted trade went to the store once and to the portfolios once."""
    trades = world.books.trades
    assert len({trade.key for trade in trades.values()}) == len(trades), "D8: one identity for two trades"
    once = Counter(dict.fromkeys(trades, 1))
    assert world.stored == once, (
        f"stored otherwise than once: {_odd(world.stored - once, once - world.stored)}"
    )
    assert world.received == once, (
        f"told otherwise than once: {_odd(world.received - once, once - world.received)}"
    )


def _odd(more: Counter[str], less: Counter[str]) -> str:
    return f"too often {dict(more.most_common(3))}, too rarely {dict(less.most_common(3))}"


def positions_are_true(world: World) -> None:
    """L1: what the leaders hold is what the script says."""
    held = {key: shares for key, shares in world.script.positions.items() if shares}
    shown = {key: shares for key, shares in world.books.leader_positions.items() if shares}
    for key in held.keys() | shown.keys():
        apart = abs(held.get(key, 0) - shown.get(key, 0))
        assert apart <= 50 * SHARES_DUST, f"L1: {key} holds {held.get(key, 0)}, shown {shown.get(key, 0)}"


# -- who plays -----------------------------------------------------------------------------------------


class _Next(Message, frozen=True):
    pass


class Sources(SupervisedActor):
    """Ingest: hands each offer to its leader when it is due, if that one has said that it is ready."""

    mailbox = Mailbox(capacity=100_000, overflow=Overflow.HALT)

    args: World

    def started(self) -> None:
        self.addresses: dict[Wallet, Any] = {}
        self.loads: dict[Wallet, int] = {}
        self._wait()

    @handles(LeadersWatched)
    def on_watched(self, message: LeadersWatched, sender: Any) -> None:
        self.addresses, self.loads = dict(message.addresses), dict(message.loads)

    def _wait(self) -> None:
        world = self.args
        if world.offered < len(world.offers.early):
            due_s = world.offers.early[world.offered].at_s
            self.timer("next", max(MOMENT_S, due_s - self.clock.monotonic_ns() / NS), _Next())
        else:
            self.timer("next", 1.0, _Next())

    @handles(_Next)
    def on_next(self, message: _Next, sender: Any) -> None:
        world, early = self.args, self.args.offers.early
        now_s = self.clock.monotonic_ns() / NS + MOMENT_S
        while world.offered < len(early) and early[world.offered].at_s <= now_s:
            self._hand_over(early[world.offered])
            world.offered += 1
        if world.is_calm and world.offered == len(early):
            for offer in world.offers.final:
                self._hand_over(offer)
            return
        self._wait()

    def _hand_over(self, offer: offers.Offer) -> None:
        message = offer.message
        if isinstance(message, Swept | CursorReached):
            message = msgspec.structs.replace(message, load=self.loads.get(message.wallet, 0))
        to = self.addresses.values() if offer.wallet is None else (self.addresses.get(offer.wallet),)
        for address in to:
            if address is not None:
                self.send(address, message)


class Portfolios(SupervisedActor):
    """Counts what it is told."""

    mailbox = Mailbox(capacity=1_000_000, overflow=Overflow.HALT)

    args: World

    @handles(LeaderTrade)
    def on_trade(self, trade: LeaderTrade, sender: Any) -> None:
        self.args.received[trade.trade_id] += 1


class House(SupervisedActor):
    """The leaders between their sources and those whom they tell."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.DROP_NEWEST)
    supervision = RESTLESS

    args: tuple[World, Directory]

    def started(self) -> None:
        world, directory = self.args
        directory.portfolios = self.spawn(Portfolios, "portfolios", world)
        directory.ingest = self.spawn(Sources, "ingest", world)
        args = LeadersArgs(
            wallets=world.script.leaders,
            directory=directory,
            identity_window_s=172_800,
            chain_wait_s=3.0 if world.offers.mode == "both" else 0.0,
        )
        directory.leaders = self.spawn(Leaders, "leaders", args)


class Root(SupervisedActor):
    """The store first, the house behind it."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.DROP_NEWEST)
    supervision = RESTLESS

    args: World

    def started(self) -> None:
        directory = Directory(store=self.spawn(MemoryStore, "store", (self.args.books, self.args.see)))
        self.spawn(House, "house", (self.args, directory))
