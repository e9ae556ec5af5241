"""Market data of a running daemon over HTTP: fresh on a bad afternoon, refused or flagged without a venue."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from processes import Daemon, Venue, fetch, remora, until

Starter = Callable[..., Venue]
Maker = Callable[..., Daemon]

POLL_S = 0.25
AFTERNOON_S = float(os.environ.get("AFTERNOON_S", "8"))
FRESH_MS = 3_000


def conditions(venue: Venue, count: int) -> list[str]:
    """Return ids of open markets that last."""
    markets = fetch(f"{venue.urls['gamma']}/markets?limit=100")
    return [market["conditionId"] for market in markets if len(market["conditionId"]) == 66][:count]


def prices(daemon: Daemon, ids: list[str], tier: str) -> dict[str, Any]:
    url, body = f"{daemon.url()}/api/markets/prices", json.dumps({"conditionIds": ids, "tier": tier})
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def refusal(daemon: Daemon, path: str) -> dict[str, Any]:
    """Return the problem that a question is answered with."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetch(f"{daemon.url()}{path}")
    assert refused.value.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.load(refused.value)
    assert problem["status"] == refused.value.code
    return problem


@pytest.fixture
def running(start_venue: Starter, daemon_on: Maker) -> tuple[Venue, Daemon]:
    venue = start_venue()
    daemon = daemon_on(venue, prices={"t1_ms": 2_000})
    daemon.start()
    venue.play()
    return venue, daemon


def test_a_page_that_polls_fifty_markets_sees_three_seconds_at_most_through_a_bad_afternoon(
    running: tuple[Venue, Daemon],
) -> None:
    venue, daemon = running
    ids = conditions(venue, 50)
    assert len(ids) == 50
    prices(daemon, ids, "T2a")
    venue.faults(
        {"kind": "throttle", "rate": 0.05},
        {"kind": "error", "rate": 0.05},
        {"kind": "hang", "rate": 0.03, "seconds": 30},
        {"kind": "latency", "seconds": 0.8},
    )
    ages: list[int] = []
    ends = time.monotonic() + AFTERNOON_S
    while time.monotonic() < ends:
        answer = prices(daemon, ids, "T2a")
        ages += [each["ageMs"] for each in answer["prices"] if each["market"]["resolution"] == "open"]
        time.sleep(POLL_S)
    ages.sort()
    assert ages[len(ages) * 99 // 100] <= FRESH_MS
    shown = json.loads(remora("markets", "--json", "--config", str(daemon.config)).stdout)
    assert {each["conditionId"] for each in shown["markets"]} >= set(ids)


def test_when_everything_upstream_is_gone_execution_is_refused_and_pages_are_told_it_is_old(
    running: tuple[Venue, Daemon],
) -> None:
    venue, daemon = running
    first = conditions(venue, 1)[0]
    path = f"/api/polymarket/price?conditionId={first}"
    fresh = fetch(f"{daemon.url()}{path}&tier=T1")
    assert fresh["stale"] is False
    assert fetch(f"{daemon.url()}/api/markets/{first}/book")["books"]
    walk = fetch(f"{daemon.url()}/api/markets/{first}/effective-price?side=BUY&size=10")
    assert walk["filled"] == "10"
    venue.process.send_signal(signal.SIGKILL)
    until(lambda: fetch(f"{daemon.url()}{path}&tier=T2a")["stale"], "the price is flagged as old")
    problem = refusal(daemon, f"{path}&tier=T1")
    assert (problem["status"], problem["type"]) == (503, "/problems/not-fresh")
    assert refusal(daemon, "/api/polymarket/price?conditionId=nonsense")["status"] == 400
    assert daemon.stop() == 0
    daemon.assert_no_traceback()


def test_a_price_that_moves_is_pushed(running: tuple[Venue, Daemon]) -> None:
    venue, daemon = running
    ids = conditions(venue, 20)
    heard: list[dict[str, Any]] = []

    def listen() -> None:
        url = f"{daemon.url()}/api/markets/stream?ids={','.join(ids)}"
        request = urllib.request.Request(url, headers={"Accept": "text/event-stream"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as stream:
            for line in stream:
                if line.startswith(b"data: "):
                    heard.append(json.loads(line[6:]))

    threading.Thread(target=listen, daemon=True).start()
    until(lambda: {each["conditionId"] for each in heard} == set(ids), "every market is told of at once")
    moved = until(
        lambda: len({(each["conditionId"], *each["prices"]) for each in heard}) > len(ids), "a price moves"
    )
    assert moved
    until(lambda: any(each["source"] == "market_ws" for each in heard), "prices come from live books")
    assert daemon.stop() == 0


def test_what_was_resolved_before_a_kill_is_known_after_it_without_asking(
    start_venue: Starter, daemon_on: Maker
) -> None:
    venue = start_venue()
    daemon = daemon_on(venue)
    daemon.start()
    venue.play()

    def resolved() -> str | None:
        closed = fetch(f"{venue.urls['gamma']}/markets?limit=100&closed=true")
        won = [each for each in closed if each.get("umaResolutionStatus") == "resolved"]
        return won[0]["conditionId"] if won else None

    condition = until(resolved, "a market resolves")
    path = f"/api/polymarket/price?conditionId={condition}&tier=T4"
    first = fetch(f"{daemon.url()}{path}")
    assert first["market"]["resolution"] == "resolved"
    time.sleep(0.5)
    daemon.kill()
    daemon.start()
    venue.process.send_signal(signal.SIGKILL)
    again = fetch(f"{daemon.url()}{path}")
    assert (again["prices"], again["source"], again["stale"]) == (first["prices"], "store", False)
