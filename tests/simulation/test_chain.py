"""The chain's actor on a chain in memory, over a network in memory: what it reports is what stands."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from ledger_chain import Fill, LedgerChain, LedgerNode, Row, Transaction
from outcomes import NO, YES, market

from actors.ingest.chain.actor import Chain, ChainArgs
from config.settings import Ingest
from messages.ingest import FeedUp, LeadersWatched
from messages.markets import TokenAnswer, TokenQuery
from messages.store import StoreAvailability
from messages.trades import FillReported, FillsRetracted
from supervisor.simulation import Simulation
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
        self.chain = LedgerChain()
        self.lost: list[Transaction] = []
        self.history: list[tuple[int, set[str]]] = []
        self.made = 0
        self.leader, self.ingest, self.prices = (sim.probe(name) for name in ("leader", "ingest", "prices"))
        self.prices.answers(TokenQuery, lambda query: TokenAnswer(token_id=query.token_id, market=market()))
        self.grow()
        for host in ("node-a", "node-b"):
            with sim.network.running_on(host):
                sim.await_(LedgerNode(self.chain, self.random).serve(host))
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


def run(seed: int, *, is_broken: bool = False) -> tuple[World, str]:
    with Simulation(seed, start_ns=START_NS) as sim:
        world = World(sim, seed, fickleness=0.4 if is_broken else 0.15)
        if is_broken:
            sim.network.play(list(faults(world.random)))
        world.run()
        return world, sim.network.digest


def faults(chance: Random) -> Iterator[NetworkFault]:
    """Draw what goes wrong between us and the nodes."""
    for _ in range(8):
        at_s = chance.uniform(10, BLOCKS * BLOCK_S - 60)
        for_s = chance.choice((3.0, 10.0, 20.0))
        yield Refuse(server="*", at_s=at_s, for_s=for_s)
        yield chance.choice((Reset(server="*", at_s=at_s), Cut(server="*", at_s=at_s, for_s=for_s)))


def of_leaders(rows_by_transaction: dict[str, list[Row]]) -> dict[str, list[Row]]:
    found = {tx: [row for row in rows if row[0] in LEADERS] for tx, rows in rows_by_transaction.items()}
    return {tx: rows for tx, rows in found.items() if rows}


@pytest.mark.parametrize("seed", range(1, 9))
def test_what_leaders_are_told_is_what_stands_in_the_end(seed):
    world, _ = run(seed)

    told = of_leaders(world.standing())
    assert {tx: rows for tx, rows in told.items() if tx in world.shown} == world.truth()
    assert len(world.truth()) > 20


@pytest.mark.parametrize("seed", range(1, 9))
def test_nothing_stands_that_the_chain_took_back_while_nobody_listened(seed):
    """The network fails, blocks are replaced meanwhile, and transactions mined again unseen: what was missed
    is the poller's to bring, but what was told is true in the end."""
    world, _ = run(seed, is_broken=True)

    truth = world.truth()
    told = {tx: rows for tx, rows in of_leaders(world.standing()).items() if tx in world.shown}
    assert all(set(rows) <= set(truth.get(tx, ())) for tx, rows in told.items())
    assert world.wrongly_retracted == []
    assert len(told) > len(truth) // 4


def test_a_seed_repeats_its_run_to_the_byte():
    first, second = run(3), run(3)
    assert first[1] == second[1]
    assert first[0].leader.messages == second[0].leader.messages
