"""Each wallet's queue on its own: what waits, what is given up, and what must not go with it."""

from __future__ import annotations

import pytest
from outcomes import NO, YES, market

from actors.ingest.chain.delivery import Delivery, NotFound, ReceiptCame, TimeFound, TokenFound
from actors.ingest.chain.fills import ChainFill
from actors.ingest.chain.generations import ADDRESSES, GENERATIONS
from actors.ingest.chain.intake import ChainIntake, Sighted
from actors.ingest.chain.waiting import TokenNeeded
from actors.ingest.chain.wire import Log
from messages.ingest import LeadersWatched
from messages.markets import TokenAnswer, TokenQuery
from messages.trades import FillReported, FillsRetracted, Side
from supervisor import Mailbox, Overflow, SupervisedActor, handles
from supervisor.simulation import Simulation

ANNA, BERT = "0x" + "a1" * 20, "0x" + "b1" * 20
V2, EXCHANGE = ADDRESSES[GENERATIONS[1].exchanges[0].address]


def sighted(owner, token, index=0):
    log = Log(
        address=EXCHANGE.address,
        topics=(),
        data=b"",
        tx=f"0x{index:064x}",
        raw=b"",
        block_hash="0x" + "0b" * 32,
        block_number=1,
        log_index=index,
        block_s=1_790_000_000,
    )
    fill = ChainFill(EXCHANGE, V2, "0x", owner, BERT, Side.BUY, token, 1_000_000, 500_000, 0)
    return Sighted(log, fill, 1, 1_790_000_000 * 10**9, 1)


class Host(SupervisedActor):
    """Nothing but a delivery."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.HALT)

    def started(self):
        self.given_up = []
        self.delivery = Delivery(
            self, "chain", self.args, ChainIntake("chain"), lambda wallet, error: self.given_up.append(wallet)
        )

    @handles(LeadersWatched)
    def on_leaders(self, message, sender):
        self.delivery.leaders = message.addresses

    @handles(tuple)
    def on_item(self, message, sender):
        self.delivery.put(*message)

    @handles(TokenFound, TimeFound, NotFound, ReceiptCame)
    def on_answer(self, message, sender):
        name = {TokenFound: "token_found", TimeFound: "time_found", NotFound: "not_found"}[type(message)]
        getattr(self.delivery, name)(message)

    def snapshot(self):
        return {"given_up": self.given_up, "waiting": len(self.delivery)}


class House:
    """A delivery among probes; the price service answers when it is told to."""

    def __init__(self, sim):
        self.sim = sim
        self.prices, self.leader = sim.probe("prices"), sim.probe("leader")
        self.host = sim.spawn(Host, "host", self.prices.address)
        self.leaders(ANNA, BERT)

    def leaders(self, *wallets):
        self.tell(LeadersWatched(addresses=dict.fromkeys(wallets, self.leader.address), polled_from_s={}))

    def tell(self, *messages):
        for message in messages:
            self.sim.tell(self.host, message)
        self.sim.run()

    def know(self, *tokens):
        """From now on answer for these tokens and for no others, and those first who asked already."""

        def answer(query):
            found = market() if query.token_id in tokens else None
            return TokenAnswer(token_id=query.token_id, market=found, error="unknown")

        for query, asker in list(zip(self.prices.messages, self.prices.senders, strict=True)):
            self.sim.tell(asker, answer(query))
        self.prices.answers(TokenQuery, answer)
        self.sim.advance(2)

    @property
    def delivered(self):
        return [(one.wallet, one.token_id) for one in self.leader.messages if isinstance(one, FillReported)]

    @property
    def state(self):
        return self.sim.base.snapshot("host")


@pytest.fixture
def house():
    with Simulation() as sim:
        yield House(sim)


def test_fills_wait_for_their_market_in_the_order_of_the_chain(house):
    house.tell((ANNA, sighted(ANNA, YES, 1)), (ANNA, sighted(ANNA, NO, 2)), (ANNA, sighted(ANNA, YES, 3)))
    assert house.delivered == []

    house.know(YES, NO)

    assert house.delivered == [(ANNA, YES), (ANNA, NO), (ANNA, YES)]


def test_a_fill_whose_market_nobody_knows_is_given_up_alone(house):
    house.tell((ANNA, sighted(ANNA, "7", 1)), (ANNA, sighted(ANNA, YES, 2)), (BERT, sighted(BERT, "7", 3)))

    house.know(YES)

    assert house.state["given_up"] == [ANNA, BERT]
    assert house.delivered == [(ANNA, YES)]


def test_what_came_since_is_not_given_up_for_what_is_gone(house):
    """Its leader left while it waited, and came back before the answer to the old question did."""
    house.tell((ANNA, sighted(ANNA, "7", 1)))
    house.leaders(BERT)
    house.tell((ANNA, FillsRetracted(wallet=ANNA, tx="0x0", feed="chain", seen_at_ns=1)))
    house.leaders(ANNA, BERT)
    house.tell((ANNA, sighted(ANNA, YES, 2)))

    house.tell(NotFound(need=TokenNeeded("7"), error=LookupError("unknown")))
    house.know(YES)

    assert (house.state["given_up"], house.state["waiting"]) == ([], 0)
    assert house.delivered == [(ANNA, YES)]
    assert house.sim.base.drops() == {}


def test_a_retraction_does_not_overtake_the_fill_that_it_is_about(house):
    house.tell((ANNA, sighted(ANNA, YES, 1)))
    house.tell((ANNA, FillsRetracted(wallet=ANNA, tx="0x0", feed="chain", seen_at_ns=1)))
    assert house.leader.messages == []

    house.know(YES)

    assert [type(one) for one in house.leader.messages] == [FillReported, FillsRetracted]
