"""What is said on the market channel (polymarket-wire.md, section 2). Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from messages.ids import TokenId

PING: Final = "PING"
PONG: Final = "PONG"
PING_S: Final = 10.0


def greeting(token_ids: Collection[TokenId]) -> str:
    """Return the first frame: a server may close a socket that does not begin with it."""
    return _text({"type": "market", "assets_ids": list(token_ids), "custom_feature_enabled": True})


def subscribe(token_ids: Collection[TokenId]) -> str:
    """Return the frame that adds tokens; each is answered with its whole book."""
    return _change("subscribe", token_ids)


def unsubscribe(token_ids: Collection[TokenId]) -> str:
    """Return the frame that takes tokens off."""
    return _change("unsubscribe", token_ids)


def _change(operation: str, token_ids: Collection[TokenId]) -> str:
    return _text({"operation": operation, "assets_ids": list(token_ids), "custom_feature_enabled": True})


def _text(document: dict[str, object]) -> str:
    return msgspec.json.encode(document).decode()
