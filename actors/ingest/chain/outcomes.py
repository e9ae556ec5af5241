"""Which market an outcome token is of: asked of the price service once, checked, and remembered.

What another service says is believed only where the token's id follows from the condition's, which anybody
can compute; so a wrong answer is found out, and never becomes a trade.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from actors.ingest.chain import positions
from actors.ingest.chain.fills import Outcome
from actors.ingest.errors import Drift
from messages.ids import TokenId
from messages.markets import Market, MarketAnswer, MarketQuery, TokenAnswer, TokenQuery

OUTCOMES_KEPT: Final = 8_192
"""Tokens whose market is remembered; one forgotten is asked for again."""
MARKET_AGE_MS_MAX: Final = 86_400_000
"""Names do not change: a day old is fresh enough."""

Ask: TypeAlias = Callable[[Any], Awaitable[Any]]
"""Asks the price service. Raises when there is no answer."""


class Outcomes:
    """The outcome tokens that leaders traded lately."""

    def __init__(self, kept: int = OUTCOMES_KEPT) -> None:
        self._kept = kept
        self._known: dict[TokenId, Outcome] = {}

    def get(self, token: TokenId) -> Outcome | None:
        """Return what is known of a token."""
        return self._known.get(token)

    def learn(self, token: TokenId, outcome: Outcome) -> None:
        """Remember a token's outcome; with too many, the one learned longest ago is forgotten."""
        self._known[token] = outcome
        if len(self._known) > self._kept:
            del self._known[next(iter(self._known))]


async def find(token: TokenId, ask: Ask) -> Outcome:
    """Return a token's outcome.

    Raises `Drift` when the token is none of the market's that is said to have it, `LookupError` when nobody
    knows it, and whatever `ask` raises.
    """
    parts = positions.split(token)
    if parts is not None:
        condition_id, index = parts
        named: MarketAnswer = await ask(MarketQuery(condition_id=condition_id, age_ms_max=MARKET_AGE_MS_MAX))
        # The id itself says the market; only the names are missing where nobody has it.
        return _named(named.market, token, condition_id, index)
    answer: TokenAnswer = await ask(TokenQuery(token_id=token))
    if answer.market is None:
        raise LookupError(answer.error)
    return checked(answer.market, token)


def checked(market: Market, token: TokenId) -> Outcome:
    """Return the token's outcome in its market. Raises `Drift` if it has none there."""
    index = positions.outcome_of(market.condition_id, token)
    if index is None:
        raise Drift("token", f"token {token} is none of {market.condition_id}, which is said to have it")
    return _named(market, token, market.condition_id, index)


def _named(market: Market | None, token: TokenId, condition_id: str, index: int) -> Outcome:
    if market is None:
        return Outcome(condition_id=condition_id, index=index)
    names = dict(zip(market.token_ids, market.outcomes, strict=False))
    return Outcome(
        condition_id=condition_id,
        index=index,
        name=names.get(token, ""),
        title=market.question,
        slug=market.slug,
        event_slug=market.event_slug,
    )
