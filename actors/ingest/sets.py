"""Which two outcome tokens make a complete set of a market, computed, so that nobody need be believed.

An id of Protocol V2 says it itself. An older market has one of two pairs, by its collateral; which of them
a token that was seen decides, else the price service is asked. An answer that fits neither pair is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from actors.ingest.errors import Unclear
from messages.ids import ConditionId, TokenId
from messages.markets import MarketAnswer, MarketQuery

Pair: TypeAlias = tuple[TokenId, TokenId]
Ask: TypeAlias = Callable[[MarketQuery], Awaitable[MarketAnswer | None]]

TOKENS_KEPT: Final = 8_192
"""Markets of which a token is remembered; for one forgotten the price service is asked."""
ASKED_MAX: Final = 10
"""Answers without a market after which it is believed that nobody has it."""
ASKED_KEPT: Final = 1_024
MARKET_AGE_MS_MAX: Final = 86_400_000
_V2_LENGTH: Final = 64
"""Characters of a condition id of Protocol V2."""


class Sets:
    """The outcome tokens seen lately, and the arithmetic that tells the others from them."""

    def __init__(self, ask: Ask | None) -> None:
        """`ask` asks the price service; without it only seen tokens help."""
        self._ask = ask
        self._seen: dict[ConditionId, TokenId] = {}
        self._asked: dict[ConditionId, int] = {}

    def saw(self, condition_id: ConditionId, token_id: TokenId) -> None:
        """Take note of an outcome of a market."""
        if condition_id not in self._seen:
            self._seen[condition_id] = token_id
            if len(self._seen) > TOKENS_KEPT:
                del self._seen[next(iter(self._seen))]

    async def pair(self, condition_id: ConditionId) -> Pair | None:
        """Return the tokens, or None if the price service has no answer at present.

        Raises `Unclear` when it never has one, or what is known of the market fits no pair.
        """
        pairs = _pairs(condition_id)
        if len(pairs) == 1:
            return pairs[0]
        seen = self._seen.get(condition_id)
        if seen is not None:
            return _that_has((seen,), pairs)
        answer = None
        if self._ask is not None:
            answer = await self._ask(MarketQuery(condition_id=condition_id, age_ms_max=MARKET_AGE_MS_MAX))
        if answer is None or answer.market is None:
            self._unanswered(condition_id)
            return None
        self._asked.pop(condition_id, None)
        pair = _that_has(answer.market.token_ids, pairs)
        self.saw(condition_id, pair[0])
        return pair

    def _unanswered(self, condition_id: ConditionId) -> None:
        times = self._asked.pop(condition_id, 0) + 1
        if times >= ASKED_MAX:
            raise Unclear("market", "nobody knows the outcomes of its market")
        self._asked[condition_id] = times
        if len(self._asked) > ASKED_KEPT:
            del self._asked[next(iter(self._asked))]


def _pairs(condition_id: ConditionId) -> tuple[Pair, ...]:
    if len(condition_id) == _V2_LENGTH:
        return ((str(int(f"{condition_id}00", 16)), str(int(f"{condition_id}01", 16))),)
    # The arithmetic brings the contracts' codecs with it, 22 MB that most daemons never need.
    from actors.ingest.chain.generations import USDC_E, WRAPPED_COLLATERAL
    from actors.ingest.chain.positions import token_id

    return tuple(
        (token_id(collateral, condition_id, 0), token_id(collateral, condition_id, 1))
        for collateral in (USDC_E, WRAPPED_COLLATERAL)
    )


def _that_has(tokens: tuple[TokenId, ...], pairs: tuple[Pair, ...]) -> Pair:
    for pair in pairs:
        if set(tokens) <= set(pair) and tokens:
            return pair
    raise Unclear("market", "its outcomes are none that follow from its condition")
