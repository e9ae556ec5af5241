"""The suite `copy`: from leaders' fills to settled positions under faults, and what must hold after it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

from store_memory import Books
from world import CAPS, NS, SHARE, START_S, HouseArgs, Root, World

from actors.portfolio.account import Account
from messages.decisions import Intent, Skip
from messages.directory import Directory
from messages.markets import MarketResolved
from messages.orders import Fill, OrderState
from messages.portfolio import PortfolioQuery, PortfolioState
from messages.store import DecisionOutcome, DecisionStored, LoadPaperAccount, StoreDecision, StorePaperOrder
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
    digest: str

    def __str__(self) -> str:
        counts = (self.trades, self.intents, self.skips.total(), self.fills, self.faults.total())
        named = zip(("trades", "intents", "skips", "fills", "faults"), counts, strict=True)
        return ", ".join([*(f"{count} {name}" for name, count in named), f"digest {self.digest}"])


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
    world = World(seed)
    world.fills.extend(history(world))
    chance = Random(f"resolutions:{seed}")
    directory = Directory()
    violations: list[AssertionError] = []

    def check(write: Any, answer: Any) -> None:
        if tape is not None:
            tape.append((write, answer))
        try:
            watch(world.books, write, answer)
        except AssertionError as error:
            violations.append(error)

    plan = planned(seed) if plan is None else plan
    with Simulation(seed, start_ns=START_S * NS, faults=plan, deep=deep) as sim:
        sim.spawn(Root, "root", HouseArgs(world=world, directory=directory, check=check))
        for half in range(2):
            sim.advance(BUSY_S / 2 if half == 0 else BUSY_S / 4)
            resolve(sim, world, directory, chance)
        sim.advance(BUSY_S / 4)
        world.closed = True
        sim.heal()
        sim.advance(QUIET_S)
        states = [
            sim.ask(directory.portfolios, PortfolioQuery(portfolio_id=name)) for name in world.portfolios
        ]
        faults, digest = Counter[str](), sim.digest
        for fired in sim.fired:
            faults[fired.fault.verb] += fired.times
    if violations:
        raise violations[0]
    verify(world, states)
    decisions = world.books.decisions.values()
    return Result(
        seed=seed,
        trades=len(world.books.trades),
        intents=sum(isinstance(each, Intent) for each in decisions),
        skips=Counter(each.reason for each in decisions if isinstance(each, Skip)),
        orders=Counter(order.state for order in world.books.orders.values()),
        fills=len(world.books.fills),
        faults=faults,
        digest=digest,
    )


def history(world: World) -> list[Any]:
    """Return fills from just before the leaders are followed: seen by the first poll, never to be copied."""
    made = [fill for _ in range(5) for fill in world.trade(START_S - 20)]
    world.fills.clear()
    return made


def planned(seed: int) -> FaultPlan:
    """Return what goes wrong in the run of a seed."""
    return FaultPlan.drawn(seed, PROFILE)


def resolve(sim: Simulation, world: World, directory: Directory, chance: Random) -> None:
    """Let one market pay out."""
    condition = chance.choice([each for each in world.markets if each not in world.resolved])
    world.resolved[condition] = chance.choice([(SHARE, 0), (0, SHARE), (SHARE // 2, SHARE // 2)])
    told = MarketResolved(
        condition_id=condition, token_ids=world.tokens(condition), payouts=world.resolved[condition]
    )
    sim.tell(directory.prices, told)


# -- what holds at every instant -----------------------------------------------------------------------


def watch(books: Books, write: Any, answer: Any) -> None:
    """Look at each message the store has applied."""
    if isinstance(write, StorePaperOrder):
        assert write.paper.order.order_id in books.orders, "I2: executed before its intent was durable"
    if isinstance(write, StoreDecision) and isinstance(write.decision, Intent):
        assert isinstance(answer, DecisionStored)
        if answer.outcome is DecisionOutcome.STORED:
            check_caps(books, write.decision.portfolio_id)


def check_caps(books: Books, portfolio: str) -> None:
    """I4: what is at stake by the durable books alone is within every cap."""
    account = folded(books, portfolio)
    stakes = [
        (each.condition_id, each.event_slug, each.token_id, each.cost) for each in account.open_positions()
    ]
    for order in books.open_orders():
        intent = order.intent
        if intent.portfolio_id == portfolio and intent.side is Side.BUY:
            rest = intent.reserved * (intent.size - order.filled) // intent.size
            stakes.append((intent.condition_id, intent.event_slug, intent.token_id, rest))
            assert intent.reserved <= CAPS.per_trade, "I4: over the cap per trade"
    for place, cap in ((0, CAPS.per_market), (1, CAPS.per_event)):
        sums: Counter[str] = Counter()
        for stake in stakes:
            sums[str(stake[place])] += int(stake[3])
        assert max(sums.values(), default=0) <= cap, f"I4: {sums} over {cap}"
    assert sum(int(stake[3]) for stake in stakes) <= CAPS.per_portfolio, "I4: over the cap of the portfolio"
    assert len({stake[2] for stake in stakes}) <= CAPS.positions_max, "I4: too many positions"
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
