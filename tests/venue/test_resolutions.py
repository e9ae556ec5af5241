"""How markets end, as every witness tells it."""

import json
from collections import defaultdict
from decimal import Decimal
from itertools import islice

import pytest

from ops.venue import VenueConfig, endings
from ops.venue.feeds.events import MarketStated
from ops.venue.feeds.generator import GeneratorFeed


class Witnesses:
    """Asks all hosts about one market, and lets it end."""

    def __init__(self, venue, get, http, condition):
        self.venue = venue
        self._get = get
        self._http = http
        self._condition = condition

    @property
    def market(self):
        return self.venue.world.markets[self._condition]

    def let(self, market):
        self.venue.world.apply(MarketStated(market), self.venue.world.clock.now_ns())

    async def gamma(self):
        found = await self._get(
            self.venue.urls["gamma"] + "/markets", condition_ids=self._condition, closed="true"
        )
        return found[0]

    async def clob(self):
        return await self._get(f"{self.venue.urls['clob']}/markets/{self._condition}")

    async def rows(self, **query):
        url = self.venue.urls["data"] + "/v2/resolutions"
        return (await self._get(url, **(query or {"condition": self._condition})))["data"]

    async def row(self):
        (row,) = await self.rows()
        return row


@pytest.fixture
async def witnesses(start_venue, get, http, write_tape, make):
    question = make.market(questionID="0x" + "9a" * 32)
    tape = write_tape([(-1, "gamma.market", question), (-1, "clob.book", make.book())])
    return Witnesses(await start_venue(tape=tape), get, http, make.condition)


async def test_an_open_and_an_unknown_market_are_not_in_the_feed(witnesses):
    assert await witnesses.rows() == []
    assert await witnesses.rows(condition="0x" + "00" * 32) == []


async def test_a_market_that_resolves_by_itself_pays_at_once(witnesses):
    witnesses.let(endings.won(witnesses.market, 1))
    row = await witnesses.row()
    assert (row["status"], row["payouts"], row["was_disputed"]) == ("resolved", [0, 1_000_000], False)
    assert row["resolution_source"] == "reported"
    assert row["resolved_at"] == row["last_update_timestamp"]
    assert "proposed_price" not in row
    assert json.loads((await witnesses.gamma())["outcomePrices"]) == ["0", "1"]


async def test_closed_without_a_winner_then_resolved(witnesses):
    """The disaster: a position settled at 0.5 because the market closed before anybody knew."""
    halves = ("0.5", "0.5")
    proposed = endings.undecided(witnesses.market, "proposed", proposal=Decimal(1), prices=halves)
    witnesses.let(proposed)
    gamma, clob, row = await witnesses.gamma(), await witnesses.clob(), await witnesses.row()
    assert (gamma["closed"], gamma["umaResolutionStatus"]) == (True, "proposed")
    assert json.loads(gamma["outcomePrices"]) == ["0.5", "0.5"]
    assert (clob["closed"], clob["is_50_50_outcome"]) == (True, False)
    assert [token["winner"] for token in clob["tokens"]] == [False, False]
    assert (row["status"], row["proposed_price"], row["price"]) == ("proposed", "1" + "0" * 18, "69")
    assert "payouts" not in row
    assert row["expected_settlement_time"] > row["last_update_timestamp"]
    witnesses.let(endings.won(witnesses.market, 0))
    row = await witnesses.row()
    assert (row["status"], row["payouts"], row["price"]) == ("resolved", [1_000_000, 0], "1" + "0" * 18)
    assert (await witnesses.gamma())["umaResolutionStatuses"] == '["proposed"]'
    assert [token["winner"] for token in (await witnesses.clob())["tokens"]] == [True, False]


async def test_a_dispute_is_told_while_it_lasts_and_remembered_after(witnesses):
    """The disaster: a proposal that looks like a winner is paid while it is disputed."""
    sure = ("0.9995", "0.0005")
    witnesses.let(endings.undecided(witnesses.market, "proposed", proposal=Decimal(1), prices=sure))
    witnesses.let(endings.undecided(witnesses.market, "disputed"))
    row = await witnesses.row()
    assert (row["status"], row["was_disputed"], row["proposed_price"]) == ("disputed", True, "1" + "0" * 18)
    assert (await witnesses.gamma())["umaResolutionStatus"] == "disputed"
    assert [token["winner"] for token in (await witnesses.clob())["tokens"]] == [False, False]
    witnesses.let(endings.won(witnesses.market, 1))
    row = await witnesses.row()
    assert (row["status"], row["was_disputed"], row["payouts"]) == ("resolved", True, [0, 1_000_000])


async def test_fifty_fifty_pays_half_each_and_nobody_won(witnesses):
    witnesses.let(endings.undecided(witnesses.market, "proposed", proposal=endings.HALF))
    assert (await witnesses.row())["proposed_price"] == "5" + "0" * 17
    witnesses.let(endings.void(witnesses.market))
    gamma, clob, row = await witnesses.gamma(), await witnesses.clob(), await witnesses.row()
    assert (json.loads(gamma["outcomePrices"]), gamma["umaResolutionStatus"]) == (["0.5", "0.5"], "resolved")
    assert clob["is_50_50_outcome"] is True
    assert [token["winner"] for token in clob["tokens"]] == [False, False]
    assert (row["payouts"], row["price"]) == ([500_000, 500_000], "5" + "0" * 17)


