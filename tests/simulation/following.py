"""The suite `chain`: the chain's actor on a chain in memory, over a network in memory that fails.

Blocks are replaced now and then, transactions mined again soon, late or never, nodes repeat themselves and
mix up the order of what they say. What leaders are told in the end is what stands: all of it on a network
that works, and on one that does not, nothing that does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from memory_chain import Fill, MemoryChain, MemoryNode, Row, Transaction
from outcomes import NO, YES, market

from actors.ingest.chain.actor import Chain, ChainArgs
from config.settings import Ingest
from messages.ingest import FeedUp, LeadersWatched
from messages.markets import TokenAnswer, TokenQuery
from messages.store import StoreAvailability
from messages.trades import FillReported, FillsRetracted
from supervisor.simulation import Fault, FaultPlan, Simulation
from supervisor.simulation.network import Cut, NetworkFault, Refuse, Reset

START_NS = 1_790_000_000 * 10**9
BLOCK_S = 2
BLOCKS = 120
SETTLE_S = 9.0
WALLETS = tuple(f"0x{number:040x}" for number in range(1, 41))
LEADERS = WALLETS[:25]


class World:
    """A chain that grows and changes its mind, two nodes, and the actor that follows them."""

    def __init__(self, sim: Simulation, seed: int, fickleness: float) -> None:
        self.sim = sim
        self.fickleness = fickleness
        self.random = Random(f"chain:{seed}")
        self.chain = MemoryChain()
        self.lost: list[Transaction] = []
        self.history: list[tuple[int, set[str]]] = []
        self.made = 0
        self.leader, self.ingest, self.prices = (sim.probe(name) for name in ("leader", "ingest", "prices"))
        self.prices.answers(TokenQuery, lambda query: TokenAnswer(token_id=query.token_id, market=market()))
        self.grow()
        for host in ("node-a", "node-b"):
            with sim.network.running_on(host):
                sim.await_(MemoryNode(self.chain, self.random).serve(host))
        settings = Ingest(
            polygon_reorg_settle_s=SETTLE_S,
            polygon_wallets_per_filter=self.random.choice((1, 7, 500)),
            polygon_drift_watch=self.random.random() < 0.5,
            polygon_requests_per_s=1000.0,
        )
        args = ChainArgs(
            ingest=self.ingest.address,
            prices=self.prices.address,
            urls=("ws://node-a/", "ws://node-b/"),
            settings=settings,
        )
        self.actor = sim.spawn(Chain, "chain", args)
        sim.tell(self.actor, StoreAvailability(available=True))
        self.watch(LEADERS)
        sim.advance(5)
        assert self.ingest.take(FeedUp)

    def watch(self, wallets: tuple[str, ...]) -> None:
        addresses = dict.fromkeys(wallets, self.leader.address)
        self.sim.tell(self.actor, LeadersWatched(addresses=addresses, polled_from_s={}))

    def grow(self) -> None:
        """Add a block, now and then in place of some before it; what lost its block may come again."""
        chance = self.random
        fates = [chance.choice(("now", "now", "later", "never")) for _ in self.lost]
        again = [one for one, fate in zip(self.lost, fates, strict=True) if fate == "now"]
        self.lost = [one for one, fate in zip(self.lost, fates, strict=True) if fate == "later"]
        transactions = again + [self.transaction() for _ in range(chance.choice((0, 1, 1, 3)))]
        depth = chance.choice((1, 1, 2, 3)) if chance.random() < self.fickleness else 0
        made_s = self.sim.clock.now_ns() // 10**9
        self.lost += self.chain.grow(made_s, transactions, depth)
        self.history.append((self.sim.clock.now_ns(), set(self.chain.standing())))

    def transaction(self) -> Transaction:
        """Draw a match: one order takes, others rest, and some of those look the same."""
        chance = self.random
        taker = chance.choice(WALLETS)
        resting = [self.fill(chance.choice(WALLETS), taker) for _ in range(chance.choice((1, 1, 2, 4)))]
        if chance.random() < 0.3:
            resting.append(chance.choice(resting))
        self.made += 1
        taking = self.fill(taker, "0xe111180000d2663c0091e4f400237545b87b996b")
        return Transaction(f"0x{self.made:064x}", (*resting, taking))

    def fill(self, owner: str, taker: str) -> Fill:
        chance = self.random
        shares = chance.choice((1, 2, 5)) * 1_000_000
        return Fill(owner, taker, chance.randrange(2), chance.choice((YES, NO)), shares, shares // 2)

    def standing(self) -> dict[str, list[Row]]:
        """Return what the leaders were left with by all that they were told, by transaction."""
        told: dict[tuple[str, str], set[Row]] = {}
        for one in self.leader.messages:
            if isinstance(one, FillsRetracted):
                told.pop((one.wallet, one.tx), None)
            elif isinstance(one, FillReported):
                row = (one.wallet, one.token_id, one.side.value, one.size, one.usdc, one.occurrence)
                told.setdefault((one.wallet, one.tx), set()).add(row)
        by_transaction: dict[str, list[Row]] = {}
        for (_, tx), rows in told.items():
            by_transaction.setdefault(tx, []).extend(rows)
        return {tx: sorted(rows) for tx, rows in by_transaction.items()}

    @property
    def wrongly_retracted(self) -> list[FillsRetracted]:
        """Retractions of what stood at that moment, and already a block before."""
        return [
            one
            for one in self.leader.messages
            if isinstance(one, FillsRetracted)
            and all(one.tx in stood for at_ns, stood in self.history_until(one.seen_at_ns)[-2:])
        ]

    def history_until(self, at_ns: int) -> list[tuple[int, set[str]]]:
        """Return what stood, block after block."""
        return [entry for entry in self.history if entry[0] <= at_ns]

    def truth(self) -> dict[str, list[Row]]:
        """Return what the leaders truly did since they were watched."""
        truth = {
            tx: sorted(row for row in rows if row[0] in LEADERS) for tx, rows in self.chain.standing().items()
        }
        return {tx: rows for tx, rows in truth.items() if rows and tx in self.shown}

    @property
    def shown(self) -> set[str]:
        """Transactions that were in no block yet when the following began."""
        return {f"0x{number:064x}" for number in range(self.before + 1, self.made + 1)}

    def run(self) -> None:
        """Let the chain grow, leaders come and go at its side, and everything settle."""
        self.before = self.made
        for number in range(BLOCKS):
            self.grow()
            if number % 10 == 5:
                extra = tuple(self.random.sample(WALLETS[25:], self.random.randrange(8)))
                self.watch(LEADERS + extra)
            self.sim.advance(BLOCK_S)
        self.sim.advance(3 * SETTLE_S)


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to, for who looks on."""

    seed: int
    transactions: int
    told: int
    retracted: int
    faults: tuple[Fault, ...]
    digest: str
    bytes_digest: str

    def __str__(self) -> str:
        return (
            f"{self.transactions} transactions, {self.told} told, {self.retracted} retracted, "
            f"{len(self.faults)} faults, digest {self.bytes_digest}"
        )


