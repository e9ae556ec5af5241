"""The trade stream, over a real socket."""

import json
import time


async def test_a_subscriber_gets_every_leg_of_the_tape_to_the_digit(
    start_venue, connect, subscribe, write_tape, make
):
    odd = make.frame(price=0.49000017, size=13667.740001, unheardOf={"a": [1]})
    venue = await start_venue(tape=write_tape([(0, "rtds.activity", odd)]))
    socket = await connect(venue.urls["rtds"], subscribe)
    (text,) = await socket.texts(1)
    got = json.loads(text)
    assert '"price":0.49000017,' in text
    assert '"size":13667.740001,' in text
    assert got["payload"] | {"timestamp": 0} == odd["payload"] | {"timestamp": 0}
    assert (got["topic"], got["type"]) == ("activity", "trades")


async def test_times_are_those_of_the_play_not_of_the_tape(start_venue, connect, subscribe, rain_tape):
    venue = await start_venue(tape=rain_tape)
    socket = await connect(venue.urls["rtds"], subscribe)
    got = json.loads((await socket.texts(1))[0])
    assert abs(got["payload"]["timestamp"] - time.time()) < 3
    assert abs(got["timestamp"] / 1000 - time.time()) < 3


async def test_each_connection_has_an_id_of_its_own(start_venue, connect, subscribe, rain_tape):
    venue = await start_venue(tape=rain_tape, start_delay_seconds=0.2)
    sockets = [await connect(venue.urls["rtds"], subscribe) for _ in range(3)]
    ids = {json.loads((await socket.texts(1))[0])["connection_id"] for socket in sockets}
    assert len(ids) == 3


async def test_a_subscription_without_action_is_ignored_in_silence(
    start_venue, connect, subscribe, rain_tape
):
    venue = await start_venue(tape=rain_tape, autostart=True, fit_seconds=0.1)
    socket = await connect(venue.urls["rtds"], {"subscriptions": subscribe["subscriptions"]})
    assert await socket.texts(1, seconds=0.4) == []


async def test_one_unknown_topic_poisons_the_whole_list(start_venue, connect, rain_tape):
    venue = await start_venue(tape=rain_tape)
    topics = [{"topic": "activity", "type": "trades"}, {"topic": "gossip", "type": "*"}]
    socket = await connect(venue.urls["rtds"], {"action": "subscribe", "subscriptions": topics})
    (refusal,) = await socket.texts(1)
    assert json.loads(refusal)["statusCode"] == 401
    assert not venue.status()["started"]


async def test_a_filtered_subscription_yields_nothing(start_venue, connect, rain_tape):
    venue = await start_venue(tape=rain_tape, autostart=True)
    filtered = {"topic": "activity", "type": "trades", "filters": '{"event_slug":"rain"}'}
    socket = await connect(venue.urls["rtds"], {"action": "subscribe", "subscriptions": [filtered]})
    assert await socket.texts(1, seconds=0.3) == []


async def test_unsubscribing_ends_the_frames(start_venue, connect, subscribe):
    venue = await start_venue(frames_per_second=400)
    socket = await connect(venue.urls["rtds"], subscribe)
    await socket.texts(5)
    await socket.say(subscribe | {"action": "unsubscribe"})
    await socket.texts(10_000, seconds=0.3)
    assert await socket.texts(1, seconds=0.3) == []


async def test_ping_is_answered_with_pong(start_venue, connect):
    venue = await start_venue()
    socket = await connect(venue.urls["rtds"], "PING")
    assert await socket.texts(1) == ["PONG"]


async def test_blank_frames_come_between_good_ones(start_venue, connect, subscribe):
    venue = await start_venue(frames_per_second=500, blank_frame_every=10)
    socket = await connect(venue.urls["rtds"], subscribe)
    assert (await socket.texts(22)).count("") == 2


async def test_a_recorded_frame_that_is_no_trade_is_passed_on(
    start_venue, connect, subscribe, write_tape, make
):
    strange = {"topic": "activity", "type": "trades", "payload": {"asset": 5}}
    tape = write_tape([(0, "rtds.activity", strange), (0, "rtds.activity", make.frame())])
    venue = await start_venue(tape=tape)
    socket = await connect(venue.urls["rtds"], subscribe)
    assert json.loads((await socket.texts(2))[0]) == strange
    assert venue.status()["trades_played"] == 1


async def test_play_waits_for_a_subscriber_and_ends_with_open_sockets(
    start_venue, connect, subscribe, rain_tape
):
    venue = await start_venue(tape=rain_tape)
    assert not venue.status()["started"]
    socket = await connect(venue.urls["rtds"], subscribe)
    assert len(await socket.texts(5)) == 5
    await venue.play_finished()
    await socket.say("PING")
    assert await socket.texts(1) == ["PONG"]
    assert venue.status()["finished"]


async def test_fit_seconds_compresses_a_long_tape(start_venue, connect, subscribe, write_tape, make):
    hours = [(3600.0 * n, "rtds.activity", make.frame(transactionHash=f"0x{n:064x}")) for n in range(5)]
    venue = await start_venue(tape=write_tape(hours), fit_seconds=0.4)
    socket = await connect(venue.urls["rtds"], subscribe)
    began = time.monotonic()
    assert len(await socket.texts(5)) == 5
    assert 0.3 < time.monotonic() - began < 2


async def test_play_holds_while_nobody_listens(start_venue, connect, subscribe):
    venue = await start_venue(hold_without_subscriber=True, frames_per_second=300)
    socket = await connect(venue.urls["rtds"], subscribe)
    await socket.texts(10)
    await socket.ws.close()
    held_at = venue.status()["trades_played"]
    again = await connect(venue.urls["rtds"], subscribe)
    assert await again.texts(3)
    assert held_at < venue.status()["trades_played"] < held_at + 200


async def test_a_socket_that_does_not_read_is_closed_not_remembered_for_ever(start_venue, connect, subscribe):
    venue = await start_venue(
        frames_per_second=1e6, run_seconds=0.03, outbox_frames_max=50, quotes_per_trade=0
    )
    socket = await connect(venue.urls["rtds"], subscribe)
    await venue.play_finished()
    await socket.texts(1_000_000)
    assert socket.ws.closed
    assert socket.closed_with == 4002