async def test_a_legacy_row_says_nothing_of_who_won(witnesses):
    witnesses.let(endings.legacy(witnesses.market))
    gamma = await witnesses.gamma()
    assert json.loads(gamma["outcomePrices"]) == ["0", "0"]
    assert "umaResolutionStatus" not in gamma
    assert (await witnesses.clob())["is_50_50_outcome"] is False
    assert await witnesses.rows() == []


async def test_a_question_can_be_posed_while_the_market_is_open(witnesses):
    witnesses.let(endings.undecided(witnesses.market, "posed", closed=False))
    row = await witnesses.row()
    assert (row["status"], row["proposed_price"]) == ("posed", "69")
    assert not witnesses.market.closed


async def test_the_stream_names_a_winner_only_once_there_is_one(witnesses, connect, make):
    wants = {"type": "market", "assets_ids": [make.yes], "custom_feature_enabled": True}
    socket = await connect(witnesses.venue.urls["market_ws"], wants)
    await socket.texts(1)
    witnesses.let(endings.undecided(witnesses.market, "proposed", prices=("1", "0")))
    assert await socket.texts(1, seconds=0.2) == []
    witnesses.let(endings.won(witnesses.market, 0))
    (told,) = map(json.loads, await socket.texts(1))
    assert (told["event_type"], told["winning_asset_id"]) == ("market_resolved", make.yes)


async def test_rows_are_found_by_question_and_by_event(witnesses):
    witnesses.let(endings.won(witnesses.market, 0))
    row = await witnesses.row()
    assert await witnesses.rows(question_id="0x" + "9a" * 32) == [row]
    assert await witnesses.rows(eventId="7,8") == [row]
    assert await witnesses.rows(event_id="8") == []


@pytest.mark.parametrize(
    "query", [{}, {"condition": ""}, {"condition": "0x1", "event_id": "7"}, {"event_id": "7", "offset": "0"}]
)
async def test_anything_but_one_way_to_ask_is_a_400(witnesses, http, query):
    async with http.get(witnesses.venue.urls["data"] + "/v2/resolutions", params=query) as response:
        body = await response.json()
        assert response.status == 400
        assert {"code", "error", "retryable", "trace_id", "parameter"} <= body.keys()


async def test_a_holding_in_an_undecided_market_is_not_redeemable(start_venue, get, rain_tape, make):
    venue = await start_venue(tape=rain_tape, autostart=True, positions_cache_seconds=0)
    await venue.play_finished()

    async def statuses():
        found = {}
        for status in ("OPEN", "REDEEMABLE", "REDEEMABLE_LOST"):
            url = venue.urls["data"] + "/v2/positions"
            rows = (await get(url, user=make.wallet, status=status))["data"]
            found[status] = [row["redeemable"] for row in rows]
        return found

    market = venue.world.markets[make.condition]
    for ended, expected in (
        (endings.undecided(market, "proposed"), {"OPEN": [False], "REDEEMABLE": [], "REDEEMABLE_LOST": []}),
        (endings.legacy(market), {"OPEN": [False], "REDEEMABLE": [], "REDEEMABLE_LOST": []}),
        (endings.void(market), {"OPEN": [], "REDEEMABLE": [True], "REDEEMABLE_LOST": []}),
        (endings.won(market, 1), {"OPEN": [], "REDEEMABLE": [], "REDEEMABLE_LOST": [True]}),
    ):
        venue.world.apply(MarketStated(ended), venue.world.clock.now_ns())
        assert await statuses() == expected


def _ways(**shares):
    """Return what each short-lived market went through once it was closed."""
    defaults = {"late_share": 0.0, "disputed_share": 0.0, "void_share": 0.0, "legacy_share": 0.0}
    config = VenueConfig(
        markets=2,
        wallets=20,
        short_lived_seconds=(1, 2),
        oracle_seconds=(0.1, 0.5),
        **(defaults | shares),
    )
    ways, feed = defaultdict(list), GeneratorFeed(config)
    for _, event in islice(feed.events(), 3000):
        if isinstance(event, MarketStated) and event.market.closed:
            ways[event.market.condition].append(
                (event.market.oracle, event.market.winner, event.market.prices)
            )
    return list(ways.values())


def test_the_generator_ends_markets_by_the_configured_shares():
    assert {way[-1][0] for way in _ways()} == {"resolved"}
    late = [way for way in _ways(late_share=1.0) if len(way) > 1]
    assert {(way[0], way[1][0]) for way in late} == {(("proposed", None, ("0.5", "0.5")), "resolved")}
    disputed = [[stage for stage, _, _ in way] for way in _ways(disputed_share=1.0) if len(way) > 2]
    assert len(disputed) > 5
    assert all(way == ["proposed", "disputed", "resolved"] for way in disputed)
    assert {tuple(way) for way in _ways(void_share=1.0)} == {(("resolved", None, ("0.5", "0.5")),)}
    assert {tuple(way) for way in _ways(legacy_share=1.0)} == {(("", None, ("0", "0")),)}


def test_a_mix_of_endings_has_all_of_them():
    ways = _ways(late_share=0.25, disputed_share=0.25, void_share=0.25, legacy_share=0.2)
    assert {(way[0][0], way[0][2]) for way in ways} >= {
        ("proposed", ("0.5", "0.5")),
        ("resolved", ("0.5", "0.5")),
        ("", ("0", "0")),
    }
