"""Payloads from outside as a json column takes them."""

from __future__ import annotations

import msgspec

from actors.store.columns import clean


def raw_json(raw: bytes) -> str | None:
    """Return the payload as JSON text: itself where it is JSON, else as a JSON string; None for none."""
    if not raw:
        return None
    try:
        text = raw.decode()
        msgspec.json.decode(raw, type=msgspec.Raw)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return msgspec.json.encode(clean(raw.decode(errors="backslashreplace"))).decode()
    return text
