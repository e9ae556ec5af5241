"""The chain's last word: said only of what was seen whole and is deep enough."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from actors.ingest.chain.confirmations import CONFIRM_BLOCKS, Confirmations
from actors.ingest.chain.sightings import Undone
from messages.trades import FillTotal, Side

WALLET = "0x" + "a1" * 20
DEEP = 12 + CONFIRM_BLOCKS


def fill(size=1, block="b", number=12, tx="t", token="1"):
    """What confirmations look at of a fill that was sighted."""
    of = SimpleNamespace(owner=WALLET, token_id=token, side=Side.BUY, size=size)
    return SimpleNamespace(fill=of, log=SimpleNamespace(tx=tx, block_number=number, block_hash=block))


@pytest.fixture
def waiting():
    made = Confirmations()
    made.subscribed([WALLET], 10)
    return made


def test_all_rows_of_a_transaction_are_summed_by_outcome_once_its_block_is_deep_enough(waiting):
    for row in (fill(3), fill(4), fill(5, token="2")):
        waiting.saw(row)
    assert waiting.head(DEEP - 1) == []
    totals = (FillTotal("1", Side.BUY, 7), FillTotal("2", Side.BUY, 5))
    assert waiting.head(DEEP) == [(WALLET, "t", totals)]
    assert waiting.head(DEEP + 1) == []


def test_nothing_is_said_of_the_block_in_which_the_subscription_began(waiting):
    waiting.saw(fill(number=11))
    assert len(waiting) == 0


def test_a_wallet_added_later_counts_from_then_on_and_the_others_from_before(waiting):
    waiting.subscribed([WALLET, "other"], 50)
    waiting.saw(fill())
    assert len(waiting) == 1


def test_what_is_mined_again_counts_only_there(waiting):
    waiting.saw(fill(3))
    waiting.undone(Undone(WALLET, "t"))
    assert waiting.head(DEEP) == []
    waiting.saw(fill(3, block="c", number=14))
    assert waiting.head(DEEP + 2) == [(WALLET, "t", (FillTotal("1", Side.BUY, 3),))]


@pytest.mark.parametrize("whose", [WALLET, None])
def test_what_may_be_incomplete_is_never_confirmed(waiting, whose):
    waiting.saw(fill())
    waiting.doubt(whose, 12)
    waiting.saw(fill(tx="same block", number=13))
    assert waiting.head(DEEP + 1) == []
    waiting.saw(fill(tx="later", number=14))
    assert [tx for _, tx, _ in waiting.head(DEEP + 2)] == ["later"]


def test_a_lost_connection_confirms_nothing(waiting):
    waiting.saw(fill())
    waiting.lost()
    waiting.saw(fill(tx="before it is subscribed again"))
    assert waiting.head(DEEP) == []
