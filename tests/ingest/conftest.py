"""Recorded payloads, and payloads made like them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"

WALLET = "0x" + "a1" * 20
TX = "0x" + "b2" * 32
CONDITION = "0x" + "c3" * 32
TOKEN = "1234567890" * 7
TRADED_S = 1_790_272_257


@pytest.fixture
def sample() -> Callable[[str], Path]:
    """Return the path of a recorded payload."""

    def path(name: str) -> Path:
        found = SAMPLES / name
        if not found.exists():
            pytest.skip(f"the recorded payload {name} is not there: looked in {SAMPLES}")
        return found

    return path


def _payload(**changes: Any) -> dict[str, Any]:
    return {
        "asset": TOKEN,
        "bio": "",
        "conditionId": CONDITION,
        "eventSlug": "an-event",
        "outcome": "Yes",
        "outcomeIndex": 0,
        "price": 0.52,
        "proxyWallet": WALLET,
        "side": "BUY",
        "size": 12.5,
        "slug": "a-market",
        "timestamp": TRADED_S,
        "title": "Will it?",
        "transactionHash": TX,
        **changes,
    }


@pytest.fixture
def frame() -> Callable[..., bytes]:
    """Make a trade-stream frame; keywords change the payload, `envelope` the rest."""

    def make(envelope: dict[str, Any] | None = None, **changes: Any) -> bytes:
        document = {
            "connection_id": "abc=",
            "payload": _payload(**changes),
            "timestamp": TRADED_S * 1000 + 115,
            "topic": "activity",
            "type": "trades",
            **(envelope or {}),
        }
        return json.dumps(document, separators=(",", ":")).encode()

    return make


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """Make a row of `/v2/activity`."""

    def make(**changes: Any) -> dict[str, Any]:
        return {
            "proxy_wallet": WALLET,
            "timestamp": TRADED_S,
            "condition_id": CONDITION,
            "type": "TRADE",
            "size": 12.5,
            "usdc_size": 6.7,
            "transaction_hash": TX,
            "price": 0.52,
            "token_id": TOKEN,
            "side": "BUY",
            "outcome_index": 0,
            "title": "Will it?",
            "slug": "a-market",
            "event_slug": "an-event",
            "outcome": "Yes",
            **changes,
        }

    return make


@pytest.fixture
def page() -> Callable[..., bytes]:
    """Make the body of an activity page."""

    def make(rows: list[Any] | None, next_cursor: str | None = None) -> bytes:
        pagination = {
            "limit": 500,
            "offset": 0,
            "has_more": next_cursor is not None,
            "next_cursor": next_cursor,
        }
        return json.dumps({"data": rows, "pagination": pagination}).encode()

    return make


@pytest.fixture
def wallet() -> str:
    """The wallet that frames and rows are of unless they say otherwise."""
    return WALLET
