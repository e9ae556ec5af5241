"""The record envelope: one thing that came from outside, as it came, with when and from where.

A tape is a file of these, one JSON object a line. The local venue plays tapes and the daemon's edge
records them, so this module is the one piece of vocabulary that both sides share; it must not grow
decoding of any payload.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

SCHEMA_VERSION: Final = 1


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One recorded frame, page or answer.

    `at` is wall time in nanoseconds since the epoch, `monotonic_ns` the recorder's monotonic clock and
    0 where nobody measured one. `source` names the wire it came from (`rtds.activity`, `clob.market`,
    `gamma.markets`, `clob.book`, …). `payload` is the JSON document itself, undecoded.
    """

    schema_version: int = SCHEMA_VERSION
    run_id: str = ""
    seq: int
    at: int
    monotonic_ns: int = 0
    source: str
    payload: msgspec.Raw


class TapeError(ValueError):
    """A tape holds a line that is no envelope; says which file and line, and what was expected."""


_decoder = msgspec.json.Decoder(Envelope)
_encoder = msgspec.json.Encoder()


def encode(envelope: Envelope) -> bytes:
    """Return the envelope as one line of JSON without its newline; `schema_version` is always present."""
    body: bytes = _encoder.encode(envelope)
    return (
        b'{"schema_version":%d,%b' % (envelope.schema_version, body[1:])
        if (envelope.schema_version == SCHEMA_VERSION)
        else body
    )


def decode(line: bytes) -> Envelope:
    """Return the envelope that a line of a tape holds.

    Raises `TapeError` for anything that is not an envelope of a schema this version reads.
    """
    try:
        envelope = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise TapeError(f"not a record envelope: {error}") from error
    if envelope.schema_version != SCHEMA_VERSION:
        raise TapeError(
            f"schema_version was {envelope.schema_version}, this version reads {SCHEMA_VERSION}; "
            "import or record the tape again"
        )
    return envelope


def read(path: Path) -> Iterator[Envelope]:
    """Yield the envelopes of a tape in file order. Raises `TapeError` naming the file and the line."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield decode(line)
            except TapeError as error:
                raise TapeError(f"{path}:{number}: {error}") from error


def write(envelopes: Iterable[Envelope], file: IO[bytes]) -> int:
    """Write envelopes a line each and return how many there were."""
    count = 0
    for count, envelope in enumerate(envelopes, start=1):  # noqa: B007 - the count is the result
        file.write(encode(envelope) + b"\n")
    return count
