"""`remora markets` and `remora price` against the web actor: what they print, and what they end with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from click.testing import CliRunner
from price_script import LEGACY, NOBODY, OLD, RAIN, SILENT
from web_house import House

from messages.markets import Tier
from messages.prices import PriceQuery
from ops.cli import main


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.close()


@pytest.fixture
def remora(house, tmp_path):
    """Run a command on the daemon that `house` stands for."""
    (tmp_path / "web.json").write_text(json.dumps({"url": house.url, "pid": 1, "run_id": "r1"}))

    async def run(*args):
        done = await asyncio.to_thread(
            CliRunner().invoke, main, [*args, "--set", f"state_dir={tmp_path}"], catch_exceptions=False
        )
        return done.exit_code, done.output

    return run


async def test_the_hot_set_is_a_table_with_whole_ids_to_copy(remora):
    code, said = await remora("markets")
    assert code == 0
    for text in (
        RAIN,
        OLD,
        "Will it",
        "T1",
        "held",
        "2027-01-15 12:00:00",
        "never",
        "0.2 s",
        "not known",
    ):
        assert text in said


async def test_the_hot_set_as_json_is_what_the_daemon_answers(remora, house):
    code, said = await remora("markets", "--json")
    assert (code, json.loads(said)) == (0, (await house.get("/api/markets/demand"))[1])


async def test_a_price_is_shown_with_its_outcomes_and_its_age(remora, house):
    code, said = await remora("price", RAIN.upper().replace("X", "x"), "--tier", "T2a")
    assert code == 0
    for text in ("Will it rain? (open)", "Yes", "0.52", "No", "0.48", "0.2 s old", "from market_ws, as T2a"):
        assert text in said
    assert "STALE" not in said
    assert house.script["asked"] == [PriceQuery(condition_id=RAIN, tier=Tier.T2A)]


async def test_a_price_that_is_older_than_asked_for_says_so_and_why(remora):
    code, said = await remora("price", OLD, "--max-age", "2.5")
    assert code == 0
    assert "STALE, 86400.0 s old" in said
    assert "not fresher: gamma: no answer in 1.5 s" in said


async def test_a_price_that_is_not_known_is_no_zero(remora):
    code, said = await remora("price", LEGACY)
    assert code == 0
    assert said.count("not known") == 2


async def test_a_price_as_json_is_what_the_daemon_answers(remora, house):
    code, said = await remora("price", RAIN, "--json")
    answered = (await house.get(f"/api/polymarket/price?conditionId={RAIN}"))[1]
    assert (code, json.loads(said)) == (0, answered)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("price", NOBODY), 2, f"no host has a market {NOBODY}"),
        (("price", "0x12"), 2, "expected 0x and 64 hex digits"),
        (("price", RAIN, "--tier", "T1", "--max-age", "1"), 2, "not both"),
        (("price", RAIN, "--tier", "T9"), 2, "T2a"),
        (("price", RAIN, "--max-age", "-1"), 2, "--max-age"),
        (("price", OLD, "--tier", "T1"), 6, "the prices are a day old"),
        (("price", SILENT), 6, "gamma: no answer in 1.5 s"),
    ],
)
async def test_what_cannot_be_answered_ends_with_its_code_and_the_daemons_words(remora, args, code, said):
    ended, output = await remora(*args)
    assert ended == code
    assert said in output


async def test_without_a_daemon_there_is_no_price(remora, tmp_path):
    (tmp_path / "web.json").unlink()
    code, said = await remora("price", RAIN)
    assert code == 6
    assert "no daemon runs on" in said
