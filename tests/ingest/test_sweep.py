"""One pass over a wallet's activity."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.activity import Page
from actors.ingest.sweep import Sweep, Taken

Row = Callable[..., dict[str, Any]]
START = 1_790_000_000
NOW_NS = (START + 10_000) * 10**9

BEGAN_NS = START * 1_000_000_000


def take(sweep: Sweep, rows: list[dict[str, Any]], next_cursor: str | None = None) -> Taken:
    page = Page(tuple(json.dumps(row).encode() for row in rows), next_cursor)
    return sweep.take(page, seen_at_ns=NOW_NS, seen_mono_ns=1)


def test_a_page_reaches_its_last_second_only_if_it_is_the_last(row: Row, wallet: str) -> None:
    sweep = Sweep(wallet, "poller", START, BEGAN_NS)
    assert take(sweep, [row(timestamp=START + 1), row(timestamp=START + 5)], "c").reached_s == START + 4
    assert take(sweep, [row(timestamp=START + 5)]).reached_s == START + 5


def test_an_empty_page_reaches_nothing(wallet: str) -> None:
    assert take(Sweep(wallet, "poller", START, BEGAN_NS), []).reached_s is None


def test_rows_out_of_order_reach_nothing_before_the_last_page(row: Row, wallet: str) -> None:
    """A server that ignores the order asked for must not carry the cursor past its older pages."""
    sweep = Sweep(wallet, "poller", START, BEGAN_NS)
    assert take(sweep, [row(timestamp=START + 9), row(timestamp=START + 5)], "c").reached_s is None
    assert take(sweep, [row(timestamp=START + 1)]).reached_s == START + 9


def test_other_rows_count_as_read(row: Row, wallet: str) -> None:
    sweep = Sweep(wallet, "poller", START, BEGAN_NS)
    taken = take(
        sweep,
        [row(type="REWARD", timestamp=START + 1), row(timestamp=START + 2, condition_id="0x" + "c" * 62)],
    )
    assert (len(taken.others), taken.combos, taken.fills, taken.reached_s) == (1, 1, [], START + 2)


def test_the_oldest_broken_row_is_known_even_without_its_time(row: Row, wallet: str) -> None:
    sweep = Sweep(wallet, "poller", START, BEGAN_NS)
    take(sweep, [row(timestamp="?")], "c")
    assert sweep.broken_s == START
    sweep = Sweep(wallet, "poller", START, BEGAN_NS)
    taken = take(sweep, [row(timestamp=START + 3), row(timestamp="?"), row(timestamp=START + 7, price=9)])
    assert sweep.broken_s == START + 3
    assert len(taken.malformed) == 2


@given(
    seconds=st.lists(st.integers(0, 20), max_size=40).map(sorted),
    twins=st.lists(st.booleans(), min_size=40, max_size=40),
    size=st.integers(1, 7),
)
def test_however_paged_all_is_handed_over_and_the_cursor_never_passes_what_was_not(
    seconds: list[int], twins: list[bool], size: int
) -> None:
    wallet = "0x" + "a1" * 20
    rows = [
        {
            "proxy_wallet": wallet,
            "timestamp": START + second,
            "condition_id": "0x" + "c3" * 32,
            "type": "TRADE",
            "size": 1,
            "transaction_hash": f"0x{second if twin else number + 100:064x}",
            "price": 0.5,
            "token_id": "1",
            "side": "BUY",
        }
        for number, (second, twin) in enumerate(zip(seconds, twins, strict=False))
    ]
    sweep = Sweep(wallet, "poller", START, BEGAN_NS)
    handed: list[tuple[str, int]] = []
    for first in range(0, max(1, len(rows)), size):
        is_last = first + size >= len(rows)
        taken = take(sweep, rows[first : first + size], None if is_last else "more")
        handed += [(fill.tx, fill.occurrence) for fill in taken.fills]
        if taken.reached_s is not None:
            assert all(row["timestamp"] > taken.reached_s for row in rows[first + size :])
    assert len(handed) == len(set(handed)) == len(rows)
