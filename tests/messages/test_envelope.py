"""The record envelope and tapes of it."""

from __future__ import annotations

import io
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import envelope
from messages.envelope import Envelope, TapeError

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=10,
)


@given(
    seq=st.integers(0, 2**63 - 1),
    at=st.integers(0, 2**63 - 1),
    monotonic_ns=st.integers(0, 2**63 - 1),
    run_id=st.text(max_size=12),
    source=st.text(max_size=30),
    payload=JSON,
)
def test_an_envelope_survives_its_line(seq, at, monotonic_ns, run_id, source, payload):
    raw = json.dumps(payload).encode()
    first = Envelope(
        seq=seq, at=at, monotonic_ns=monotonic_ns, run_id=run_id, source=source, payload=msgspec.Raw(raw)
    )

    line = envelope.encode(first)
    second = envelope.decode(line)

    assert b"\n" not in line
    assert (second.seq, second.at, second.monotonic_ns) == (seq, at, monotonic_ns)
    assert (second.run_id, second.source) == (run_id, source)
    assert bytes(second.payload) == raw


def test_a_line_always_says_which_schema_it_has():
    line = envelope.encode(Envelope(seq=1, at=2, source="rtds.activity", payload=msgspec.Raw(b"{}")))

    assert json.loads(line) == {
        "schema_version": 1,
        "seq": 1,
        "at": 2,
        "source": "rtds.activity",
        "payload": {},
    }


def test_fields_of_later_writers_are_passed_over():
    line = b'{"schema_version":1,"seq":1,"at":2,"source":"s","payload":[1.50],"colour":"red"}'

    assert bytes(envelope.decode(line).payload) == b"[1.50]"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"not json",
        b'{"seq":1,"at":2,"source":"s"}',
        b'{"seq":"1","at":2,"source":"s","payload":1}',
    ],
)
def test_what_is_no_envelope_is_a_tape_error(line):
    with pytest.raises(TapeError, match="not a record envelope"):
        envelope.decode(line)


def test_a_schema_of_tomorrow_is_refused_with_advice():
    with pytest.raises(TapeError, match="schema_version was 2, this version reads 1; import or record"):
        envelope.decode(b'{"schema_version":2,"seq":1,"at":2,"source":"s","payload":1}')


def test_a_tape_is_read_in_its_order_empty_lines_left_out(tmp_path):
    tape = tmp_path / "tape.jsonl"
    written = [Envelope(seq=n, at=n, source="s", payload=msgspec.Raw(b"%d" % n)) for n in (3, 1, 2)]
    file = io.BytesIO()

    assert envelope.write(written, file) == 3
    tape.write_bytes(file.getvalue().replace(b"\n", b"\n\n") + b"  \n")

    assert [one.seq for one in envelope.read(tape)] == [3, 1, 2]


def test_a_bad_line_of_a_tape_is_named(tmp_path):
    tape = tmp_path / "tape.jsonl"
    good = envelope.encode(Envelope(seq=1, at=1, source="s", payload=msgspec.Raw(b"1")))
    tape.write_bytes(good + b"\n\n{broken\n" + good + b"\n")
    read = envelope.read(tape)

    assert next(read).seq == 1
    with pytest.raises(TapeError, match=r"tape\.jsonl:3: not a record envelope"):
        next(read)


def test_nothing_to_write_is_an_empty_tape():
    file = io.BytesIO()

    assert envelope.write([], file) == 0
    assert file.getvalue() == b""
