"""The venue's own routes, and how it starts and stops."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from ops.venue import BadSetting, PortTaken, TapeUnplayable, Venue, VenueConfig, serve

ROOT = Path(__file__).parents[2]


async def test_truth_is_exact_and_can_be_followed(start_venue, get, write_tape, make):
    odd = make.frame(price=0.49000017, size=13667.740001)
    venue = await start_venue(tape=write_tape([(0, "rtds.activity", odd)]), autostart=True)
    await venue.play_finished()
    truth = await get(venue.urls["control"] + "/truth")
    (leg,) = truth["legs"]
    assert truth["finished"] is True
    assert (leg["price"], leg["size"]) == ("0.49000017", "13667.740001")
    assert (leg["wallet"], leg["token"], leg["side"]) == (make.wallet, make.yes, "BUY")
    assert (await get(venue.urls["control"] + "/truth", after=leg["seq"]))["legs"] == []


async def test_status_counts_frames_and_requests(start_venue, connect, subscribe, get, rain_tape):
    venue = await start_venue(tape=rain_tape)
    await get(venue.urls["gamma"] + "/markets")
    sub = await connect(venue.urls["rtds"], subscribe)
    await sub.texts(5)
    status = await get(venue.urls["control"] + "/status")
    assert (status["trades_played"], status["frames_sent"]) == (5, 5)
    assert status["rtds"]["connections"][0]["frames_sent"] == 5
    assert status["requests"]["GET /gamma/markets"] == 1


async def test_leaders_of_a_tape_are_its_wallets_busiest_first(start_venue, get, write_tape, make):
    other = "0x" + "cd" * 20
    tape = write_tape(
        [(0, "rtds.activity", make.frame(proxyWallet=other))] + [(0, "rtds.activity", make.frame())] * 2
    )
    venue = await start_venue(tape=tape)
    assert (await get(venue.urls["control"] + "/leaders"))["leaders"] == [make.wallet, other]


async def test_start_starts_without_a_subscriber(start_venue, http, rain_tape):
    venue = await start_venue(tape=rain_tape)
    async with http.post(venue.urls["control"] + "/start") as response:
        assert response.status == 200
    await asyncio.wait_for(venue.play_finished(), 2)


async def test_a_taken_port_is_named_with_a_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} .* another port"):
            await serve(VenueConfig(port=port, markets=2, wallets=5))


@pytest.mark.parametrize(
    ("source", "payload", "word"),
    [
        ("gamma.market", {"id": "1"}, "conditionId"),
        ("gamma.market", {"conditionId": "0x1", "clobTokenIds": ["1"], "outcomes": "[]"}, "clobTokenIds"),
        ("clob.book", {"asset_id": "1"}, "market"),
        (
            "clob.book",
            {"asset_id": "1", "market": "m", "bids": [{"price": "x", "size": "1"}], "asks": []},
            "decimal",
        ),
        ("weather.report", {}, "rtds.activity"),
    ],
)
def test_a_record_that_cannot_be_played_is_named(write_tape, source, payload, word):
    with pytest.raises(TapeUnplayable, match=rf"seq 1 \({source}\).*{word}"):
        Venue(VenueConfig(tape=write_tape([(0, source, payload)])))


def test_a_tape_that_is_missing_broken_or_empty_is_a_clear_error(tmp_path):
    with pytest.raises(TapeUnplayable, match="cannot be read"):
        Venue(VenueConfig(tape=tmp_path / "none.jsonl"))
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"seq":1,"at":1,"source":"x","payload":{}}\nnot json\n')
    with pytest.raises(TapeUnplayable, match=r"broken\.jsonl:2"):
        Venue(VenueConfig(tape=broken))
    broken.write_text("")
    with pytest.raises(TapeUnplayable, match="no record"):
        Venue(VenueConfig(tape=broken))


@pytest.mark.parametrize(
    "wrong",
    [
        {"fit_seconds": 0},
        {"speed": -1},
        {"wallets": 1},
        {"markets": 0, "short_lived_markets": 0},
        {"port": 70_000},
        {"tick_change_share": 1.5},
        {"late_share": 0.6, "void_share": 0.6},
    ],
)
def test_an_impossible_setting_is_named(wrong):
    with pytest.raises(BadSetting, match=next(iter(wrong))):
        VenueConfig(**wrong)


async def test_serve_prints_its_urls_on_one_line_and_stops_on_sigterm():
    code = (
        "import asyncio; from ops.venue import VenueConfig, serve;"
        "asyncio.run(serve(VenueConfig(markets=3, wallets=10)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
        async with aiohttp.ClientSession() as session, session.get(said["urls"]["clob"] + "/time") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert await process.stdout.read() == b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
