"""Faults on the WebSockets: each as a client meets it."""

import asyncio
import json
from collections import Counter

import aiohttp

from ops.venue import FaultSpec


def _spec(*faults, seed=1):
    return FaultSpec.parse(json.dumps({"seed": seed, "faults": faults}))


async def _frames(start_venue, connect, subscribe, tape, count, *faults, seconds=2.0):
    venue = await start_venue(tape=tape, faults=_spec(*faults), blank_frame_every=0)
    socket = await connect(venue.urls["rtds"], subscribe)
    return venue, socket, await socket.texts(count, seconds)


def _numbers(texts):
    return [int(json.loads(text)["payload"]["transactionHash"], 16) for text in texts]


async def test_every_frame_three_times_the_same_bytes(start_venue, connect, subscribe, rain_tape):
    _, _, texts = await _frames(
        start_venue, connect, subscribe, rain_tape, 15, {"kind": "duplicate", "times": 3}
    )
    assert len(texts) == 15
    assert set(Counter(texts).values()) == {3}


async def test_duplicates_are_not_in_the_truth(start_venue, connect, subscribe, rain_tape, get):
    venue, _, _ = await _frames(start_venue, connect, subscribe, rain_tape, 10, {"kind": "duplicate"})
    truth = await get(venue.urls["control"] + "/truth")
    assert len(truth["legs"]) == 5


async def test_silence_is_of_one_connection_and_ping_is_answered(start_venue, connect, subscribe):
    silence = {"kind": "silence", "channel": "rtds", "connection": 1, "after_s": 0.3}
    venue = await start_venue(frames_per_second=200, faults=_spec(silence))
    stalled = await connect(venue.urls["rtds"], subscribe)
    healthy = await connect(venue.urls["rtds"], subscribe)
    assert len(await stalled.texts(10_000, seconds=0.8)) > 5
    await stalled.texts(10_000, seconds=0.2)
    await stalled.say("PING")
    assert await stalled.texts(2, seconds=0.4) == ["PONG"]
    assert len(await healthy.texts(50)) == 50


async def test_a_silence_that_ends(start_venue, connect, subscribe):
    venue = await start_venue(frames_per_second=200, faults=_spec({"kind": "silence", "for_s": 0.4}))
    socket = await connect(venue.urls["rtds"], subscribe)
    assert await socket.texts(1, seconds=0.2) == []
    assert await socket.texts(1, seconds=1.0)


async def test_a_disconnect_without_a_word(start_venue, connect, subscribe):
    fault = {"kind": "disconnect", "after_s": 0.2, "limit": 1}
    venue = await start_venue(frames_per_second=200, faults=_spec(fault))
    socket = await connect(venue.urls["rtds"], subscribe)
    await socket.texts(10_000, seconds=2)
    assert socket.ws.closed
    again = await connect(venue.urls["rtds"], subscribe)
    await again.texts(10_000, seconds=0.4)
    assert not again.ws.closed


async def test_a_disconnect_with_a_code_between_two_frames(start_venue, connect, subscribe, rain_tape):
    fault = {"kind": "disconnect", "per_frame": True, "limit": 1, "code": 1012}
    _, socket, texts = await _frames(start_venue, connect, subscribe, rain_tape, 99, fault)
    assert socket.closed_with == 1012
    assert 1 <= len(texts) < 5


async def test_reordering_loses_nothing_and_stays_in_its_window(
    start_venue, connect, subscribe, write_tape, make
):
    trades = [(0.002 * n, "rtds.activity", make.frame(transactionHash=f"0x{n:064x}")) for n in range(60)]
    fault = {"kind": "reorder", "window": 5}
    _, _, texts = await _frames(start_venue, connect, subscribe, write_tape(trades), 60, fault)
    got = _numbers(texts)
    assert sorted(got) == list(range(60))
    assert got != sorted(got)
    assert all(number < place + 5 for place, number in enumerate(got))


