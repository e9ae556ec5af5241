"""One market of each kind with its real token ids, as the price service would describe it."""

from __future__ import annotations

from actors.ingest.chain import positions
from actors.ingest.chain.generations import USDC_E, WRAPPED_COLLATERAL
from messages.markets import Market, Resolution

CONDITION = "0x" + "c3" * 32
YES, NO = (positions.token_id(USDC_E, CONDITION, outcome) for outcome in range(2))
NEG_RISK = "0x" + "c5" * 32
NEG_RISK_YES, NEG_RISK_NO = (positions.token_id(WRAPPED_COLLATERAL, NEG_RISK, one) for one in range(2))
V2_CONDITION = "0x01" + "d4" * 18 + "00" * 8 + "d4" * 4
"""Protocol V2 keeps eight bytes of an id empty; the outcome's byte comes behind these."""
V2_YES, V2_NO = (str(int(f"{V2_CONDITION}{outcome:02x}", 16)) for outcome in range(2))
COMBO_YES = str(int("0x03" + V2_CONDITION[4:] + "00", 16))


def market(condition_id: str = CONDITION, tokens: tuple[str, ...] = (YES, NO)) -> Market:
    """Return an open market with these tokens."""
    return Market(
        condition_id=condition_id,
        question="Will it rain?",
        slug="rain",
        event_slug="weather",
        outcomes=("Yes", "No"),
        token_ids=tokens,
        prices=(500_000, 500_000),
        tick=10_000,
        size_min=5_000_000,
        fee_rate=0,
        neg_risk=False,
        accepting_orders=True,
        resolution=Resolution.OPEN,
    )
