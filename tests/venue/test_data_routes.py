"""The Data API v2, over real HTTP."""

import asyncio

import pytest

TX = "0x" + "0a" * 32


@pytest.fixture
def sweep_tape(write_tape, make):
    """One buy that swept two prices, with a fee, and one sale."""
    common = {"transactionHash": TX}
    return write_tape(
        [
            (-1, "gamma.market", make.market()),
            (0, "rtds.activity", make.frame(**common, price=0.5, size=10, fee=0.125)),
            (0, "rtds.activity", make.frame(**common, price=0.6, size=30, fee=0.36)),
            (
                0,
                "rtds.activity",
                make.frame(transactionHash="0x" + "0b" * 32, side="SELL", price=0.7, size=15),
            ),
        ]
    )


async def _played(start_venue, tape, **settings):
    venue = await start_venue(tape=tape, autostart=True, **settings)
    await venue.play_finished()
    return venue.urls["data"] + "/v2"


async def test_a_sweep_is_one_row_at_the_average_price_with_the_fee_in_usdc_size(
    start_venue, get, sweep_tape, make
):
    data = await _played(start_venue, sweep_tape)
    answer = await get(data + "/activity", user=make.wallet, side="BUY")
    (row,) = answer["data"]
    assert (row["size"], row["price"], row["usdc_size"]) == (40, 0.575, 23.485)
    assert (row["transaction_hash"], row["token_id"], row["type"]) == (TX, make.yes, "TRADE")
    assert answer["pagination"] == {"limit": 100, "offset": 0, "has_more": False, "next_cursor": None}


async def test_a_fresh_row_has_no_outcome_index_yet(start_venue, get, sweep_tape, make):
    data = await _played(start_venue, sweep_tape, metadata_lag_seconds=0.2, activity_cache_seconds=0)
    fresh = (await get(data + "/activity", user=make.wallet))["data"][0]
    assert (fresh["outcome_index"], fresh["event_slug"]) == (999, "")
    await asyncio.sleep(0.25)
    joined = (await get(data + "/activity", user=make.wallet))["data"][0]
    assert (joined["outcome_index"], joined["event_slug"]) == (0, "rain")


async def test_activity_lags_behind_the_stream(start_venue, get, sweep_tape, make):
    data = await _played(start_venue, sweep_tape, activity_lag_seconds=0.3, activity_cache_seconds=0)
    assert (await get(data + "/activity", user=make.wallet))["data"] == []
    await asyncio.sleep(0.35)
    assert len((await get(data + "/activity", user=make.wallet))["data"]) == 2


async def test_the_same_url_gets_the_stored_body_and_another_url_does_not(
    start_venue, http, sweep_tape, make
):
    data = await _played(start_venue, sweep_tape, activity_lag_seconds=0.3)

    async def rows(**query):
        async with http.get(data + "/activity", params={"user": make.wallet} | query) as response:
            return response.headers["x-cache"], len((await response.json())["data"])

    assert await rows() == ("Miss from cloudfront", 0)
    await asyncio.sleep(0.35)
    assert await rows() == ("Hit from cloudfront", 0)
    assert await rows(start=1) == ("Miss from cloudfront", 2)


async def test_paging_by_cursor_shows_each_row_once_in_both_directions(start_venue, get, make):
    venue = await start_venue(frames_per_second=2000, run_seconds=1.0, leader_share=0.4, autostart=True)
    await venue.play_finished()
    wallet = venue.leaders()[0]
    for direction in ("ASC", "DESC"):
        seen, query = [], {"user": wallet, "limit": 7, "sort_direction": direction}
        while True:
            page = await get(venue.urls["data"] + "/v2/activity", **query)
            seen += [(row["timestamp"], row["transaction_hash"], row["token_id"]) for row in page["data"]]
            if page["pagination"]["next_cursor"] is None:
                break
            query["cursor"] = page["pagination"]["next_cursor"]
        stamps = [stamp for stamp, _, _ in seen]
        assert stamps == sorted(stamps, reverse=direction == "DESC")
        assert len(seen) == len(set(seen)) == len(venue.world.ledger.rows(wallet))
        assert len(seen) > 20


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({}, "user"),
        ({"user": "me"}, "user"),
        ({"user": "0x" + "ab" * 20, "offset": "5"}, "offset"),
        ({"user": "0x" + "ab" * 20, "limit": "1001"}, "limit"),
        ({"user": "0x" + "ab" * 20, "type": "TRADE,GOSSIP"}, "type"),
        ({"user": "0x" + "ab" * 20, "cursor": "nonsense"}, "cursor"),
        ({"user": "0x" + "ab" * 20, "sortDirection": "UP"}, "sort_direction"),
    ],
)
async def test_a_bad_parameter_is_a_400_that_names_it(start_venue, http, rain_tape, query, parameter):
    venue = await start_venue(tape=rain_tape)
    async with http.get(venue.urls["data"] + "/v2/activity", params=query) as response:
        body = await response.json()
        assert response.status == 400
        assert body["parameter"] == parameter
        assert {"code", "error", "retryable", "trace_id"} <= body.keys()


async def test_positions_are_the_fold_of_the_trades(start_venue, get, sweep_tape, make):
    data = await _played(start_venue, sweep_tape)
    (position,) = (await get(data + "/positions", user=make.wallet))["data"]
    assert (position["current_size"], position["avg_price"], position["total_size"]) == (25, 0.575, 40)
    assert position["realized_pnl"] == 1.875
    assert position["opposite_token_id"] == make.no


async def test_trades_show_takers_only_unless_asked(start_venue, get, sweep_tape):
    data = await _played(start_venue, sweep_tape)
    assert len((await get(data + "/trades"))["data"]) == 1
    assert len((await get(data + "/trades", taker_only="false"))["data"]) == 2