async def test_garbage_comes_beside_good_frames_never_instead(start_venue, connect, subscribe, rain_tape):
    _, _, texts = await _frames(start_venue, connect, subscribe, rain_tape, 10, {"kind": "garbage"})
    assert len(texts) == 10
    good = [text for text in texts if '"tape"' not in text and '"proxyWallet"' in text]
    assert _numbers(good) == [0, 1, 2, 3, 4]


async def test_an_oversized_frame(start_venue, connect, subscribe, rain_tape):
    fault = {"kind": "oversized", "size_bytes": 300_000, "limit": 1}
    _, _, texts = await _frames(start_venue, connect, subscribe, rain_tape, 6, fault)
    assert sorted(len(text) > 300_000 for text in texts) == [False] * 5 + [True]


async def test_a_late_stream_tells_old_times(start_venue, connect, subscribe, rain_tape):
    _, _, texts = await _frames(
        start_venue, connect, subscribe, rain_tape, 1, {"kind": "backdate", "seconds": 1800}
    )
    late = json.loads(texts[0])
    assert late["timestamp"] // 1000 == late["payload"]["timestamp"]
    assert late["payload"]["timestamp"] < asyncio.get_running_loop().time() + 1e12
    _, _, fresh = await _frames(start_venue, connect, subscribe, rain_tape, 1)
    assert 1795 < json.loads(fresh[0])["payload"]["timestamp"] - late["payload"]["timestamp"] < 1860


async def test_delayed_frames_come_in_order(start_venue, connect, subscribe, rain_tape):
    loop = asyncio.get_running_loop()
    began = loop.time()
    _, _, texts = await _frames(
        start_venue, connect, subscribe, rain_tape, 5, {"kind": "delay", "seconds": 0.4}
    )
    assert _numbers(texts) == [0, 1, 2, 3, 4]
    assert loop.time() - began > 0.4


async def test_the_same_seed_drops_the_same_frames(start_venue, connect, subscribe, write_tape, make):
    trades = [(0.001 * n, "rtds.activity", make.frame(transactionHash=f"0x{n:064x}")) for n in range(50)]
    tape = write_tape(trades)
    runs = []
    for _ in range(2):
        _, _, texts = await _frames(
            start_venue, connect, subscribe, tape, 99, {"kind": "drop", "rate": 0.4}, seconds=0.5
        )
        runs.append(_numbers(texts))
    assert runs[0] == runs[1]
    assert 15 < len(runs[0]) < 45


async def test_faults_can_be_set_and_lifted_while_sockets_are_open(start_venue, connect, subscribe, http):
    venue = await start_venue(frames_per_second=300)
    socket = await connect(venue.urls["rtds"], subscribe)
    await socket.texts(5)
    silence = {"faults": [{"kind": "silence"}]}
    async with http.post(venue.urls["control"] + "/faults", json=silence) as response:
        assert response.status == 200
    await socket.texts(10_000, seconds=0.3)
    assert await socket.texts(1, seconds=0.3) == []
    async with http.delete(venue.urls["control"] + "/faults"):
        pass
    assert await socket.texts(1)


async def test_a_spec_that_says_nothing_is_refused_with_the_kinds(start_venue, http):
    venue = await start_venue()
    wrong = {"faults": [{"kind": "earthquake"}]}
    async with http.post(venue.urls["control"] + "/faults", json=wrong) as response:
        text = (await response.json())["error"]
        assert response.status == 400
        assert "earthquake" in text
        assert "duplicate" in text


async def test_binary_garbage_does_not_end_a_connection(start_venue, connect, subscribe, make, write_tape):
    trades = [(0.001 * n, "rtds.activity", make.frame(transactionHash=f"0x{n:064x}")) for n in range(60)]
    _, socket, texts = await _frames(
        start_venue, connect, subscribe, write_tape(trades), 120, {"kind": "garbage"}
    )
    assert len(texts) == 120
    assert any(text.startswith("b'") for text in texts)
    assert socket.ws.exception() is None
    assert isinstance(socket.ws, aiohttp.ClientWebSocketResponse)
