"""Which market a token is of: Gamma's word, among open markets first. Who asks must check it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from actors.prices.desk import Desk, batches, failure_text
from actors.prices.memory import Known
from actors.prices.questions import TOKENS_PER_CALL, Questions, Stamped
from actors.prices.signals import GatherTokens, Stage, TokensLanded
from actors.prices.tiers import Answering
from config.settings import Prices as PricesSettings
from messages.base import Message
from messages.ids import TokenId, token
from messages.markets import Market, Source, TokenAnswer
from supervisor import SupervisedActor

TOKENS_MAX: Final = 20_000
"""Tokens remembered: those of as many markets as are remembered."""


class TokenDesk(Desk[Market]):
    """Answers for tokens. What is fetched for one is shown to `learn`, as news of its market."""

    kind = "token"

    def __init__(
        self,
        actor: SupervisedActor,
        settings: PricesSettings,
        questions: Questions,
        learn: Callable[[Market, Stamped[Market]], None],
    ) -> None:
        super().__init__(actor, settings, TOKENS_MAX)
        self._questions = questions
        self._learn = learn

    def check_key(self, key: str) -> None:
        token(key)

    def answer(self, key: str, result: Answering) -> TokenAnswer:
        """Return the answer to a question that `result` came of."""
        known = self.memory.peek(key)
        return TokenAnswer(
            token_id=key, market=known.value if known is not None else None, error=result.error
        )

    def gather_message(self) -> Message:
        return GatherTokens()

    def budget_wait_s(self) -> float:
        return self._questions.budget_wait_s(Source.GAMMA)

    def depart(self, keys: Sequence[str]) -> None:
        """Ask Gamma among the open markets first."""
        self._ask(keys, Stage.GAMMA_OPEN)

    def landed(self, message: TokensLanded) -> None:
        """Take what a call brought, and look among the closed markets for what it did not."""
        hidden: list[TokenId] = []
        for key in message.asked:
            market = message.answer.values.get(key) if message.answer is not None else None
            if market is not None and message.answer is not None:
                self._found(key, market, message.answer)
            elif message.error:
                self.flights.complain(key, message.error)
                self.land_failed(key, message.error)
            elif message.stage is Stage.GAMMA_OPEN:
                hidden.append(key)
            else:
                broken = "; ".join(message.answer.broken.values()) if message.answer is not None else ""
                self.land_failed(key, broken or "Gamma knows no market with this token", missing=not broken)
        self._ask(hidden, Stage.GAMMA_CLOSED)

    def _found(self, key: TokenId, market: Market, stamped: Stamped[Market]) -> None:
        self._learn(market, stamped)
        known = Known(market, stamped.as_of_ns, stamped.mono_ns, Source.GAMMA, True)
        for each in market.token_ids:
            self.memory.put(each, known)
        self.land(key)

    def _ask(self, keys: Sequence[TokenId], stage: Stage) -> None:
        closed = stage is Stage.GAMMA_CLOSED
        for batch in batches(keys, TOKENS_PER_CALL):
            self._pipe(batch, stage, closed=closed)

    def _pipe(self, batch: tuple[TokenId, ...], stage: Stage, *, closed: bool) -> None:
        self.actor.pipe(
            self._questions.gamma_markets_of(batch, closed=closed, priority=self.sent(batch)),
            into=lambda answer: TokensLanded(asked=batch, stage=stage, answer=answer),
            failed=lambda error: TokensLanded(asked=batch, stage=stage, error=failure_text(error)),
        )