def run(seed: int, plan: FaultPlan | None = None, deep: bool = False) -> Result:
    """Run one world to its end. Raises `AssertionError` where leaders were told what is not so.

    Without a plan it is the one drawn from the seed. A deep run's digest covers what messages say.
    """
    plan = planned(seed) if plan is None else plan
    with Simulation(seed, start_ns=START_NS, faults=plan, deep=deep) as sim:
        world = World(sim, seed, fickleness=0.4 if plan else 0.15)
        world.run()
        digest, bytes_digest = sim.digest, sim.network.digest
        faults = tuple(each.fault for each in sim.fired)
    truth, told = world.truth(), of_leaders(world)
    for tx, rows in told.items():
        assert set(rows) <= set(truth.get(tx, ())), f"told of {tx}: {rows}, and true is {truth.get(tx)}"
    assert world.wrongly_retracted == []
    if not faults:
        assert told == truth
    retracted = sum(isinstance(one, FillsRetracted) for one in world.leader.messages)
    return Result(
        seed=seed,
        transactions=len(truth),
        told=len(told),
        retracted=retracted,
        faults=faults,
        digest=digest,
        bytes_digest=bytes_digest,
    )


def planned(seed: int) -> FaultPlan:
    """Return what goes wrong between us and the nodes in the run of a seed; in every fourth nothing does."""
    return FaultPlan(tuple(draw(Random(f"nodes:{seed}")) if seed % 4 else ()))


def draw(chance: Random) -> Iterator[NetworkFault]:
    """Draw moments at which no node can be had for a while."""
    for _ in range(8):
        at_s = chance.uniform(10, BLOCKS * BLOCK_S - 60)
        for_s = chance.choice((3.0, 10.0, 20.0))
        yield Refuse(server="*", at_s=at_s, for_s=for_s)
        yield chance.choice((Reset(server="*", at_s=at_s), Cut(server="*", at_s=at_s, for_s=for_s)))


def of_leaders(world: World) -> dict[str, list[Row]]:
    """Return what leaders were told that happened since they were watched, by transaction."""
    found = {
        tx: [row for row in rows if row[0] in LEADERS]
        for tx, rows in world.standing().items()
        if tx in world.shown
    }
    return {tx: rows for tx, rows in found.items() if rows}
