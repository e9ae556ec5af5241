"""The race of the sources: who was first, how late, and what a source that was up never told of."""

from __future__ import annotations

from pathlib import Path

from examples import NOON_NS, NS, WALLET, YES, tx_of
from store_desk import Desk

from actors.store.race import race
from actors.store.reading import reading
from messages.store import Sighting, StoreSightings
from messages.trades import Side, SourceKind

API, CHAIN, STREAM = SourceKind.API, SourceKind.CHAIN, SourceKind.STREAM


def seen(number: int, **lags_ms: int) -> StoreSightings:
    """A trade at that second, and how late each source told of it."""
    traded_at_ns = NOON_NS + number * NS
    return StoreSightings(
        sightings=tuple(
            Sighting(
                wallet=WALLET,
                tx=tx_of(number),
                token_id=YES,
                side=Side.BUY,
                kind=SourceKind(kind),
                feed=kind,
                traded_at_ns=traded_at_ns,
                seen_at_ns=traded_at_ns + lag_ms * 1_000_000,
            )
            for kind, lag_ms in lags_ms.items()
        )
    )


async def test_the_race_says_who_was_first_how_late_and_who_missed_what(desk: Desk, place: Path) -> None:
    for number in range(0, 20, 2):
        desk.put(seen(number, stream=800, chain=2_000, api=4_000))
    desk.put(seen(5, chain=2_000))
    desk.put(seen(200, chain=1_000))
    await desk.settled()

    async with reading(desk.url, place) as connection:
        found = await race(connection, NOON_NS)
        assert (await race(connection, NOON_NS + 300 * NS))["trades"] == 0

    by_kind = {one["source"]: one for one in found["sources"]}
    assert found["trades"] == 12
    assert {kind: (one["seen"], one["first"], one["lost"]) for kind, one in by_kind.items()} == {
        "stream": (10, 10, 1),
        "chain": (12, 2, 0),
        "api": (10, 0, 1),
    }
    assert by_kind["stream"]["lag_ms"] == {"p50": 800.0, "p95": 800.0, "p99": 800.0}
    pairs = {(one["source"], one["against"]): (one["both"], one["ahead"]) for one in found["pairs"]}
    assert pairs == {("api", "chain"): (10, 0), ("api", "stream"): (10, 0), ("chain", "stream"): (10, 0)}


async def test_what_happened_while_a_source_was_away_is_not_lost_to_it(desk: Desk, place: Path) -> None:
    for number in (0, 10, 300, 310, 900):
        desk.put(seen(number, chain=1_000, stream=900))
    for number in (100, 150, 200):
        desk.put(seen(number, chain=1_000))
    await desk.settled()
    async with reading(desk.url, place) as connection:
        found = await race(connection, NOON_NS)
    assert [one["lost"] for one in found["sources"]] == [0, 0]
