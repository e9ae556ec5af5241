"""How often each wallet is polled, and that all of them together keep to the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.pace import SHARE, Pace, Warmth, warmth

NOW_S = 1_800_000_000
HOUR_S, DAY_S = 3_600, 86_400
S_NS = 1_000_000_000


def test_who_traded_lately_is_polled_often_and_others_rarely() -> None:
    pace = Pace(interval_s=60, requests_per_s=10)
    for wallet, ago_s in (("hot", HOUR_S), ("warm", HOUR_S + 1), ("cold", DAY_S + 1)):
        pace.set(wallet, NOW_S - ago_s, NOW_S)
    assert [pace.interval_ns(wallet) // S_NS for wallet in ("hot", "warm", "cold")] == [60, 300, 1800]
    assert pace.counts == {"hot": 1, "warm": 1, "cold": 1}


def test_a_trade_in_the_future_is_a_trade_now() -> None:
    assert warmth(NOW_S + 5, NOW_S) is Warmth.HOT


def test_where_the_budget_does_not_suffice_everybody_waits_longer_by_the_same_factor() -> None:
    pace = Pace(interval_s=60, requests_per_s=10)
    for number in range(840):
        pace.set(f"hot {number}", NOW_S, NOW_S)
    assert pace.stretch == pytest.approx(2.0)
    assert pace.interval_ns("hot 0") == 120 * S_NS
    for number in range(420):
        pace.drop(f"hot {number}")
    assert pace.interval_ns("hot 839") == 60 * S_NS


@given(
    st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 3 * DAY_S))), max_size=200),
    st.floats(0.01, 10),
)
def test_regular_polls_never_cost_more_than_their_share(
    steps: list[tuple[int, int | None]], requests_per_s: float
) -> None:
    pace = Pace(interval_s=60, requests_per_s=requests_per_s)
    watched: set[str] = set()
    for number, ago_s in steps:
        wallet = str(number)
        if ago_s is None:
            pace.drop(wallet)
            watched.discard(wallet)
        else:
            pace.set(wallet, NOW_S - ago_s, NOW_S)
            watched.add(wallet)
    assert sum(pace.counts.values()) == len(watched)
    per_s = sum(S_NS / pace.interval_ns(wallet) for wallet in watched)
    assert per_s <= requests_per_s * SHARE * 1.000001
