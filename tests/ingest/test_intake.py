"""One socket's frames, without a socket."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actors.ingest.errors import TradeUnread
from actors.ingest.intake import Intake
from actors.ingest.redelivery import TWINS_MAX

Frame = Callable[..., bytes]


def test_only_data_is_a_sign_of_life(frame: Frame, wallet: str) -> None:
    """A stalled stream goes on answering PING."""
    intake = Intake("stream-0", late_ms=15_000)
    for dead in ["PONG", "", "  "]:
        intake.take(dead, {wallet}, 100, 1)
    assert intake.last_event_at_ns == 0
    intake.take(frame(envelope={"topic": "comments"}), {wallet}, 200, 2)
    assert (intake.last_event_at_ns, intake.last_event_mono_ns) == (200, 2)
    assert (intake.frames, intake.trades) == (4, 0)


def test_the_platforms_trades_are_counted_once(frame: Frame) -> None:
    intake = Intake("stream-0", late_ms=15_000)
    for _ in range(3):
        assert intake.take(frame(), frozenset(), 1, 1) is None
    intake.take(frame(size=3), frozenset(), 1, 1)
    assert (intake.frames, intake.trades, intake.leader_fills) == (4, 2, 0)


def test_checksummed_wallets_are_recognised(frame: Frame, wallet: str) -> None:
    intake = Intake("stream-0", late_ms=15_000)
    found = intake.take(frame(proxyWallet="0x" + "A1" * 20), {wallet}, 1, 1)
    assert found is not None
    assert found.wallet == wallet


def test_a_broken_frame_of_a_leader_names_the_leader(frame: Frame, wallet: str) -> None:
    intake = Intake("stream-0", late_ms=15_000)
    with pytest.raises(TradeUnread, match="price") as caught:
        intake.take(frame(price=2), {wallet}, 1, 1)
    assert caught.value.wallet == wallet
    with pytest.raises(TradeUnread) as caught:
        intake.take("{", {wallet}, 1, 1)
    assert caught.value.wallet is None
    assert intake.malformed == 2


def test_broken_frames_of_strangers_are_nobodys_business(frame: Frame) -> None:
    assert Intake("stream-0", late_ms=15_000).take(frame(price=2), frozenset(), 1, 1) is None


def test_a_combo_trade_of_a_leader_is_no_error(frame: Frame, wallet: str) -> None:
    intake = Intake("stream-0", late_ms=15_000)
    assert intake.take(frame(conditionId="0x" + "c" * 62), {wallet}, 1, 1) is None
    assert intake.malformed == 0


def test_a_storm_of_equal_fills_ends(frame: Frame, wallet: str) -> None:
    intake = Intake("stream-0", late_ms=15_000)
    for number in range(TWINS_MAX):
        found = intake.take(frame(envelope={"timestamp": number}), {wallet}, 1, 1)
        assert found is not None
        assert found.occurrence == number + 1
    with pytest.raises(TradeUnread, match="equal fills") as caught:
        intake.take(frame(envelope={"timestamp": -1}), {wallet}, 1, 1)
    assert caught.value.wallet == wallet
    assert intake.leader_fills == TWINS_MAX


def test_a_clock_behind_the_venues_makes_no_negative_lag(frame: Frame) -> None:
    intake = Intake("stream-0", late_ms=15_000)
    intake.take(frame(), frozenset(), 5, 5)
    assert intake.lag_ms == 0
