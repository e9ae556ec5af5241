"""A node's frames: JSON-RPC 2.0 with subscriptions, and the logs and block heads in them.

Pure. Quantities come as hex text and leave as integers; nothing is guessed where a field is missing.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

import msgspec

from actors.ingest.errors import UNREADABLE, Malformed

TOPICS_MAX: Final = 4
DATA_BYTES_MAX: Final = 64 * 1024
"""A fill has 224; more is none of ours."""

_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}")
_QUANTITY: Final = re.compile(r"0x[0-9a-f]{1,64}")
_DATA: Final = re.compile(r"0x(?:[0-9a-f]{2})*")

_SECONDS_MAX: Final = 1 << 33


class RpcError(msgspec.Struct, frozen=True, gc=False):
    """A node's refusal, as it is written."""

    code: int = 0
    message: str = ""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """The answer to a request. `result` is undecoded."""

    id: int
    result: msgspec.Raw
    error: RpcError | None


class Log(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event of a contract. What stands behind `removed` is None where the node left it out."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    tx: str
    raw: bytes
    removed: bool = False
    block_hash: str | None = None
    block_number: int | None = None
    log_index: int | None = None
    block_s: int | None = None
    """When its block was made, epoch seconds."""

    @property
    def is_placed(self) -> bool:
        """Whether it says which log of which block it is."""
        return self.block_hash is not None and self.block_number is not None and self.log_index is not None


class Head(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new end of the chain."""

    number: int
    hash: str
    parent: str
    made_s: int


Frame: TypeAlias = Reply | Log | Head


class _Notice(msgspec.Struct, gc=False):
    result: msgspec.Raw


class _Envelope(msgspec.Struct, gc=False):
    id: Any = None
    method: str = ""
    params: _Notice | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcError | None = None


class _Log(msgspec.Struct, gc=False, rename="camel"):
    address: str
    topics: list[str]
    data: str
    transaction_hash: str
    removed: bool = False
    block_hash: str | None = None
    block_number: str | None = None
    log_index: str | None = None
    block_timestamp: str | None = None


class _Head(msgspec.Struct, gc=False, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str


class _Receipt(msgspec.Struct, gc=False):
    logs: list[msgspec.Raw]


class _Shape(msgspec.Struct, gc=False):
    topics: Any = msgspec.UNSET


_envelope = msgspec.json.Decoder(_Envelope)
_log = msgspec.json.Decoder(_Log)
_head = msgspec.json.Decoder(_Head)
_receipt = msgspec.json.Decoder(_Receipt)
_shape = msgspec.json.Decoder(_Shape)


def request(number: int, method: str, *params: Any) -> str:
    """Return a request as text."""
    document = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return msgspec.json.encode(document).decode()


def frame(raw: bytes) -> Frame:
    """Return what a frame holds. Raises `Malformed`.

    A notice is told by what it carries and not by its subscription: it may overtake the answer that names
    that subscription, and a subscription that is being dropped still brings what is true.
    """
    try:
        envelope = _envelope.decode(raw)
    except UNREADABLE as error:
        raise Malformed.of(error, "frame") from error
    if envelope.params is not None:
        return _told(envelope.params.result)
    if type(envelope.id) is int:
        return Reply(envelope.id, envelope.result, envelope.error)
    raise Malformed("frame", f"{raw[:60]!r}", "an answer with our id, or a notice")


def log(raw: bytes | msgspec.Raw) -> Log:
    """Return a log. Raises `Malformed`."""
    try:
        row = _log.decode(raw)
    except UNREADABLE as error:
        raise Malformed.of(error, "log") from error
    if len(row.topics) > TOPICS_MAX:
        raise Malformed("topics", f"{len(row.topics)} of them", f"at most {TOPICS_MAX}")
    if len(row.data) > 2 + 2 * DATA_BYTES_MAX:
        raise Malformed("data", f"{len(row.data)} characters", f"at most {DATA_BYTES_MAX} bytes")
    return Log(
        address=_text(_ADDRESS, row.address, "address", "0x and 40 hex digits"),
        topics=tuple(bytes.fromhex(_hash(topic, "topic")[2:]) for topic in row.topics),
        data=bytes.fromhex(_text(_DATA, row.data, "data", "0x and pairs of hex digits")[2:]),
        tx=_hash(row.transaction_hash, "transactionHash"),
        raw=bytes(raw),
        removed=row.removed,
        block_hash=None if row.block_hash is None else _hash(row.block_hash, "blockHash"),
        block_number=_quantity(row.block_number, "blockNumber"),
        log_index=_quantity(row.log_index, "logIndex"),
        block_s=_seconds(row.block_timestamp, "blockTimestamp"),
    )


def head(raw: bytes | msgspec.Raw) -> Head:
    """Return a block head. Raises `Malformed`."""
    try:
        row = _head.decode(raw)
    except UNREADABLE as error:
        raise Malformed.of(error, "head") from error
    number, made_s = _quantity(row.number, "number"), _seconds(row.timestamp, "timestamp")
    assert number is not None  # both are text
    assert made_s is not None
    return Head(
        number=number,
        hash=_hash(row.hash, "hash"),
        parent=_hash(row.parent_hash, "parentHash"),
        made_s=made_s,
    )


def receipt_logs(raw: bytes | msgspec.Raw) -> tuple[Log, ...]:
    """Return the logs of a transaction's receipt. Raises `Malformed`, for a missing receipt (null) too."""
    try:
        rows = _receipt.decode(raw).logs
    except UNREADABLE as error:
        raise Malformed.of(error, "receipt") from error
    return tuple(log(row) for row in rows)


def topic_of(address: str) -> str:
    """Return an address as a topic, for filters."""
    return "0x" + "0" * 24 + address[2:]


def _told(result: msgspec.Raw) -> Log | Head:
    try:
        is_log = _shape.decode(result).topics is not msgspec.UNSET
    except UNREADABLE as error:
        raise Malformed.of(error, "notice") from error
    return log(result) if is_log else head(result)


def _text(pattern: re.Pattern[str], text: str, field: str, expected: str) -> str:
    lowered = text.lower()
    if pattern.fullmatch(lowered) is None:
        raise Malformed(field, repr(text), expected)
    return lowered


def _hash(text: str, field: str) -> str:
    return _text(_HASH, text, field, "0x and 64 hex digits")


def _quantity(text: str | None, field: str) -> int | None:
    return None if text is None else int(_text(_QUANTITY, text, field, "a hex quantity"), 16)


def _seconds(text: str | None, field: str) -> int | None:
    value = _quantity(text, field)
    if value is not None and value >= _SECONDS_MAX:
        raise Malformed(field, str(value), "epoch seconds")
    return value
