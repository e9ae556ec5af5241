"""The chain among the other sources: which of them run in which mode, and what ingest makes of its word."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from chain import BUY, SELL, SHARE, UNKNOWN, Chain, Order
from outcomes import YES, market
from relay import Relay
from structlog.testing import capture_logs
from thespian.actors import ActorAddress

from actors.ingest.actor import Ingest as IngestActor
from actors.ingest.actor import IngestArgs
from config.settings import Endpoints, Ingest, Recording
from messages.ingest import IngestQuery, LeadersWatched
from messages.markets import TokenAnswer, TokenQuery
from messages.trades import FillReported, SourceKind
from supervisor import Mailbox, Overflow, SupervisedActor, handles

LEADER = "0x" + "a1" * 20
BOUGHT = (Order(LEADER, BUY, YES, SHARE, 500_000), Order("0x" + "b2" * 20, SELL, YES, SHARE, 500_000))


class OneMarket(SupervisedActor):
    """Says of every token that it is of the one market there is."""

    mailbox = Mailbox(capacity=100, overflow=Overflow.HALT)

    @handles(TokenQuery)
    def on_token(self, message: TokenQuery, sender: ActorAddress) -> None:
        self.send(sender, TokenAnswer(token_id=message.token_id, market=market()))


@pytest.fixture
def sources(base: Any, venue: Any, relay: Relay, house: Any, tmp_path: Any) -> Any:
    """Start ingest in a mode, with the chain behind the relay."""

    def start(trigger: str, urls: tuple[str, ...] | None = None) -> Any:
        running = house()
        prices = base.spawn(OneMarket, "one-market")
        args = IngestArgs(
            ingest=Ingest(
                trigger=trigger,
                sockets=1,
                reconnect_first_s=0.02,
                poll_requests_per_s=200.0,
                poll_settle_s=0.1,
                polygon_requests_per_s=10_000.0,
            ),
            endpoints=Endpoints(
                rtds_url=venue.endpoints.rtds_url,
                data_url=venue.endpoints.data_url,
                polygon_urls=(relay.url,) if urls is None else urls,
            ),
            recording=Recording(),
            store=running.store,
            state_dir=tmp_path,
            run_id="run1",
            prices=prices,
        )
        running.ingest = base.spawn(IngestActor, "modes", args)
        return running

    return start


def children(base: Any) -> set[str]:
    return {actor.path.rpartition("/")[2] for actor in base.tree() if actor.path.startswith("modes/")}


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("api", {"stream-0", "poller"}),
        ("polygon", {"chain", "poller"}),
        ("both", {"stream-0", "chain", "poller"}),
    ],
)
async def test_a_mode_has_its_sources_and_no_others(
    sources: Any, base: Any, trigger: str, expected: set[str]
) -> None:
    sources(trigger)
    await asyncio.sleep(0)
    assert children(base) == expected


async def test_without_a_node_both_is_less_and_says_so(sources: Any, base: Any) -> None:
    with capture_logs() as logs:
        sources("both", urls=())
        await asyncio.sleep(0.05)
    assert children(base) == {"stream-0", "poller"}
    assert any("no endpoints.polygon_urls" in entry["event"] for entry in logs)


async def test_a_fill_comes_from_stream_and_chain_to_the_same_leader(
    sources: Any, venue: Any, chain: Chain, relay: Relay, frame: Any, until: Any
) -> None:
    running = sources("both")
    running.watch(int(time.time()), LEADER)
    await until(lambda: relay.subscribed() and venue.sockets)
    tx = await chain.match(*BOUGHT)
    await venue.send(frame(proxyWallet=LEADER, transactionHash=tx, asset=YES, size=1, price=0.5))

    await until(lambda: len({fill.kind for fill in running.fills}) == 2)

    assert {fill.kind for fill in running.fills} == {SourceKind.STREAM, SourceKind.CHAIN}
    assert {(fill.wallet, fill.tx, fill.token_id) for fill in running.fills} == {(LEADER, tx, YES)}
    assert {(fill.size, fill.price) for fill in running.fills} == {(SHARE, 500_000)}


async def test_what_was_missed_while_no_node_was_there_is_polled_and_no_block_is_scanned(
    sources: Any, venue: Any, chain: Chain, relay: Relay, row: Any, until: Any
) -> None:
    running = sources("polygon")
    running.watch(int(time.time()), LEADER)
    await until(lambda: relay.subscribed())
    await relay.stop()
    tx = await chain.match(*BOUGHT)
    venue.rows = [row(proxy_wallet=LEADER, transaction_hash=tx, timestamp=int(time.time()))]

    await relay.start()
    await until(lambda: running.fills)

    assert (running.fills[0].tx, running.fills[0].kind) == (tx, SourceKind.API)
    assert not any("getLogs" in call["method"] for call in relay.calls)


async def test_an_alarm_can_be_seen_and_has_the_trade_polled(
    sources: Any, venue: Any, chain: Chain, relay: Relay, until: Any
) -> None:
    running = sources("polygon")
    running.watch(int(time.time()), LEADER)
    await until(lambda: len(relay.subscribed()) == 2)
    await asyncio.sleep(0.3)
    asked = len(venue.asked)

    await chain.match(*BOUGHT, exchange=UNKNOWN)
    await until(lambda: len(venue.asked) > asked)

    state = await running.base.ask(running.ingest, IngestQuery(), timeout_s=5)
    assert [(drift.kind, drift.wallet) for drift in state.drifts] == [("exchange", LEADER)]


class Stumbling(SupervisedActor):
    """A leader that fails on its first message and is away until its supervisor restarts it."""

    mailbox = Mailbox(capacity=300, overflow=Overflow.HALT, high_water=50, low_water=10)

    @handles(FillReported)
    def on_message(self, message: FillReported, sender: ActorAddress) -> None:
        first = not self.args
        self.args.append(message)
        if first:
            raise RuntimeError("the leader stumbles")


async def test_a_full_leader_holds_the_reader_and_loses_nothing(
    follow: Any, base: Any, chain: Chain, until: Any
) -> None:
    received: list[FillReported] = []
    leader = base.spawn(Stumbling, "stumbling", received)
    feed = follow()
    await feed.up(LEADER)
    base.tell(feed.address, LeadersWatched(addresses={LEADER: leader}, polled_from_s={LEADER: 0}))

    for _ in range(10):
        await chain.match(*[BOUGHT[1]], *[BOUGHT[0]] * 60)

    await until(lambda: len(received) == 600)
    assert base.drops() == {("Stumbling", "FillReported", "crashed"): 1}
