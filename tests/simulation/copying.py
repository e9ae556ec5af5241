"""The suite `copy`: from leaders' fills to settled positions under faults, and what must hold after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from store_memory import Books
from world import NS, SHARE, START_S, HouseArgs, Root, World

from actors.portfolio.account import Account
from config.settings import Caps
from messages.decisions import Intent, Skip
from messages.directory import Directory
from messages.markets import MarketResolved
from messages.orders import Fill, OrderState
from messages.portfolio import PortfolioQuery, PortfolioState
from messages.store import (
    DecisionOutcome,
    DecisionStored,
    LoadPaperAccount,
    OrderStored,
    StoreDecision,
    StorePaperOrder,
)
from messages.trades import Side
from supervisor.simulation import FaultPlan, Profile, Simulation

BUSY_S, QUIET_S = 120, 400
HOUSE = (
    "house/prices",
    "house/ingest",
    *(
        f"house/{name}{below}"
        for name in ("leaders", "portfolios", "markets", "executor")
        for below in ("", "/*")
    ),
)
PROFILE = Profile(
    span_s=BUSY_S,
    actors=("store", *HOUSE),
    # A leader's trade must be in the store's mailbox before anybody can decide on it; in one process it is.
    routes=tuple(("**", target) for target in HOUSE),
    crashes_max=80,
    delays_max=20,
    reorders_max=20,
    pauses_max=5,
    steps_max=3,
    steps_from_s=10,
)
"""What may go wrong; nothing is lost or doubled on its way, for all of it carries money or leads to it."""
SHARES_DUST = 100


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to, for who looks on."""

    seed: int
    trades: int
    intents: int
    skips: Counter[str]
    orders: Counter[str]
    fills: int
    faults: Counter[str]
    messages: int
    digest: str

    def __str__(self) -> str:
        counts = (
            self.trades,
            self.intents,
            self.skips.total(),
            self.fills,
            self.faults.total(),
            self.messages,
        )
        names = ("trades", "intents", "skips", "fills", "faults", "messages")
        named = (f"{count} {name}" for count, name in zip(counts, names, strict=True))
        return ", ".join([*named, f"digest {self.digest}"])


def run(
    seed: int,
    plan: FaultPlan | None = None,
    deep: bool = False,
    *,
    tape: list[tuple[Any, Any]] | None = None,
) -> Result:
    """Run one world to its end and check every invariant. Raises `AssertionError`.

    Without a plan it is the one drawn from the seed. A deep run's digest covers what messages say. `tape` is
    given every message that the store applied, with its answer.
    """
    plan = planned(seed) if plan is None else plan
    with Simulation(seed, start_ns=START_S * NS, faults=plan, deep=deep) as sim:
        return live(sim, World(seed), BUSY_S, resolutions_s=(BUSY_S / 2, BUSY_S * 3 / 4), tape=tape)


def live(
    sim: Simulation,
    world: World,
    busy_s: float,
    *,
    resolutions_s: Iterable[float],
    tape: list[tuple[Any, Any]] | None = None,
) -> Result:
    """Let a world trade for a while under the faults of the simulation, come to rest, and be checked.

    At each of the given times one market pays out and, in worlds that have more to come, another opens.
    """
    world.fills[:0] = history(world)
    chance, directory = Random(f"resolutions:{world.seed}"), Directory()
    watcher = Watcher(world, tape)
    sim.spawn(Root, "root", HouseArgs(world=world, directory=directory, check=watcher.see))
    for at_s in resolutions_s:
        sim.advance(at_s - sim.loop.time())
        resolve(sim, world, directory, chance)
    sim.advance(busy_s - sim.loop.time())
    world.closed = True
    sim.heal()
    sim.advance(QUIET_S)
    states = [sim.ask(directory.portfolios, PortfolioQuery(portfolio_id=name)) for name in world.portfolios]
    if watcher.violation is not None:
        raise watcher.violation
    verify(world, states)
    return result_of(sim, world)


