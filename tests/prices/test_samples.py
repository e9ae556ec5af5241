"""Every recorded market, book and market-channel frame is read, and bulk rows name the right winner."""

from __future__ import annotations

import json

import pytest

from actors.prices import clob, gamma
from actors.prices.errors import MalformedError
from actors.prices.live.events import BookSnapshot, LastTrade, LevelsChanged, TickChanged
from actors.prices.live.frames import decode_frame
from messages.markets import Resolution

pytestmark = pytest.mark.samples


def test_every_bulk_market_resolves_to_the_recorded_winner(samples):
    rows = (samples / "bulk" / "gamma_btc5m_markets_2026-07-24.jsonl").read_bytes().splitlines()
    assert len(rows) == 292
    for row in map(json.loads, rows):
        market = gamma.decode_market(json.dumps(row["raw"]).encode())
        assert market.resolution is Resolution.RESOLVED
        assert market.payouts == tuple(int(price) * 1_000_000 for price in row["outcome_prices"])
        assert market.token_ids == tuple(row["token_ids"])
        assert market.condition_id == row["condition_id"]
        assert market.fee_rate == 70_000
        assert market.end_at_ns == row["end_sec"] * 1_000_000_000


@pytest.mark.parametrize(
    ("name", "resolution", "payouts"),
    [
        ("crate__gamma_market", Resolution.OPEN, ()),
        ("crate__gamma_market_closed_binary_accepting_false", Resolution.RESOLVED, (0, 1_000_000)),
        ("crate__gamma_market_closed_binary_accepting_true", Resolution.RESOLVED, (1_000_000, 0)),
        ("crate__gamma_market_closed_nonbinary_legacy", Resolution.CLOSED, ()),
        ("crate__gamma_market_closed_zero_zero_legacy", Resolution.CLOSED, ()),
        ("crate__gamma_market_sports_market_map_handicap", Resolution.RESOLVED, (1_000_000, 0)),
        ("crate__gamma_market_sports_market_money_line", Resolution.RESOLVED, (1_000_000, 0)),
    ],
)
def test_single_gamma_markets(samples, name, resolution, payouts):
    market = gamma.decode_market((samples / "nautilus" / f"{name}.json").read_bytes())
    assert (market.resolution, market.payouts) == (resolution, payouts)
    assert market.accepting_orders is (resolution is Resolution.OPEN)


def test_gamma_markets_inside_events(samples):
    for event in json.loads((samples / "nautilus" / "crate__gamma_event.json").read_bytes()):
        page = gamma.decode_page(json.dumps(event["markets"]).encode())
        assert len(page.markets) == len(event["markets"])


def test_hand_made_gamma_rows_without_outcomes_are_refused(samples):
    with pytest.raises(MalformedError, match="outcomes"):
        gamma.decode_market((samples / "nautilus" / "it__http_responses__market_slug.json").read_bytes())
    page = gamma.decode_page((samples / "nautilus" / "it__http_responses__markets_list.json").read_bytes())
    assert (page.markets, len(page.broken)) == ({}, 2)


def test_clob_markets_agree_with_gamma_on_the_winner(samples):
    for name in ("false", "true"):
        both = [
            (samples / "nautilus" / f"crate__{host}_market_closed_binary_accepting_{name}.json").read_bytes()
            for host in ("gamma", "clob")
        ]
        first, second = gamma.decode_market(both[0]), clob.decode_market(both[1])
        assert first.payouts == second.payouts != ()
        assert first.token_ids == second.token_ids
        assert (first.tick, first.size_min, first.slug) == (second.tick, second.size_min, second.slug)


def test_clob_listing_pays_only_where_a_winner_is_flagged(samples):
    rows = json.loads((samples / "nautilus" / "it__http_responses__markets.json").read_bytes())["data"]
    refused = 0
    for row in rows:
        try:
            market = clob.decode_market(json.dumps(row).encode())
        except MalformedError:
            assert any(token["token_id"] == "" for token in row["tokens"])
            refused += 1
            continue
        winners = [token["winner"] for token in row["tokens"]]
        assert market.payouts == (tuple(won * 1_000_000 for won in winners) if any(winners) else ())
    assert 0 < refused < len(rows)
    clob.decode_market((samples / "nautilus" / "it__http_responses__market.json").read_bytes())


def test_books(samples):
    book = clob.decode_book((samples / "nautilus" / "it__http_responses__book.json").read_bytes(), 1)
    assert (book.bids[0], book.asks[0]) == ((100_000, 125_000_000), (140_000, 705_000_000))
    clob.decode_book((samples / "nautilus_shape_only" / "crate__clob_book_response.json").read_bytes(), 1)


def test_market_channel_frames(samples):
    kinds = []
    for line in (samples / "clob_ws" / "market_messages_2026-09-24.jsonl").read_bytes().splitlines():
        frame = decode_frame(line)
        assert (len(frame.events), frame.unknown, frame.broken) == (1, 0, ())
        kinds.append(type(frame.events[0]))
    assert kinds == [BookSnapshot] * 3 + [LevelsChanged] * 3 + [LastTrade]


def test_older_market_channel_frames(samples):
    folder = samples / "nautilus"
    for name, kind in {
        "it__ws_messages__book": None,
        "it__ws_messages__last_trade_price": LastTrade,
        "it__ws_messages__price_change_v2": LevelsChanged,
        "it__ws_messages__tick_size_change": TickChanged,
        "crate__ws_market_new_market_msg": None,
        "crate__ws_market_resolved_msg": None,
    }.items():
        frame = decode_frame((folder / f"{name}.json").read_bytes())
        assert (len(frame.events), frame.broken) == (1, ()), name
        assert kind is None or isinstance(frame.events[0], kind)


def test_retired_price_change_is_refused_and_the_user_channel_unknown(samples):
    folder = samples / "nautilus"
    frame = decode_frame((folder / "it__ws_messages__price_change.json").read_bytes())
    assert "price_changes" in frame.broken[0].field
    for path in sorted(folder.glob("*ws_user*")):
        assert decode_frame(path.read_bytes()).unknown == 1


def test_hand_made_market_channel_shapes(samples):
    for path in sorted((samples / "nautilus_shape_only").glob("crate__ws_market_*.json")):
        frame = decode_frame(path.read_bytes())
        assert (len(frame.events), frame.broken) == (1, ()), path.name
