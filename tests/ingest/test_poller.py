"""The poller over real HTTP."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from thespian.actors import ActorExitRequest

from actors.ingest.poller import Poller, PollerArgs
from actors.ingest.reports import FeedReport, LeaderDoubted, LeadersActive
from config.settings import Ingest
from messages.ingest import LeadersWatched, PollQuery
from messages.store import StoreAvailability
from messages.trades import CursorReached, FillReported, GapSuspected
from supervisor import Backoff

Row = Callable[..., dict[str, Any]]
Until = Callable[..., Awaitable[None]]


@dataclass
class Polling:
    """A running poller, what it handed over, and what it reported."""

    base: Any
    address: Any
    leader: Any
    inbox: Any
    reports: Any

    def watch(self, cursors: dict[str, int], leader: Any = None) -> None:
        addresses = dict.fromkeys(cursors, leader if leader is not None else self.leader)
        self.base.tell(self.address, LeadersWatched(addresses=addresses, polled_from_s=cursors))

    def tell(self, message: Any) -> None:
        self.base.tell(self.address, message)

    @property
    def fills(self) -> list[FillReported]:
        found: list[FillReported] = self.inbox.of(FillReported)
        return found

    @property
    def cursors(self) -> list[int]:
        return [message.cursor_s for message in self.inbox.of(CursorReached)]

    async def error(self) -> str:
        await asyncio.sleep(1.1)
        report: FeedReport = self.reports.of(FeedReport)[-1]
        return report.state.error


@pytest.fixture
def polling(base: Any, venue: Any, probe: Callable[[], tuple[Any, Any]]) -> Callable[..., Polling]:
    """Start a poller; keywords are settings of `ingest`."""

    def start(*, available: bool = True, backoff_s: float = 0.02, **changes: Any) -> Polling:
        defaults: dict[str, Any] = {
            "poll_requests_per_s": 500.0,
            "poll_interval_s": 3600.0,
            "poll_settle_s": 3600.0,
            "poll_timeout_s": 0.5,
        }
        ingest, reports = probe()
        leader, inbox = probe()
        args = PollerArgs(
            ingest=ingest,
            url=venue.endpoints.data_url,
            settings=Ingest(**(defaults | changes)),
            backoff=Backoff(first_s=backoff_s, max_s=0.2, jitter=0.3),
        )
        address = base.spawn(Poller, "poller", args)
        if available:
            base.tell(address, StoreAvailability(available=True))
        return Polling(base, address, leader, inbox, reports)

    return start


def now() -> int:
    return int(time.time())


def hashes(count: int) -> list[str]:
    return [f"0x{n:064x}" for n in range(count)]


async def test_pages_are_walked_oldest_first_and_the_cursor_comes_behind_the_fills(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    running, start = polling(poll_page_rows=10), now() - 100
    venue.rows = [row(transaction_hash=tx, timestamp=start + n) for n, tx in enumerate(hashes(25))]
    running.watch({wallet: start})

    await until(lambda: start + 24 in running.cursors)

    assert [fill.tx for fill in running.fills] == hashes(25)
    assert running.cursors == [start + 8, start + 18, start + 24]
    kinds = [type(message).__name__ for message in running.inbox.messages]
    assert kinds == [
        *["FillReported"] * 10,
        "CursorReached",
        *["FillReported"] * 10,
        "CursorReached",
        *["FillReported"] * 5,
        "CursorReached",
    ]
    first = venue.asked[0][1].query
    assert (first["user"], first["sort_direction"], first["limit"]) == (wallet, "ASC", "10")
    assert start - 120 - 16 < int(first["start"]) <= start - 120


async def test_trades_that_share_the_cursors_second_or_appear_late_are_not_lost(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    running, start = polling(), now() - 100
    venue.rows = [row(transaction_hash=hashes(1)[0], timestamp=start)]
    running.watch({wallet: start - 50})
    await until(lambda: running.cursors == [start])
    same_second, late = row(transaction_hash=hashes(2)[1], timestamp=start), row(timestamp=start - 40)
    venue.rows += [same_second, late]

    running.tell(LeaderDoubted(wallet=wallet))

    await until(lambda: {fill.tx for fill in running.fills} == {*hashes(2), late["transaction_hash"]})


async def test_equal_rows_of_one_sweep_are_numbered_and_the_next_sweep_starts_again(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    running, start = polling(poll_page_rows=2), now() - 100
    venue.rows = [row(timestamp=start)] * 3
    running.watch({wallet: start - 1})
    await until(lambda: len(running.fills) == 3)

    running.tell(LeaderDoubted(wallet=wallet))

    await until(lambda: len(running.fills) == 6)
    assert [fill.occurrence for fill in running.fills] == [1, 2, 3, 1, 2, 3]


async def test_no_url_is_asked_twice(polling: Any, venue: Any, wallet: str, until: Until) -> None:
    """The CDN would answer the second with what it stored."""
    running = polling(poll_settle_s=0.02)
    running.watch({wallet: now() - 100})
    for polls in range(2, 40):
        await until(lambda polls=polls: len(venue.asked) >= polls)  # type: ignore[misc]
        running.tell(LeaderDoubted(wallet=wallet))

    urls = [str(request.url) for _, request in venue.asked]
    assert all(len(set(window)) == 5 for window in zip(*(urls[n:] for n in range(5)), strict=False))


async def test_after_a_kill_no_url_is_asked_that_the_killed_process_asked(
    polling: Any, venue: Any, wallet: str, base: Any, until: Until
) -> None:
    """Nothing is remembered of what was asked, and the CDN would answer with what it had before the kill."""
    base.seed = None  # as in the daemon, where no two processes share their chance
    cursor_s = now() - 100
    for polls in range(1, 31):
        running = polling()
        running.watch({wallet: cursor_s})
        await until(lambda polls=polls: len(venue.asked) >= polls)  # type: ignore[misc]
        base.tell(running.address, ActorExitRequest())
        await until(lambda: base.find("poller") is None)

    urls = [str(request.url) for _, request in venue.asked]
    assert len(set(urls)) == len(urls)


@pytest.mark.parametrize("retry_after", [None, "0", "nonsense"])
async def test_429_without_a_useful_retry_after_backs_off_and_loses_nothing(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until, retry_after: str | None
) -> None:
    refusals = itertools.count()
    headers = {} if retry_after is None else {"Retry-After": retry_after}

    async def answer(request: web.Request) -> web.Response | None:
        return web.Response(status=429, headers=headers) if next(refusals) < 4 else None

    venue.answer = answer
    venue.rows = [row(timestamp=now())]
    running = polling(backoff_s=0.05, poll_requests_per_s=2.0)
    running.watch({wallet: now() - 10})

    await until(lambda: len(running.fills) == 1)
    times = [at for at, _ in venue.asked]
    assert all(later - earlier > 0.03 for earlier, later in itertools.pairwise(times))


async def test_retry_after_lengthens_the_pause(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    refusals = itertools.count()

    async def answer(request: web.Request) -> web.Response | None:
        return web.Response(status=429, headers={"Retry-After": "1"}) if next(refusals) == 0 else None

    venue.answer = answer
    venue.rows = [row(timestamp=now())]
    running = polling()
    running.watch({wallet: now() - 10})

    await until(lambda: len(running.fills) == 1)
    assert venue.asked[1][0] - venue.asked[0][0] >= 1.0


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def trickle(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b'{"data":[')
    await asyncio.sleep(30)
    return response


async def cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"data":[')
    assert request.transport is not None
    request.transport.close()
    return response


async def page_of_html(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>", content_type="text/html")


async def unavailable(request: web.Request) -> web.StreamResponse:
    return web.Response(status=503)


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:1/")


@pytest.mark.parametrize("failure", [hang, trickle, cut, page_of_html, unavailable, elsewhere])
async def test_a_failing_api_is_asked_again_and_nothing_is_lost(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until, failure: Any
) -> None:
    """Lessons: an empty or partial answer must not be read as "nothing there"."""
    failures = itertools.count()

    async def answer(request: web.Request) -> Any:
        return await failure(request) if next(failures) < 2 else None

    venue.answer = answer
    venue.rows = [row(timestamp=now())]
    running = polling()
    running.watch({wallet: now() - 10})
    if failure is elsewhere:
        await until(lambda: len(venue.asked) == 1)
        running.tell(LeaderDoubted(wallet=wallet))
        running.tell(LeaderDoubted(wallet=wallet))

    if failure is not elsewhere:
        await until(lambda: len(running.fills) == 1)
        assert running.cursors == [venue.rows[0]["timestamp"]]
    else:
        assert "302" in await running.error()


async def test_an_unreachable_api_is_named_once(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    await venue.stop()
    with capture_logs() as logs:
        running = polling()
        running.watch({wallet: now() - 10})
        error = await running.error()
    assert error == f"could not reach {venue.endpoints.data_url} (connection refused)"
    assert len([entry for entry in logs if entry["event"] == "polling failed"]) == 1

    venue.rows = [row(timestamp=now())]
    await venue.start()
    await until(lambda: len(running.fills) == 1)
    assert await running.error() == ""


async def test_the_budget_is_held_in_every_window(polling: Any, venue: Any, until: Until) -> None:
    running = polling(poll_requests_per_s=40.0)
    wallets = {f"0x{n:040x}": now() - 10 for n in range(100)}
    running.watch(wallets)

    await until(lambda: len(venue.asked) >= 60)
    times = [at for at, _ in venue.asked]
    windows = [sum(1 for at in times if start <= at < start + 0.5) for start in times]
    assert max(windows) <= 40 * 0.5 + 2  # the +2: arrivals are not as even as departures


async def test_after_a_gap_everyone_is_polled_at_once_and_again_when_settled(
    polling: Any, venue: Any, until: Until
) -> None:
    running = polling(poll_settle_s=0.3)
    wallets = {f"0x{n:040x}": now() - n for n in range(1, 6)}
    running.watch(wallets)
    await until(lambda: len(venue.asked) == 10)
    venue.asked.clear()

    running.tell(GapSuspected(since_ns=0, reason="test"))

    await until(lambda: len(venue.asked) == 10)
    counts = Counter(request.query["user"] for _, request in venue.asked)
    assert set(counts.values()) == {2}
    assert venue.asked[5][0] - venue.asked[0][0] >= 0.25
    first = [request.query["user"] for _, request in venue.asked[:5]]
    assert first == sorted(wallets, key=lambda wallet: -wallets[wallet])  # who traded last goes first


async def test_regular_polls_are_spread_over_the_interval(polling: Any, venue: Any, until: Until) -> None:
    running = polling(poll_interval_s=0.5)
    running.watch({f"0x{n:040x}": now() for n in range(10)})
    await until(lambda: len(venue.asked) >= 40)

    times = [at for at, _ in venue.asked[20:40]]
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 0.25


async def test_leaders_come_and_go(polling: Any, venue: Any, until: Until) -> None:
    running = polling(poll_interval_s=0.1)
    one, two = "0x" + "11" * 20, "0x" + "22" * 20
    running.watch({one: now()})
    await until(lambda: len(venue.asked) > 2)
    running.watch({two: now()})
    await until(lambda: venue.asked[-1][1].query["user"] == two)
    await asyncio.sleep(0.1)
    venue.asked.clear()

    await until(lambda: len(venue.asked) > 2)
    assert {request.query["user"] for _, request in venue.asked} == {two}


async def test_a_leader_at_a_new_address_starts_again_from_its_durable_cursor(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until, probe: Callable[[], tuple[Any, Any]]
) -> None:
    """What was on its way to the old actor is gone with it."""
    running, start = polling(poll_overlap_s=1), now() - 1000
    venue.rows = [row(timestamp=start), row(timestamp=start + 900)]
    running.watch({wallet: start - 1})
    await until(lambda: len(running.fills) == 2)
    other, inbox = probe()

    running.watch({wallet: start - 1}, leader=other)

    await until(lambda: len(inbox.of(FillReported)) == 2)


async def test_a_leader_away_for_too_long_is_warned_of(
    polling: Any, venue: Any, wallet: str, until: Until
) -> None:
    with capture_logs() as logs:
        running = polling(identity_window_s=3600, poll_overlap_s=60)
        running.watch({wallet: now() - 10_000})
        await until(lambda: len(venue.asked) == 1)
        running.tell(LeaderDoubted(wallet=wallet))
        await until(lambda: len(venue.asked) == 2)

    for _, request in venue.asked:
        assert now() - 3600 + 60 - 2 <= int(request.query["start"])
    warnings = [entry for entry in logs if entry["log_level"] == "warning"]
    assert len(warnings) == 1
    assert warnings[0]["wallet"] == wallet


async def test_a_row_that_cannot_be_read_holds_the_durable_cursor(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    running, start = polling(), now() - 100
    good, bad, later = row(timestamp=start), row(timestamp=start + 5, size="?"), row(timestamp=start + 9)
    venue.rows = [good, bad, later]
    running.watch({wallet: start - 1})
    await until(lambda: running.cursors == [start + 4])
    assert len(running.fills) == 2

    bad["size"] = 7
    running.tell(LeaderDoubted(wallet=wallet))

    await until(lambda: len(running.fills) == 5)
    running.tell(LeaderDoubted(wallet=wallet))
    await until(lambda: running.cursors == [start + 4, start + 9])


async def test_a_time_in_the_future_does_not_carry_the_cursor_away(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    running = polling()
    venue.rows = [row(timestamp=now() + 86_400)]
    running.watch({wallet: now() - 100})
    await until(lambda: len(running.cursors) == 1)
    assert running.cursors[0] <= now()


async def test_nothing_is_polled_while_the_store_is_away(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    running = polling(available=False, poll_interval_s=0.05)
    venue.rows = [row(timestamp=now())]
    running.watch({wallet: now() - 10})
    await asyncio.sleep(0.2)
    assert venue.asked == []

    running.tell(StoreAvailability(available=True))
    await until(lambda: len(running.fills) >= 1)
    running.tell(StoreAvailability(available=False))
    await asyncio.sleep(0.1)
    polls = len(venue.asked)
    await asyncio.sleep(0.2)
    assert len(venue.asked) == polls


async def test_a_page_that_leads_to_itself_ends_the_sweep(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    async def answer(request: web.Request) -> web.Response:
        body = {"data": [row(timestamp=now() - 5)], "pagination": {"next_cursor": "again"}}
        return web.Response(body=json.dumps(body).encode(), content_type="application/json")

    venue.answer = answer
    running = polling()
    running.watch({wallet: now() - 10})
    assert "leads to itself" in await running.error()
    assert len(venue.asked) == 2


async def test_a_refused_request_is_not_repeated(polling: Any, venue: Any, wallet: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"code": "bad", "error": "user is wrong"}, status=400)

    venue.answer = answer
    running = polling()
    running.watch({wallet: now() - 10})
    assert "refused the request with 400" in await running.error()
    assert len(venue.asked) == 1


async def test_who_is_seen_trading_elsewhere_is_polled_often_from_then_on(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    running = polling(poll_interval_s=60.0)
    cold, other = now() - 200_000, "0x" + "66" * 20
    running.watch({wallet: cold, other: cold})
    await until(lambda: len(venue.asked) >= 2)
    before = await running.base.ask(running.address, PollQuery(), timeout_s=5)
    assert {one.warmth for one in before.wallets} == {"cold"}

    running.tell(LeadersActive(wallets=(wallet, "0x" + "77" * 20)))
    after = await running.base.ask(running.address, PollQuery(), timeout_s=5)

    by_wallet = {one.wallet: one for one in after.wallets}
    assert by_wallet.keys() == {wallet, other}
    assert (by_wallet[wallet].warmth, by_wallet[wallet].interval_ms) == ("hot", 60_000)
    assert (by_wallet[other].warmth, by_wallet[other].interval_ms) == ("cold", 1_800_000)
    assert (after.budget_milli_per_s, after.stretch_milli) == (500_000, 1000)


async def test_the_last_fifty_polled_each_time_would_lose_a_burst_and_the_cursor_does_not(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    running, start = polling(poll_page_rows=50), now() - 100
    venue.rows = [row(transaction_hash=tx, timestamp=start + n // 100) for n, tx in enumerate(hashes(230))]
    running.watch({wallet: start})

    await until(lambda: len(running.fills) == 230)

    assert [fill.tx for fill in running.fills] == hashes(230)


async def test_one_page_after_another_over_a_live_head_neither_repeats_nor_leaves_gaps(
    polling: Any, venue: Any, row: Row, wallet: str, until: Until
) -> None:
    """By offset from a moving head 160 rows of 3,000 came twice, and others never."""
    running, start = polling(poll_page_rows=10), now() - 100
    coming = iter(hashes(60))

    async def trades_meanwhile(request: web.Request) -> None:
        for tx in itertools.islice(coming, 12):
            venue.rows.append(row(transaction_hash=tx, timestamp=start + len(venue.rows)))

    venue.answer = trades_meanwhile
    running.watch({wallet: start})

    await until(lambda: len(running.fills) >= 60)

    assert [fill.tx for fill in running.fills] == hashes(60)
