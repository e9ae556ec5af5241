"""The bench of market data measures what it says, on a small scale."""

from __future__ import annotations

import json

import msgspec
import pytest
from click.testing import CliRunner

from ops.bench import market_frames, nautilus_books
from ops.bench.prices import main

SMALL = ["--hits", "200", "--http-hits", "60", "--frames", "300", "--markets", "4", "--rounds", "2"]
RATIOS = {"hit_ratio", "hit_row_ratio", "http_ratio", "http_unshared_ratio", "bare_decode_ratio"}
TIMES = {
    "hit_us",
    "hit_row_us",
    "hit_ask_us",
    "bare_hit_us",
    "http_hit_us",
    "http_unshared_hit_us",
    "book_frame_us",
    "channel_frame_us",
}
RATES = {"http_hits_per_s", "http_bare_hits_per_s", "book_updates_per_s", "channel_updates_per_s"}


def test_every_figure_is_there_with_its_spread():
    said = CliRunner().invoke(main, [*SMALL, "--json"], catch_exceptions=False)
    figures = json.loads(said.output.splitlines()[-1])
    for name in RATIOS | TIMES | RATES:
        least, most = figures["spread"][name]
        assert 0 < least <= figures[name] <= most, name
    assert ("nautilus_ratio" in figures) != ("nautilus" in figures["left_out"])


def test_who_is_not_installed_is_left_out_with_a_word(monkeypatch: pytest.MonkeyPatch):
    reason = f"nautilus_trader is not installed; {nautilus_books.INSTALL}"
    monkeypatch.setattr(nautilus_books, "absence", lambda: reason)
    said = CliRunner().invoke(main, [*SMALL[:-1], "1"], catch_exceptions=False)
    assert said.output.splitlines()[-1] == f"nautilus is left out: {reason}"
    assert "nautilus_ratio" not in said.output


def test_the_same_seed_makes_the_same_frames():
    made, again, other = (market_frames.stream(200, 3, seed, 1_790_000_000_000) for seed in (1, 1, 2))
    assert made.frames == again.frames != other.frames


def test_a_change_states_the_best_prices_of_both_outcomes_after_it():
    made = market_frames.stream(200, 1, 5, 1_790_000_000_000)
    frames = [msgspec.json.decode(frame) for frame in made.frames]
    kinds = [frame["event_type"] for frame in frames]
    assert set(kinds) == {"book", "price_change", "last_trade_price"}
    assert kinds.count("book") == made.snapshots
    last = next(frame for frame in reversed(frames) if frame["event_type"] == "price_change")
    first, second = last["price_changes"][-2:]
    assert float(first["best_bid"]) == pytest.approx(1 - float(second["best_ask"]))
    assert {first["side"], second["side"]} == {"BUY", "SELL"}


def test_no_book_ever_meets_itself():
    for market in market_frames.stream(3_000, 3, 9, 1_790_000_000_000).markets:
        bid, ask = market.best
        assert 0 < bid < ask < market_frames.TICKS
