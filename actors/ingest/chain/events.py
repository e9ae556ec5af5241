"""Contract events as declarations, and the decoding of a log by one of them: exact, or not at all.

A log that does not fit its declaration to the byte is another layout under a known name, which nobody may
guess at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from actors.ingest.errors import Drift

WORD: Final = 32
"""Bytes of one word of data."""

_DECLARATION: Final = re.compile(r"(\w+)\((.*)\)")
_FIELD: Final = re.compile(r"(\w+(?:\[\])?)( indexed)? (\w+)")


@dataclass(frozen=True, slots=True)
class Field:
    """One argument of an event."""

    type: str
    name: str
    indexed: bool


class Event:
    """An event as Solidity declares it: `Name(type indexed name, …)`."""

    def __init__(self, declaration: str) -> None:
        match = _DECLARATION.fullmatch(declaration)
        if match is None:
            raise ValueError(f"event was {declaration!r}, expected Name(type indexed name, …)")
        self.name = match[1]
        self.fields = tuple(_field(text) for text in match[2].split(", "))
        self._indexed = tuple(field for field in self.fields if field.indexed)
        self._plain = tuple(field for field in self.fields if not field.indexed)
        self._types = tuple(field.type for field in self._plain)
        self._is_dynamic = any(field.type.endswith("[]") for field in self._plain)
        self.signature = f"{self.name}({','.join(field.type for field in self.fields)})"
        self.topic: bytes = keccak(text=self.signature)

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """Return the arguments by name: integers, `bytes`, addresses as `0x` and 40 lowercase digits.

        Raises `Drift` for topics or data of another shape.
        """
        if len(topics) != 1 + len(self._indexed):
            raise Drift("layout", f"{self.name} had {len(topics)} topics, expected {1 + len(self._indexed)}")
        if not self._is_dynamic and len(data) != WORD * len(self._plain):
            raise Drift(
                "layout", f"{self.name} had {len(data)} bytes of data, expected {WORD * len(self._plain)}"
            )
        try:
            values: dict[str, Any] = {
                field.name: abi_decode((field.type,), topic)[0]
                for field, topic in zip(self._indexed, topics[1:], strict=True)
            }
            plain = abi_decode(self._types, data)
        except (DecodingError, OverflowError) as error:
            raise Drift("layout", f"{self.name} did not decode: {error}") from error
        values.update(zip((field.name for field in self._plain), plain, strict=True))
        return values


def _field(text: str) -> Field:
    match = _FIELD.fullmatch(text)
    if match is None:
        raise ValueError(f"argument was {text!r}, expected `type name` or `type indexed name`")
    return Field(type=match[1], name=match[3], indexed=match[2] is not None)
