"""Asking the price service on behalf of a request: how fresh, and what its silence means to who asked."""

from __future__ import annotations

from collections.abc import Awaitable
from decimal import Decimal
from typing import Any, Final, Protocol, TypeAlias

from actors.web import parameters
from actors.web.parameters import Asked, Parameter
from actors.web.price_documents import AGE_S_MAX
from actors.web.problems import (
    NO_ANSWER,
    NOT_FRESH,
    NOT_KNOWN,
    UNKNOWN_MARKET,
    UNKNOWN_OUTCOME,
    Refusal,
)
from messages.ids import ConditionId
from messages.markets import Market, Tier
from messages.prices import PriceAnswer, PriceQuery
from supervisor import AskError

TIMEOUT_S: Final = 5.0
"""Longer than the price service takes when every host is slow and it asks one after another."""
DEFAULT_TIER: Final = Tier.T3

Freshness: TypeAlias = tuple[Tier | None, int | None]
"""A tier, a maximum age in milliseconds, or both."""


def milliseconds(seconds: Decimal | float) -> int:
    """Return a time to the nearest millisecond."""
    return round(seconds * 1000)


class Ask(Protocol):
    """An actor's `ask`, with whom to ask and for how long already said."""

    def __call__(self, message: Any, /) -> Awaitable[Any]:
        """Return the answer. Raises `AskError`."""


FRESHNESS: Final[tuple[Parameter, ...]] = (
    parameters.choice(
        "tier",
        f"What the answer is for, which says how old it may be; {DEFAULT_TIER} if nothing is said. "
        "At T1 it is refused when too old.",
        [*Tier],
        read=Tier,
    ),
    parameters.number(
        "maxAgeSeconds",
        "How old the answer may be, in place of the tier's age; an older one is marked as stale, and refused "
        "only at tier T1.",
        "0",
        str(AGE_S_MAX),
        read=milliseconds,
    ),
)
OUTCOME: Final = parameters.integer("outcome", "The place of an outcome among the market's, from 0.", 0, 255)
MARKET: Final = parameters.condition("id", "The market's condition id.", in_path=True)


def freshness(tier: Tier | None, age_ms_max: int | None) -> Freshness:
    """Return how fresh an answer must be; with neither it is that of `DEFAULT_TIER`."""
    if tier is None and age_ms_max is None:
        return DEFAULT_TIER, None
    return tier, age_ms_max


def freshness_of(asked: Asked) -> Freshness:
    """Return how fresh an answer must be by the parameters `FRESHNESS`."""
    return freshness(asked["tier"], asked["maxAgeSeconds"])


async def answer_to(ask: Ask, message: Any) -> Any:
    """Return the price service's answer. Raises `Refusal` where there is none."""
    try:
        return await ask(message)
    except AskError as error:
        raise Refusal(NO_ANSWER, f"the price service does not answer: {error}") from error


def checked(answer: PriceAnswer) -> PriceAnswer:
    """Return the answer if it says anything. Raises `Refusal`: unknown, not fresh enough, nothing known."""
    if answer.unknown:
        raise Refusal(UNKNOWN_MARKET, f"no host has a market {answer.condition_id}")
    if answer.refused:
        raise Refusal(NOT_FRESH, answer.error, refused=(answer.condition_id,))
    if answer.market is None and not answer.prices:
        raise Refusal(NOT_KNOWN, f"nothing is known of {answer.condition_id}: {answer.error}")
    return answer


async def market_of(ask: Ask, condition_id: ConditionId) -> Market:
    """Return what is known of a market, however old. Raises `Refusal`."""
    answer: PriceAnswer = checked(await answer_to(ask, PriceQuery(condition_id=condition_id, tier=Tier.T4)))
    if answer.market is None:
        raise Refusal(NOT_KNOWN, f"only the prices of {condition_id} are known: {answer.error}")
    return answer.market


def outcome_of(market: Market, outcome: int) -> int:
    """Return the outcome's place. Raises `Refusal` if the market has no such outcome."""
    if outcome >= len(market.token_ids):
        raise Refusal(
            UNKNOWN_OUTCOME, f"outcome was {outcome}, expected from 0 to {len(market.token_ids) - 1}"
        )
    return outcome
