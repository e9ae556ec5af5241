"""The suite `edges`: the real edges against the local venue, over a network in memory that fails.

The venue is the one of `remora demo`, with its sockets, its REST and its quirks; ingest and prices are the
daemon's own with their aiohttp clients. Only the wire between them is simulated, and the store in memory.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import copying
import world
from world import NS, START_S, HouseArgs, TrueFill, World

from actors.ingest.actor import Ingest, IngestArgs
from actors.prices.actor import Prices, PricesArgs
from config import settings
from messages import units
from messages.decisions import Intent, Skip
from messages.directory import Directory
from messages.portfolio import PortfolioQuery
from messages.trades import Side
from ops.venue import FaultSpec, Venue, VenueConfig
from ops.venue.faults import spec
from supervisor import Clock
from supervisor.simulation import Fault, FaultPlan, Simulation
from supervisor.simulation.network import (
    Cut,
    Nameless,
    NetworkFault,
    Orphan,
    Refuse,
    Reset,
    Slow,
    Truncate,
)

BUSY_S: Final = 120
QUIET_S: Final = 240
"""Long enough for two polls of everybody after everything is whole again."""
FAULTS_MAX: Final = 12
PROFILE: Final = replace(copying.PROFILE, span_s=BUSY_S, crashes_max=20, steps_max=0)
SERVICES: Final = ("stream", "data", "clob", "gamma", "books")
"""The venue's names: one host, which each service reaches by a way of its own."""

