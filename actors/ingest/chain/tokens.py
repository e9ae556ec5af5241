"""What happens to outcome tokens outside of trading: splits, merges, redemptions, conversions, transfers.

Users go through adapters, so the stakeholder named in these events is often one of those; whose tokens they
were is told by the transfers of the same transaction. Facts: polymarket-wire.md, section 10.
"""

from __future__ import annotations

from typing import Final

from actors.ingest.chain.events import Event

CONDITIONAL_TOKENS: Final = "0x4d97dcd97ec945f40cf65f87097ace5ea0476045"
NEG_RISK_ADAPTER: Final = "0xd91e80cf2e7be2e162c6513ced06f1dd0da35296"

TOKEN_EVENTS: Final = {
    (CONDITIONAL_TOKENS, event.topic): event
    for event in (
        Event(
            "TransferSingle(address indexed operator, address indexed from, address indexed to, "
            "uint256 id, uint256 value)"
        ),
        Event(
            "TransferBatch(address indexed operator, address indexed from, address indexed to, "
            "uint256[] ids, uint256[] values)"
        ),
        Event(
            "PositionSplit(address indexed stakeholder, address collateralToken, "
            "bytes32 indexed parentCollectionId, bytes32 indexed conditionId, uint256[] partition, "
            "uint256 amount)"
        ),
        Event(
            "PositionsMerge(address indexed stakeholder, address collateralToken, "
            "bytes32 indexed parentCollectionId, bytes32 indexed conditionId, uint256[] partition, "
            "uint256 amount)"
        ),
        Event(
            "PayoutRedemption(address indexed redeemer, address indexed collateralToken, "
            "bytes32 indexed parentCollectionId, bytes32 conditionId, uint256[] indexSets, uint256 payout)"
        ),
        Event(
            "ConditionPreparation(bytes32 indexed conditionId, address indexed oracle, "
            "bytes32 indexed questionId, uint256 outcomeSlotCount)"
        ),
        Event(
            "ConditionResolution(bytes32 indexed conditionId, address indexed oracle, "
            "bytes32 indexed questionId, uint256 outcomeSlotCount, uint256[] payoutNumerators)"
        ),
    )
} | {
    (NEG_RISK_ADAPTER, event.topic): event
    for event in (
        Event("PositionSplit(address indexed stakeholder, bytes32 indexed conditionId, uint256 amount)"),
        Event("PositionsMerge(address indexed stakeholder, bytes32 indexed conditionId, uint256 amount)"),
        Event(
            "PositionsConverted(address indexed stakeholder, bytes32 indexed marketId, "
            "uint256 indexed indexSet, uint256 amount)"
        ),
        Event(
            "PayoutRedemption(address indexed redeemer, bytes32 indexed conditionId, uint256[] amounts, "
            "uint256 payout)"
        ),
    )
}
"""By contract and topic: two contracts may call different things alike."""

COLLATERAL_TRANSFER: Final = Event("Transfer(address indexed from, address indexed to, uint256 value)")
