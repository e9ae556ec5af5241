"""Re-deliveries and twins, against a model that forgets nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from actors.ingest import rtds
from actors.ingest.recent import RecentCounts, RecentSet
from actors.ingest.redelivery import Redelivery, content
from messages.trades import FillReported

Frame = Callable[..., bytes]


def report(frame: bytes) -> FillReported:
    return rtds.fill(frame, feed="stream-0", seen_at_ns=1, seen_mono_ns=1)


def test_the_same_bytes_again_are_a_redelivery_and_another_envelope_is_a_twin(frame: Frame) -> None:
    redelivery = Redelivery()
    first, twin = frame(), frame(envelope={"timestamp": 1})
    assert not redelivery.is_again(first)
    assert redelivery.is_again(first)
    assert not redelivery.is_again(twin)
    assert redelivery.numbered(report(first)).occurrence == 1
    assert redelivery.numbered(report(twin)).occurrence == 2


def test_rows_that_differ_in_anything_are_no_twins(frame: Frame) -> None:
    redelivery = Redelivery()
    rows = [
        frame(),
        frame(size=13),
        frame(price=0.53),
        frame(side="SELL"),
        frame(asset="77"),
        frame(transactionHash="0x" + "ee" * 32),
        frame(proxyWallet="0x" + "ee" * 20),
    ]
    assert {redelivery.numbered(report(row)).occurrence for row in rows} == {1}


def test_what_only_describes_the_trade_makes_no_difference(frame: Frame) -> None:
    assert content(report(frame(title="a", timestamp=1_790_000_000))) == content(report(frame(title="b")))


@given(st.lists(st.integers(0, 30), max_size=200))
def test_counts_are_exact_for_as_long_as_nothing_is_forgotten(keys: list[int]) -> None:
    counts: RecentCounts[int] = RecentCounts(31)
    model: Counter[int] = Counter()
    for key in keys:
        model[key] += 1
        assert counts.count(key) == model[key]


@given(keys=st.lists(st.integers(0, 60), max_size=300), keep=st.integers(1, 10))
def test_memory_is_bounded_and_holds_at_least_the_last_ones(keys: list[int], keep: int) -> None:
    seen: RecentSet[int] = RecentSet(keep)
    counts: RecentCounts[int] = RecentCounts(keep)
    for position, key in enumerate(keys):
        lately: list[int] = []
        for earlier in reversed(keys[:position]):
            if earlier not in lately:
                lately.append(earlier)
        was_seen = seen.seen(key)
        times = counts.count(key)
        assert was_seen or key not in lately[:keep]
        assert times == 1 or key in keys[:position]
        assert times > 1 or key not in lately[:keep]
        assert len(seen) <= 2 * keep
        assert len(counts) <= 2 * keep


def test_a_new_connection_numbers_from_one(frame: Frame) -> None:
    """A server that replays after a reconnect must not make twins of what it sent before."""
    for _ in range(2):
        assert Redelivery().numbered(report(frame())).occurrence == 1
