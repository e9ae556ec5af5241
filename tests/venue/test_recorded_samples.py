"""Recorded payloads from outside the repository go through the venue unchanged."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ops.tape import import_leader_fills

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"

pytestmark = [
    pytest.mark.samples,
    pytest.mark.skipif(
        not SAMPLES.is_dir(), reason=f"no recorded samples at {SAMPLES.name}/ beside the repository"
    ),
]


def _lines(name):
    return [json.loads(line) for line in (SAMPLES / name).read_text().splitlines()]


async def test_recorded_frames_are_played_with_nothing_changed_but_the_times(
    start_venue, connect, subscribe, write_tape
):
    frames = _lines("rtds/activity_trades_frames.jsonl")
    venue = await start_venue(
        tape=write_tape([(0.01 * n, "rtds.activity", one) for n, one in enumerate(frames)])
    )
    socket = await connect(venue.urls["rtds"], subscribe)
    got = [json.loads(text) for text in await socket.texts(len(frames))]
    for played, recorded in zip(got, frames, strict=True):
        assert played.keys() == recorded.keys()
        assert played["payload"] | {"timestamp": 0} == recorded["payload"] | {"timestamp": 0}


async def test_recorded_gamma_markets_are_served(start_venue, get, write_tape):
    rows = [one["raw"] for one in _lines("bulk/gamma_btc5m_markets_2026-07-24.jsonl")][:50]
    venue = await start_venue(tape=write_tape([(-1, "gamma.market", one) for one in rows]))
    for recorded in rows:
        (served,) = await get(
            venue.urls["gamma"] + "/markets", condition_ids=recorded["conditionId"], closed="true"
        )
        assert served.keys() == recorded.keys()
        assert served["outcomePrices"] == recorded["outcomePrices"]
        clob = await get(f"{venue.urls['clob']}/markets/{recorded['conditionId']}")
        winner = [one["winner"] for one in clob["tokens"]].index(True)
        assert json.loads(recorded["outcomePrices"])[winner] == "1"


async def test_two_hundred_real_fills_of_three_leaders(start_venue, connect, subscribe, get, tmp_path):
    tape = tmp_path / "leaders.tape.jsonl"
    source = SAMPLES / "bulk" / "top5_leader_trades_2026-01.jsonl"
    summary = import_leader_fills(source, tape)
    assert (summary.fills, summary.markets, len(summary.wallets)) == (200, 34, 3)
    venue = await start_venue(tape=tape, fit_seconds=1.0, blank_frame_every=0)
    assert list(venue.leaders()) == list(summary.wallets)
    socket = await connect(venue.urls["rtds"], subscribe)
    payloads = [json.loads(text)["payload"] for text in await socket.texts(200)]
    rows = _lines("bulk/top5_leader_trades_2026-01.jsonl")
    assert Counter((p["transactionHash"], p["price"], p["size"]) for p in payloads) == Counter(
        (row["tx_hash"], float(row["price"]), float(row["shares_normalized"])) for row in rows
    )
    truth = await get(venue.urls["control"] + "/truth")
    assert {leg["price"] for leg in truth["legs"]} == {row["price"] for row in rows}
    for row in rows:
        book = await get(venue.urls["clob"] + "/book", token_id=row["token_id"])
        assert sum(float(level["size"]) for level in book["asks"][-3:]) > 2 * float(row["shares_normalized"])
