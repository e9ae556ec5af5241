"""A node's frames: whatever comes, it is read exactly or refused in words."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ingest.chain import wire
from actors.ingest.errors import Malformed

LOG = {
    "address": "0x" + "E1" * 20,
    "topics": ["0x" + "0a" * 32],
    "data": "0x" + "ff" * 32,
    "transactionHash": "0x" + "0b" * 32,
    "blockHash": "0x" + "0c" * 32,
    "blockNumber": "0x10",
    "logIndex": "0x2",
    "blockTimestamp": "0x6a64696e",
    "removed": False,
}
HEAD = {"number": "0x10", "hash": "0x" + "0c" * 32, "parentHash": "0x" + "0d" * 32, "timestamp": "0x6a"}


def notice(result):
    return json.dumps({"method": "eth_subscription", "params": {"subscription": "0x1", "result": result}})


def test_a_log_is_read_as_it_stands():
    log = wire.frame(notice(LOG).encode())
    assert (log.address, log.block_number, log.log_index) == ("0x" + "e1" * 20, 16, 2)
    assert (log.topics, log.data, log.block_s) == ((b"\n" * 32,), b"\xff" * 32, 0x6A64696E)
    assert json.loads(log.raw) == LOG


@pytest.mark.parametrize("field", ["blockHash", "blockNumber", "logIndex"])
def test_a_log_without_its_place_is_told_from_one_with_it(field):
    assert wire.log(json.dumps(LOG).encode()).is_placed
    assert not wire.log(json.dumps(LOG | {field: None}).encode()).is_placed


def test_a_head_is_told_from_a_log():
    head = wire.frame(notice(HEAD).encode())
    assert (head.number, head.parent, head.made_s) == (16, "0x" + "0d" * 32, 0x6A)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"address": "0x12"}, "address was '0x12', expected 0x and 40 hex digits"),
        ({"topics": ["0x12"]}, "topic was"),
        ({"topics": ["0x" + "0a" * 32] * 5}, "topics was 5 of them, expected at most 4"),
        ({"data": "0x123"}, "data was"),
        ({"blockNumber": "16"}, "blockNumber was '16', expected a hex quantity"),
        ({"logIndex": 2}, "logIndex was int, expected str"),
        ({"blockTimestamp": "0x" + "f" * 12}, "blockTimestamp was"),
        ({"transactionHash": None}, "transactionHash was null, expected str"),
    ],
)
def test_a_log_that_is_none_is_refused_in_words(changes, complaint):
    with pytest.raises(Malformed) as caught:
        wire.log(json.dumps(LOG | changes).encode())
    assert complaint in str(caught.value)


def test_an_answer_and_a_refusal_are_told_apart():
    answer = wire.frame(b'{"jsonrpc":"2.0","id":7,"result":"0x1"}')
    refusal = wire.frame(b'{"jsonrpc":"2.0","id":8,"error":{"code":-32005,"message":"slow down"}}')
    assert (answer.id, bytes(answer.result), answer.error) == (7, b'"0x1"', None)
    assert (refusal.id, refusal.error.code) == (8, -32005)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*LOG, *HEAD, "id"]), inner),
    max_leaves=12,
)


@given(st.binary(max_size=80) | documents.map(lambda each: json.dumps(each).encode()))
def test_garbage_is_malformed_and_nothing_else(raw):
    with contextlib.suppress(Malformed):
        wire.frame(raw)


@given(documents)
def test_a_notice_of_garbage_is_malformed_and_nothing_else(result):
    with contextlib.suppress(Malformed):
        wire.frame(notice(result).encode())


def test_a_receipt_holds_its_logs_and_a_missing_one_is_refused():
    assert len(wire.receipt_logs(json.dumps({"logs": [LOG, LOG]}).encode())) == 2
    with pytest.raises(Malformed):
        wire.receipt_logs(b"null")
