"""A leader's splits, merges and redemptions: each counted once, and never a position under 0."""

from __future__ import annotations

from typing import Any

from examples import CONDITION, NO, NOON_NS, SHARE, WALLET, YES, tx_of
from hypothesis import given
from hypothesis import strategies as st

from actors.leader.movements import Movements
from actors.leader.position import Positions
from messages.movements import MovementKind, MovementReported
from messages.store import LeaderPosition


def reported(kind: MovementKind, *tokens: str, **changes: Any) -> MovementReported:
    fields: dict[str, Any] = {
        "wallet": WALLET,
        "tx": tx_of(1),
        "condition_id": CONDITION,
        "kind": kind,
        "token_ids": tokens or (YES, NO),
        "size": 10 * SHARE,
        "moved_at_ns": NOON_NS,
        "feed": "poller",
        "seen_at_ns": NOON_NS,
    } | changes
    return MovementReported(**fields)


def applied(known: Movements, positions: Positions, *reports: MovementReported) -> int:
    """Take the reports as a leader does, and return how many movements were new."""
    return sum(len(known.take(report, positions)) for report in reports)


def holding(**shares: int) -> Positions:
    positions = Positions()
    tokens = {"yes": YES, "no": NO}
    positions.restore([LeaderPosition(tokens[name], size) for name, size in shares.items()], [])
    return positions


def held(positions: Positions) -> tuple[int, int]:
    return positions.shares(YES) // SHARE, positions.shares(NO) // SHARE


def test_a_split_gives_both_outcomes_a_merge_takes_both_and_a_redemption_takes_one() -> None:
    known, positions = Movements(), holding(yes=5 * SHARE)
    applied(known, positions, reported(MovementKind.SPLIT))
    assert held(positions) == (15, 10)
    applied(known, positions, reported(MovementKind.MERGE, size=4 * SHARE))
    assert held(positions) == (11, 6)
    applied(known, positions, reported(MovementKind.REDEEM, NO, size=6 * SHARE))
    assert held(positions) == (11, 0)


def test_no_position_falls_under_zero() -> None:
    known, positions = Movements(), holding(yes=SHARE)
    applied(known, positions, reported(MovementKind.MERGE), reported(MovementKind.REDEEM, NO))
    assert held(positions) == (0, 0)


def test_a_row_that_is_read_again_changes_nothing_and_a_twin_counts() -> None:
    known, positions = Movements(), Positions()
    split = reported(MovementKind.SPLIT)
    twin = reported(MovementKind.SPLIT, occurrence=2)
    assert applied(known, positions, split, split, twin, twin, split) == 4
    assert held(positions) == (20, 20)


def test_what_is_stored_is_known_after_a_restart() -> None:
    known, positions = Movements(), Positions()
    stored = [
        movement
        for report in (reported(MovementKind.SPLIT), reported(MovementKind.SPLIT, occurrence=2))
        for movement in known.take(report, positions)
    ]
    again = Movements()
    for movement in reversed(stored):
        again.restore(movement)
    assert applied(again, positions, reported(MovementKind.SPLIT, occurrence=2)) == 0
    assert applied(again, positions, reported(MovementKind.SPLIT, occurrence=3)) == 2


def test_what_is_pruned_is_forgotten() -> None:
    known = Movements()
    later = reported(MovementKind.SPLIT, moved_at_ns=NOON_NS + 9)
    applied(known, Positions(), reported(MovementKind.SPLIT), later)
    assert len(known) == 2, "one content, counted once for each outcome"
    known.prune(NOON_NS + 10)
    assert len(known) == 0


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(MovementKind), st.integers(1, 3)),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_any_repetition_in_any_order_counts_each_once(rows: Any, random: Any) -> None:
    reports, seen = [], dict[Any, int]()
    for number, kind, size in rows:
        seen[number, kind, size] = seen.get((number, kind, size), 0) + 1
        token = (YES,) if kind is MovementKind.REDEEM else (YES, NO)
        reports.append(
            reported(kind, *token, tx=tx_of(number), size=size * SHARE, occurrence=seen[number, kind, size])
        )
    shuffled = [*reports, *reports]
    random.shuffle(shuffled)
    expected = sum(len(one.token_ids) for one in reports)
    assert applied(Movements(), Positions(), *shuffled) == expected
