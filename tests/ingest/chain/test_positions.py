"""Token ids that anybody can compute: known pairs, and what follows from the formula."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcomes import COMBO_YES, CONDITION, NEG_RISK, NEG_RISK_NO, NO, V2_CONDITION, V2_NO, V2_YES, YES

from actors.ingest.chain import positions

# A market that is settled for years: the presidential election of 2024, its first and second outcome.
PUBLIC = "0xdd22472e552920b8438158ea7238bfadfa4f736aa4cee91a6b86c39ead110917"
PUBLIC_TOKENS = (
    "21742633143463906290569050155826241533067272736897614950488156847949938836455",
    "48331043336612883890938759509493159234755048973500640148014422747788308965732",
)

conditions = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())


def test_the_outcomes_of_a_known_market_are_found():
    assert [positions.outcome_of(PUBLIC, token) for token in PUBLIC_TOKENS] == [0, 1]


@given(conditions)
def test_a_collection_is_a_point_of_the_curve(condition):
    field = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    for outcome in range(2):
        x = int.from_bytes(positions.collection_id(condition, outcome)) & ~(1 << 254)
        assert x < field
        y = pow(x**3 + 3, (field + 1) // 4, field)
        assert y * y % field == (x**3 + 3) % field


@given(conditions, conditions)
def test_outcomes_of_different_conditions_are_never_mixed_up(first, second):
    if first != second:
        both = [positions.token_id("0x" + "11" * 20, one, side) for one in (first, second) for side in (0, 1)]
        assert len(set(both)) == 4


@pytest.mark.parametrize(
    ("condition", "token", "outcome"),
    [
        (CONDITION, YES, 0),
        (CONDITION, NO, 1),
        (NEG_RISK, NEG_RISK_NO, 1),
        (NEG_RISK, NO, None),
        (CONDITION, str(int(YES) + 1), None),
        (V2_CONDITION, V2_YES, 0),
        (V2_CONDITION, V2_NO, 1),
        (V2_CONDITION, YES, None),
        (CONDITION, V2_YES, None),
        (V2_CONDITION, COMBO_YES, None),
        (V2_CONDITION, str(int(V2_YES) + 2), None),
    ],
)
def test_a_token_that_is_none_of_a_market_can_be_told(condition, token, outcome):
    assert positions.outcome_of(condition, token) == outcome


def test_combinations_are_told_by_their_first_byte():
    assert [positions.is_combo(token) for token in (COMBO_YES, V2_YES, YES)] == [True, False, False]


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("rtds/activity_trades_frames.jsonl", ("conditionId", "asset")),
        ("data_v2/trades_py-sdk_2026-09-08.json", ("condition_id", "token_id")),
        ("data_v2/activity_polyoxide_2026-09-14.json", ("condition_id", "token_id")),
    ],
)
def test_every_recorded_token_follows_from_its_condition(sample, name, keys):
    text = sample(name).read_text()
    pairs = list(_pairs([json.loads(line) for line in _documents(name, text)], keys))

    assert pairs
    assert all(positions.outcome_of(*pair) is not None for pair in pairs)


def _documents(name, text):
    return text.splitlines() if name.endswith("l") else [text]


def _pairs(node, keys):
    if isinstance(node, dict):
        if all(node.get(key) for key in keys):
            yield tuple(node[key] for key in keys)
        node = list(node.values())
    if isinstance(node, list):
        for entry in node:
            yield from _pairs(entry, keys)