def result_of(sim: Simulation, world: World) -> Result:
    faults = Counter[str]()
    for fired in sim.fired:
        faults[fired.fault.verb] += fired.times
    decisions = world.books.decisions.values()
    return Result(
        seed=world.seed,
        trades=len(world.books.trades),
        intents=sum(isinstance(each, Intent) for each in decisions),
        skips=Counter(each.reason for each in decisions if isinstance(each, Skip)),
        orders=Counter(order.state for order in world.books.orders.values()),
        fills=len(world.books.fills),
        faults=faults,
        messages=sim.handled,
        digest=sim.digest,
    )


def history(world: World) -> list[Any]:
    """Return fills from just before the leaders are followed: seen by the first poll, never to be copied."""
    later = list(world.fills)
    made = [fill for _ in range(5) for fill in world.trade(START_S - 20)]
    world.fills[:] = later
    return made


def planned(seed: int) -> FaultPlan:
    """Return what goes wrong in the run of a seed."""
    return FaultPlan.drawn(seed, PROFILE)


def resolve(sim: Simulation, world: World, directory: Directory, chance: Random) -> None:
    """Let one market pay out."""
    condition = chance.choice([each for each in world.markets if each not in world.resolved])
    world.renew(condition)
    world.resolved[condition] = chance.choice([(SHARE, 0), (0, SHARE), (SHARE // 2, SHARE // 2)])
    told = MarketResolved(
        condition_id=condition, token_ids=world.tokens(condition), payouts=world.resolved[condition]
    )
    sim.tell(directory.prices, told)


# -- what holds at every instant -----------------------------------------------------------------------


class Watcher:
    """Looks at each message that the store has applied; keeps the first violation."""

    def __init__(self, world: World, tape: list[tuple[Any, Any]] | None = None) -> None:
        self.violation: AssertionError | None = None
        self._books = world.books
        self._caps = world.caps
        self._tape = tape
        self._accounts: dict[str, Account] = {}

    def see(self, write: Any, answer: Any) -> None:
        if self._tape is not None:
            self._tape.append((write, answer))
        try:
            self._check(write, answer)
        except AssertionError as error:
            self.violation = self.violation or error

    def _check(self, write: Any, answer: Any) -> None:
        if isinstance(answer, OrderStored):
            for fill in answer.fills:
                self._account(fill.portfolio_id).apply(fill)
        if isinstance(write, StorePaperOrder):
            assert write.paper.order.order_id in self._books.orders, (
                "I2: executed before its intent was durable"
            )
        if isinstance(write, StoreDecision) and isinstance(write.decision, Intent):
            assert isinstance(answer, DecisionStored)
            if answer.outcome is DecisionOutcome.STORED:
                portfolio = write.decision.portfolio_id
                check_caps(self._books, self._caps, portfolio, self._account(portfolio))

    def _account(self, portfolio: str) -> Account:
        account = self._accounts.get(portfolio)
        if account is None:
            account = self._accounts[portfolio] = Account(self._books.portfolios[portfolio].starting_cash)
        return account


def check_caps(books: Books, caps: Caps, portfolio: str, account: Account) -> None:
    """I4: what is at stake by the durable books alone is within every cap."""
    stakes = [
        (each.condition_id, each.event_slug, each.token_id, each.cost) for each in account.open_positions()
    ]
    for order in books.open_orders():
        intent = order.intent
        if intent.portfolio_id == portfolio and intent.side is Side.BUY:
            rest = intent.reserved * (intent.size - order.filled) // intent.size
            stakes.append((intent.condition_id, intent.event_slug, intent.token_id, rest))
            assert intent.reserved <= caps.per_trade, "I4: over the cap per trade"
    for place, cap in ((0, caps.per_market), (1, caps.per_event)):
        sums: Counter[str] = Counter()
        for stake in stakes:
            sums[str(stake[place])] += int(stake[3])
        assert max(sums.values(), default=0) <= cap, f"I4: {sums} over {cap}"
    assert sum(int(stake[3]) for stake in stakes) <= caps.per_portfolio, "I4: over the cap of the portfolio"
    assert len({stake[2] for stake in stakes}) <= caps.positions_max, "I4: too many positions"
    reserved = sum(int(stake[3]) for stake in stakes) - sum(each.cost for each in account.open_positions())
    assert account.cash - reserved >= 0, "I4: more put aside than there is cash"


# -- what holds in the end -----------------------------------------------------------------------------


def verify(world: World, states: list[PortfolioState]) -> None:
    """Check the books of a world that has come to rest against the truth and against each other."""
    books = world.books
    every_fill_is_accepted_once(world)
    every_trade_is_decided_once(world)
    for decision in books.decisions.values():
        if isinstance(decision, Intent):
            assert not books.trades[decision.trade_id].backfill, "I9: history was copied"
    for order in books.orders.values():
        assert order.state.terminal, f"I10: {order.intent.order_id} is still {order.state}"
        assert order.state is not OrderState.LOST, "a venue that forgets nothing lost an order"
    for state in states:
        books_agree(books, state)
    assert books.mismatches == []


def every_fill_is_accepted_once(world: World) -> None:
    """D8: what is accepted of each order is what was traded, to the rounding."""
    truth: Counter[tuple[str, str, str]] = Counter()
    for fill in world.fills:
        truth[fill.group] += fill.size
    accepted: Counter[tuple[str, str, str]] = Counter()
    for trade in world.books.trades.values():
        accepted[trade.tx, trade.token_id, trade.side] += trade.size
    assert truth.keys() == accepted.keys(), "I5: orders lost or invented"
    for group, size in truth.items():
        assert abs(size - accepted[group]) <= SHARES_DUST, f"I5: {accepted[group]} accepted of {size}"


def every_trade_is_decided_once(world: World) -> None:
    """I1 and I5: one decision per portfolio and trade, one order per intent, one execution per order."""
    books = world.books
    for trade in books.trades:
        for portfolio in world.portfolios:
            assert (portfolio, trade) in books.decisions, f"I5: {portfolio} never decided on {trade}"
    intents = [each for each in books.decisions.values() if isinstance(each, Intent)]
    assert {each.order_id for each in intents} == books.orders.keys(), "I1: orders without intent"
    assert books.paper_orders.keys() <= books.orders.keys(), "I2: executions without order"


def books_agree(books: Books, state: PortfolioState) -> None:
    """I3 and I7: actor, fold, snapshot and the venue's own account are one."""
    name = state.portfolio_id
    account = folded(books, name)
    held = {each.token_id: each.shares for each in account.open_positions()}
    cost = sum(each.cost for each in account.positions.values())
    assert account.cash + cost - account.realised == account.starting_cash, "I3: not conserved"
    assert (state.in_flight, state.reserved) == (0, 0), f"{name} still has something under way: {state}"
    assert (state.cash, state.realised) == (account.cash, account.realised), (
        f"I3: {name} differs from its fold"
    )
    assert {each.token_id: each.shares for each in state.holdings} == held, (
        f"I3: {name} differs from its fold"
    )
    snapshot = books.portfolios[name]
    assert (snapshot.cash, snapshot.fill_seq) == (account.cash, account.fill_seq), "I3: snapshot behind"
    rows = {token: row.shares for token, (row, _) in snapshot.positions.items() if row.shares}
    assert rows == held, "I3: the snapshot's positions are not the fold's"
    venue = books.load_paper_account(LoadPaperAccount(portfolio_id=name))
    assert {each.token_id: each.shares for each in venue.holdings} == held, (
        "I3: the venue holds something else"
    )
    assert venue.cash == account.cash, "I3: the venue has another cash"


def folded(books: Books, portfolio: str) -> Account:
    """Return the fold of the durable fills; it raises where shares would go below zero (I7)."""
    account = Account(books.portfolios[portfolio].starting_cash)
    for fill in fills_of(books, portfolio):
        account.apply(fill)
    return account


def fills_of(books: Books, portfolio: str) -> list[Fill]:
    return [fill for fill in books.fills.values() if fill.portfolio_id == portfolio]
