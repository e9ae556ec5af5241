"""Identifiers and how each is made. Every function here is deterministic: the same facts, the same id."""

from __future__ import annotations

import hashlib
import re
from typing import Final, TypeAlias

Wallet: TypeAlias = str
"""A leader's funding wallet: `0x` and 40 lowercase hex digits."""
ConditionId: TypeAlias = str
"""A market: `0x` and 64 lowercase hex digits, or 62 in Protocol V2."""
TokenId: TypeAlias = str
"""One outcome of a market: a decimal integer as text."""
TxHash: TypeAlias = str
TradeId: TypeAlias = str
"""Twenty hex digits; what `remora why` takes."""
IntentId: TypeAlias = str
OrderId: TypeAlias = str
PortfolioId: TypeAlias = str

_WALLET: Final = re.compile(r"0x[0-9a-f]{40}")
_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
_CONDITION: Final = re.compile(r"0x(?:[0-9a-f]{64}|0[12][0-9a-f]{60})")
"""Protocol V2 leaves the outcome's byte out, and begins with its module: binary or negative risk."""
_TOKEN: Final = re.compile(r"[0-9]{1,78}")
_PORTFOLIO: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class IdError(ValueError):
    """An identifier from outside was malformed: says which, what was seen and what was expected."""


def _matched(pattern: re.Pattern[str], text: str, what: str, expected: str) -> str:
    if pattern.fullmatch(text) is None:
        raise IdError(f"{what} was {text!r:.90}, expected {expected}")
    return text


def wallet(text: str) -> Wallet:
    """Return a wallet in lowercase (the trade stream sends it checksummed). Raises `IdError`."""
    return _matched(_WALLET, text.lower(), "wallet", "0x and 40 hex digits")


def condition(text: str) -> ConditionId:
    """Return a condition id in lowercase. Those of combo markets are refused with `IdError`."""
    return _matched(_CONDITION, text.lower(), "condition id", "0x and 64 hex digits")


def token(text: str) -> TokenId:
    """Return a token id. Raises `IdError`."""
    return _matched(_TOKEN, text, "token id", "a decimal integer")


def transaction(text: str) -> TxHash:
    """Return a transaction hash in lowercase. Raises `IdError`."""
    return _matched(_HASH, text.lower(), "transaction hash", "0x and 64 hex digits")


def portfolio(text: str) -> PortfolioId:
    """Return a portfolio id. Raises `IdError`."""
    return _matched(_PORTFOLIO, text, "portfolio id", "1 to 32 of a-z, 0-9, - and _, a letter or digit first")


def trade_key(
    wallet: Wallet,
    tx: TxHash,
    condition_id: ConditionId,
    token_id: TokenId,
    side: str,
    cents: int,
    ordinal: int,
) -> str:
    """Return the canonical identity of a trade (D8); `ordinal` counts equal rows of one transaction."""
    return f"{wallet}:{tx}:{condition_id}:{token_id}:{side}:{cents}:{ordinal}"


def trade_id(key: str) -> TradeId:
    """Return the short name of a trade key."""
    return hashlib.blake2b(key.encode(), digest_size=10).hexdigest()


def intent_id(trade: TradeId, portfolio_id: PortfolioId) -> IntentId:
    """Return the identity of a portfolio's decision on a trade: there can be only one (I1)."""
    return f"{trade}.{portfolio_id}"


def paper_order_id(intent: IntentId) -> OrderId:
    """Return the identity of the paper order of an intent, fixed before anything is sent (E3)."""
    return "0x" + hashlib.sha256(f"paper:{intent}".encode()).hexdigest()
