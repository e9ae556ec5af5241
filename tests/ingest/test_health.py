"""What the health of the chain means in each mode."""

from __future__ import annotations

import pytest

from actors.ingest.health import refusal


@pytest.mark.parametrize("trigger", ["api", "polygon", "both"])
@pytest.mark.parametrize("is_strict", [False, True])
def test_a_chain_that_is_there_forbids_nothing(trigger: str, is_strict: bool) -> None:
    assert refusal(trigger, is_strict=is_strict, is_chain_up=True) == ""


@pytest.mark.parametrize(
    ("trigger", "is_strict", "forbids"),
    [
        ("api", False, False),
        ("api", True, False),
        ("both", False, False),
        ("both", True, True),
        ("polygon", False, True),
        ("polygon", True, True),
    ],
)
def test_a_chain_that_is_away_forbids_buying_where_it_must_be_there(
    trigger: str, is_strict: bool, forbids: bool
) -> None:
    assert bool(refusal(trigger, is_strict=is_strict, is_chain_up=False)) is forbids