ENDPOINTS: Final = settings.Endpoints(
    rtds_url="ws://stream/rtds",
    data_url="http://data/data",
    clob_url="http://clob/clob",
    market_ws_url="ws://books/ws/market",
    gamma_url="http://gamma/gamma",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to, for who looks on."""

    seed: int
    trades: int
    intents: int
    skips: Counter[str]
    fills: int
    faults: tuple[Fault, ...]
    connections: int
    digest: str
    bytes_digest: str

    def __str__(self) -> str:
        counts = (self.trades, self.intents, self.skips.total(), self.fills, len(self.faults))
        named = zip(("trades", "intents", "skips", "fills", "faults"), counts, strict=True)
        more = f"{self.connections} connections", f"digest {self.bytes_digest}"
        return ", ".join([*(f"{count} {name}" for name, count in named), *more])


class TrueClock:
    """The venue's clock, which goes on evenly whatever is done to ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now_ns(self) -> int:
        """Return wall time."""
        return START_S * NS + self._clock.monotonic_ns()

    def monotonic_ns(self) -> int:
        """Return the time since some moment."""
        return self._clock.monotonic_ns()


def run(
    seed: int, plan: FaultPlan | None = None, deep: bool = False, *, faults: FaultSpec | None = None
) -> Result:
    """Run one world to its end and check every invariant. Raises `AssertionError`.

    Without a plan it is the one drawn from the seed, and so is how the venue itself misbehaves without
    `faults`. A deep run's digest covers what messages say.
    """
    directory = Directory()
    plan = planned(seed) if plan is None else plan
    with Simulation(seed, start_ns=START_S * NS, faults=plan, deep=deep) as sim:
        venue = open_venue(sim, seed, quirks(Random(f"quirks:{seed}")) if faults is None else faults)
        truth = World(seed, wallets=tuple(venue.leaders()))
        watcher = copying.Watcher(truth)
        sim.spawn(Root, "root", HouseArgs(world=truth, directory=directory, check=watcher.see))
        sim.advance(BUSY_S)
        sim.heal()
        venue.faults.set(FaultSpec())
        sim.advance(QUIET_S)
        states = [
            sim.ask(directory.portfolios, PortfolioQuery(portfolio_id=name)) for name in truth.portfolios
        ]
        truth.fills = list(leaders_fills(venue, truth.wallets))
        digest, bytes_digest = sim.digest, sim.network.digest
        connections = len(sim.network.connections)
        faults = tuple(each.fault for each in sim.fired)
        sim.await_(venue.stop())
    if watcher.violation is not None:
        raise watcher.violation
    copying.verify(truth, states)
    decisions = truth.books.decisions.values()
    return Result(
        seed=seed,
        trades=len(truth.books.trades),
        intents=sum(isinstance(each, Intent) for each in decisions),
        skips=Counter(each.reason for each in decisions if isinstance(each, Skip)),
        fills=len(truth.books.fills),
        faults=faults,
        connections=connections,
        digest=digest,
        bytes_digest=bytes_digest,
    )


def open_venue(sim: Simulation, seed: int, faults: FaultSpec) -> Venue:
    """Start a venue on a host of its own; it plays from the first subscriber on."""
    config = VenueConfig(
        host="stream",
        port=80,
        seed=seed,
        run_seconds=BUSY_S - 10,
        frames_per_second=4,
        markets=12,
        short_lived_markets=3,
        wallets=60,
        leaders=3,
        leader_share=0.3,
        faults=faults,
    )
    venue = Venue(config, TrueClock(sim.clock))
    for name in SERVICES[1:]:
        sim.network.alias(name, SERVICES[0])
    with sim.network.running_on(SERVICES[0]):
        sim.await_(venue.start())
    return venue


def planned(seed: int) -> FaultPlan:
    """Return what goes wrong in the run of a seed: on the network, and with the actors."""
    of_actors = FaultPlan.drawn(seed, PROFILE)
    return FaultPlan((*draw(Random(f"edges:{seed}")), *of_actors))


def draw(chaos: Random) -> Iterator[NetworkFault]:
    """Draw what goes wrong on the network; of all seeds some have nothing to bear."""
    for _ in range(chaos.choice((0, 2, FAULTS_MAX // 2, FAULTS_MAX))):
        at_s, for_s = chaos.uniform(0, BUSY_S - 20), chaos.choice((0.5, 3.0, 15.0, 40.0))
        server = chaos.choice((*SERVICES, "stream", "data", "*"))
        where: dict[str, Any] = {"server": server, "at_s": at_s}
        after_bytes = chaos.choice((0, 0, 1, 500, 20_000))
        yield chaos.choice(
            (
                Cut(**where, for_s=for_s),
                Cut(**where, for_s=for_s, one_way=True),
                Slow(**where, for_s=for_s, latency_s=chaos.choice((0.3, 2.0, 8.0)), jitter_s=1.0),
                Slow(**where, for_s=for_s, latency_s=0.05, bytes_per_s=5_000.0),
                Refuse(**where, for_s=for_s),
                Nameless(**where, for_s=for_s),
                Reset(**where, after_bytes=after_bytes),
                Truncate(**where, after_bytes=after_bytes),
                Orphan(**where, after_bytes=after_bytes),
            )
        )


def quirks(chance: Random) -> FaultSpec:
    """Draw how the venue itself misbehaves until the quiet begins, for it is no better than its network."""
    kinds: list[spec.AnyFault] = [
        spec.Duplicate(channel="rtds", rate=0.2, times=3),
        spec.Drop(channel="rtds", rate=0.3),
        spec.Silence(channel="rtds", after_s=chance.uniform(0, 30)),
        spec.Silence(channel="rtds", rate=0.5, after_s=5, for_s=20),
        spec.Disconnect(channel="rtds", after_s=chance.uniform(5, 40), code=1001),
        spec.Disconnect(channel="rtds", rate=0.01, per_frame=True),
        spec.Reorder(channel="rtds", window=chance.choice((2, 8, 50))),
        spec.Garbage(channel="rtds", rate=0.1),
        spec.Oversized(channel="rtds", rate=0.01),
        spec.Blank(channel="rtds", rate=0.2),
        spec.Delay(channel="rtds", seconds=chance.uniform(0.5, 20)),
        spec.Throttle(rate=0.3, retry_after_s=chance.choice((None, 2.0, 10.0))),
        spec.ServerError(rate=0.3, status=chance.choice((500, 503, 520))),
        spec.Latency(seconds=0.5, jitter_s=4),
        spec.Trickle(rate=0.3, seconds=4),
        spec.Hang(rate=0.2, seconds=30),
        spec.Truncate(rate=0.3),
        spec.Malformed(rate=0.2),
    ]
    return FaultSpec(seed=chance.getrandbits(32), faults=chance.sample(kinds, chance.choice((0, 0, 1, 3, 6))))


def leaders_fills(venue: Venue, wallets: tuple[str, ...]) -> Iterator[TrueFill]:
    """Return what the venue says truly happened."""
    for played in venue.world.ledger.legs():
        leg = played.leg
        if leg.wallet in wallets:
            yield TrueFill(
                wallet=leg.wallet,
                tx=leg.transaction,
                condition=leg.condition,
                token=leg.token,
                side=Side(leg.side),
                size=micros(leg.size),
                price=micros(leg.price),
                at_s=played.played_at // NS,
            )


def micros(value: Decimal) -> int:
    return units.to_micros(value, "truth")


class House(world.House):
    """The house of the suite `copy`, with the edges that the daemon has."""

    def spawn_prices(self) -> Any:
        return self.spawn(Prices, "prices", PricesArgs(endpoints=ENDPOINTS, store=self.args.directory.store))

    def spawn_ingest(self) -> Any:
        return self.spawn(
            Ingest,
            "ingest",
            IngestArgs(
                ingest=settings.Ingest(),
                endpoints=ENDPOINTS,
                recording=settings.Recording(enabled=False),
                store=self.args.directory.store,
                state_dir=Path(tempfile.gettempdir()),
                run_id="simulated",
            ),
        )


class Root(world.Root):
    """The store first, the house behind it."""

    house = House
