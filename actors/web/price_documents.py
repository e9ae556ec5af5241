"""What markets are worth, as it is sent: one shape for one market, for many, and for the stream."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from actors.web.parameters import CONDITION_EXAMPLE, CONDITION_PATTERN
from actors.web.writing import AgeMs, ConditionText, DecimalText, TimeText, decimal, decimals, time
from messages.markets import Market, Resolution, Tier
from messages.prices import IDS_MAX, DemandState, PriceAnswer

AGE_S_MAX: Final = 86_400
_MARKETS_KEPT_MAX: Final = 4_096
_encode: Final = msgspec.json.Encoder().encode


class Standing(StrEnum):
    """Where a market stands on the way to its payout."""

    OPEN = "open"
    CLOSED = "closed"
    DISPUTED = "disputed"
    RESOLVED = "resolved"
    VOID = "void"


class MarketDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What is known of a market beside its prices. `outcomes` and `tokenIds` are in the order of prices."""

    question: str
    slug: str
    event_slug: str
    outcomes: Sequence[str]
    token_ids: Sequence[str]
    tick: Annotated[DecimalText, msgspec.Meta(description="The smallest step of a price.")]
    size_min: Annotated[DecimalText, msgspec.Meta(description="The smallest order, in shares.")]
    fee_rate: DecimalText
    neg_risk: bool
    accepting_orders: bool
    resolution: Annotated[
        Standing, msgspec.Meta(description="`void` pays every outcome its share, as 50-50 does.")
    ]
    end_at: TimeText | None
    oracle: Annotated[str, msgspec.Meta(description="The oracle's last word, where a host passes it on.")]


class PriceDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a market's outcomes are worth, and how old that is."""

    condition_id: ConditionText
    prices: Annotated[
        Sequence[DecimalText],
        msgspec.Meta(
            description="USDC a share, in outcome order; what it pays once resolved; empty if not known."
        ),
    ]
    as_of: Annotated[TimeText | None, msgspec.Meta(description="When the prices were true.")]
    age_ms: AgeMs | None
    stale: Annotated[bool, msgspec.Meta(description="Whether that is older than was asked for.")]
    source: str
    tier: Annotated[Tier, msgspec.Meta(description="What it was answered as.")]
    error: Annotated[str, msgspec.Meta(description="Why it is not fresher; empty if nothing failed.")]
    unknown: Annotated[bool, msgspec.Meta(description="Whether no host has such a market.")]
    market: Annotated[
        msgspec.Raw,
        msgspec.Meta(
            extra_json_schema={
                "anyOf": [{"$ref": "#/components/schemas/MarketDocument"}, {"type": "null"}],
                "description": "The rest that is known, with an age of its own.",
            }
        ),
    ]
    market_as_of: TimeText | None
    market_age_ms: AgeMs | None


class PricesRequest(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False
):
    """Which markets, and how fresh: by a tier, by a maximum age, or both."""

    condition_ids: Annotated[
        list[Annotated[str, msgspec.Meta(pattern=CONDITION_PATTERN)]],
        msgspec.Meta(min_length=1, max_length=IDS_MAX, examples=[[CONDITION_EXAMPLE]]),
    ]
    tier: Tier | msgspec.UnsetType = msgspec.UNSET
    max_age_seconds: Annotated[float, msgspec.Meta(ge=0, le=AGE_S_MAX)] | msgspec.UnsetType = msgspec.UNSET


class PricesDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The markets in the order asked for, each once, and the ids that no host has a market for."""

    prices: list[PriceDocument]
    unknown: list[ConditionText]


class DemandDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A market that is kept warm: why, and how fresh it is."""

    condition_id: ConditionText
    question: str
    tier: Annotated[Tier | None, msgspec.Meta(description="The most demanding that asked lately.")]
    held: Annotated[bool, msgspec.Meta(description="Whether a position waits for its resolution.")]
    followed: bool
    last_requested_at: TimeText | None
    requests: int
    live: Annotated[int, msgspec.Meta(description="Outcomes with a live book that can be trusted.")]
    source: str
    age_ms: AgeMs | None


class DemandsDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The hot set, the most demanding and most recent first."""

    markets: list[DemandDocument]


class PriceWriter:
    """Makes documents of answers. A market changes far less often than its prices do, so that it is kept as
    it was written."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[Market, msgspec.Raw]] = {}

    def document(self, answer: PriceAnswer) -> PriceDocument:
        """Return what is sent of an answer."""
        is_known = bool(answer.prices)
        market = answer.market
        return PriceDocument(
            condition_id=answer.condition_id,
            prices=decimals(answer.prices),
            as_of=time(answer.as_of_ns) if is_known else None,
            age_ms=max(0, answer.age_ms) if is_known else None,
            stale=answer.stale,
            source=answer.source,
            tier=answer.tier,
            error=answer.error,
            unknown=answer.unknown,
            market=_NULL if market is None else self._market(market),
            market_as_of=None if market is None else time(answer.market_as_of_ns),
            market_age_ms=None if market is None else max(0, answer.market_age_ms),
        )

    def _market(self, market: Market) -> msgspec.Raw:
        kept = self._written.get(market.condition_id)
        if kept is not None and kept[0] is market:
            return kept[1]
        if len(self._written) >= _MARKETS_KEPT_MAX:
            self._written.clear()
        written = msgspec.Raw(_encode(market_document(market)))
        self._written[market.condition_id] = (market, written)
        return written


_NULL: Final = msgspec.Raw(b"null")
_STANDINGS: Final = {resolution: Standing(resolution.value) for resolution in Resolution}


def market_document(market: Market) -> MarketDocument:
    """Return what is sent of a market."""
    return MarketDocument(
        question=market.question,
        slug=market.slug,
        event_slug=market.event_slug,
        outcomes=market.outcomes,
        token_ids=market.token_ids,
        tick=decimal(market.tick),
        size_min=decimal(market.size_min),
        fee_rate=decimal(market.fee_rate),
        neg_risk=market.neg_risk,
        accepting_orders=market.accepting_orders,
        resolution=Standing.VOID if market.is_void else _STANDINGS[market.resolution],
        end_at=time(market.end_at_ns),
        oracle=market.oracle,
    )


def demand_document(state: DemandState) -> DemandsDocument:
    """Return what is sent of the hot set."""
    return DemandsDocument(
        markets=[
            DemandDocument(
                condition_id=one.condition_id,
                question=one.question,
                tier=one.tier,
                held=one.held,
                followed=one.followed,
                last_requested_at=time(one.last_requested_at_ns),
                requests=one.requests,
                live=one.live,
                source=one.source,
                age_ms=one.age_ms if one.age_ms >= 0 else None,
            )
            for one in state.markets
        ]
    )
