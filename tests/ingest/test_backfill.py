"""History read from the Data API: page by page, resumed, beside the polling and within its budget."""

from __future__ import annotations

import time

import pytest
from aiohttp import web
from outcomes import CONDITION, NO, YES
from thespian.actors import ActorAddress

from messages.backfill import BackfillRequest, BackfillsWanted, HistoryPage, HistoryTaken
from messages.movements import MovementKind
from messages.store import StoreAvailability
from supervisor import Mailbox, Overflow, SupervisedActor, handles

NOW_S = int(time.time())
FROM_S = NOW_S - 10**6


class Historian(SupervisedActor):
    """Writes pages down and takes them, unless told to let some go unanswered."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.HALT)

    @handles(HistoryPage)
    def on_page(self, message: HistoryPage, sender: ActorAddress) -> None:
        self.args.append(message)
        self.send(sender, HistoryTaken(request_id=message.request_id))


@pytest.fixture
def pages():
    """The pages that the historian was sent."""
    return []


@pytest.fixture
def want(base, pages):
    """Return how to tell ingest of requests."""
    historian = base.spawn(Historian, "historian", pages)

    def tell(running, *requests):
        base.tell(running.ingest, BackfillsWanted(requests=requests, historian=historian))

    return tell


def request(wallet, number=1, **changes):
    fields = {"from_s": FROM_S, "to_s": NOW_S - 500, "reached_s": FROM_S} | changes
    return BackfillRequest(request_id=number, wallet=wallet, **fields)


def tx(number):
    return f"0x{number:064x}"


async def test_a_past_is_read_to_its_end_page_by_page_and_once(house, venue, until, row, wallet, pages, want):
    venue.rows += [row(timestamp=FROM_S + 10 * n, transaction_hash=tx(n)) for n in range(1, 8)]
    venue.rows.append(row(timestamp=FROM_S + 5, type="SPLIT", condition_id=CONDITION, token_id="", size=7))
    venue.rows.append(row(timestamp=FROM_S + 4, condition_id=CONDITION, token_id=NO))
    running = house(poll_page_rows=3)
    wanted = request(wallet)
    want(running, wanted)
    await until(lambda: pages and pages[-1].is_last)
    assert [len(page.fills) for page in pages] == [2, 3, 3]
    assert [page.rows for page in pages] == [3, 3, 3]
    (split,) = pages[0].movements
    assert (split.kind, split.token_ids) == (MovementKind.SPLIT, (YES, NO))
    assert pages[-1].reached_s == wanted.to_s
    assert {fill.feed for page in pages for fill in page.fills} == {"backfill"}
    want(running, wanted)
    want(running, wanted, request(wallet, 2, from_s=NOW_S - 900, reached_s=NOW_S - 900))
    await until(lambda: pages[-1].request_id == 2)
    assert [page.request_id for page in pages] == [1, 1, 1, 2]


async def test_it_goes_on_from_where_it_got(house, venue, until, row, wallet, pages, want):
    venue.rows += [row(timestamp=FROM_S + 10 * n, transaction_hash=tx(n)) for n in range(1, 8)]
    running = house()
    want(running, request(wallet, reached_s=FROM_S + 50))
    await until(lambda: pages)
    assert [fill.tx for fill in pages[0].fills] == [tx(5), tx(6), tx(7)]


async def test_a_request_that_the_api_refuses_ends_with_its_reason(house, venue, until, wallet, pages, want):
    async def refuse(asked):
        return web.Response(status=400, text="no such user")

    venue.answer = refuse
    running = house()
    want(running, request(wallet))
    await until(lambda: pages)
    assert pages[0].is_last
    assert "no such user" in pages[0].refusal


async def test_a_poller_that_starts_over_goes_on_with_the_request(
    house, venue, until, row, wallet, pages, want
):
    venue.rows.append(row(timestamp=FROM_S + 10))
    running = house(available=False)
    want(running, request(wallet))
    await until(lambda: running.base.snapshot("ingest/poller").get("backfills") == 1)
    running.base.inspector.restart("ingest/poller", by="test")
    running.base.tell(running.store, StoreAvailability(available=True))
    await until(lambda: pages)
    assert len(pages[0].fills) == 1


async def test_history_and_polling_share_one_budget(house, venue, until, row, wallet, pages, want):
    venue.rows += [row(timestamp=FROM_S + n, transaction_hash=tx(n)) for n in range(1, 30)]
    running = house(poll_requests_per_s=50.0, poll_page_rows=1, poll_interval_s=0.01)
    running.watch(NOW_S)
    want(running, request(wallet))
    await until(lambda: pages and pages[-1].is_last)
    times = sorted(at for at, _ in venue.asked)
    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) > 4 / 50
