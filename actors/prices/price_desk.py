"""What markets are worth (P8): the freshest of live books, fetched books and the hosts' rows.

It has no flights of its own. Who is not served by what is known waits for the market's flight, and where that
brings nothing fresh, for the flights of its books.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from thespian.actors import ActorAddress

from actors.prices.book_desk import BookDesk
from actors.prices.desk import FRESH, LANDED_AGE_MS, Counts
from actors.prices.followers import Followers
from actors.prices.market_desk import MarketDesk
from actors.prices.memory import Known
from actors.prices.quotes import View, freshest
from actors.prices.tiers import Answering, Deliver, Wanted
from actors.prices.write_back import with_prices
from config.settings import Prices as PricesSettings
from messages.ids import ConditionId, TokenId
from messages.markets import Market, Resolution
from messages.prices import IDS_MAX, PriceAnswer, PriceMoved, PricesAnswer
from supervisor import SupervisedActor

TOO_MANY: Final = f"over {IDS_MAX} markets in one question"

Told = Callable[[PriceAnswer], None]


class PriceDesk:
    """Answers what markets are worth."""

    def __init__(
        self, actor: SupervisedActor, settings: PricesSettings, markets: MarketDesk, books: BookDesk
    ) -> None:
        self._actor = actor
        self._clock = actor.clock
        self._settings = settings
        self._markets = markets
        self._books = books
        self._counts = Counts("price")
        self._market_of: dict[TokenId, ConditionId] = {}
        self.followers = Followers()

    def ask(self, condition_id: ConditionId, wanted: Wanted, tell: Told) -> None:
        """Tell what a market is worth: now if that is fresh enough, else when something fresher has come."""
        now_ns = self._clock.monotonic_ns()
        known = self._markets.memory.use(condition_id)
        if known is None or not known.final:
            self._markets.demand.note(condition_id, now_ns, wanted)
        if known is not None:
            view = self.view(known, now_ns)
            if self._is_fresh(known, view, now_ns, wanted.age_ms_max):
                self._counts.answered(wanted.tier, "hit")
                tell(self._answer(condition_id, known, view, now_ns, wanted, FRESH))
                return
        joins = condition_id in self._markets.flights
        self._counts.answered(wanted.tier, "coalesced" if joins else "miss")
        self._markets.join(
            condition_id,
            wanted,
            lambda result: self._landed(condition_id, wanted, tell, result),
            now_ns,
            counted=False,
            has_elsewhere=known is not None and self._books_may_help(known, now_ns),
        )

    def ask_all(self, condition_ids: tuple[ConditionId, ...], wanted: Wanted, to: ActorAddress) -> None:
        """Answer for several markets together, when the last of them is known."""
        ids = list(dict.fromkeys(condition_ids))
        if len(ids) > IDS_MAX:
            refused = Answering(True, TOO_MANY)
            answers = tuple(self._nothing(each, None, wanted, refused, 0) for each in ids)
            self._actor.send(to, PricesAnswer(answers=answers))
            return
        if not ids:
            self._actor.send(to, PricesAnswer(answers=()))
        found: dict[ConditionId, PriceAnswer] = {}

        def tell(answer: PriceAnswer) -> None:
            found[answer.condition_id] = answer
            if len(found) == len(ids):
                self._actor.send(to, PricesAnswer(answers=tuple(found[each] for each in ids)))

        for each in ids:
            self.ask(each, wanted, tell)

    def view(self, known: Known[Market], now_ns: int) -> View:
        """Return what a known market is worth."""
        if known.value.resolution is not Resolution.OPEN:
            return freshest(known, ())
        return freshest(known, self._books.quotes(known.value.token_ids, now_ns))

    def age_ms(self, condition_id: ConditionId) -> int:
        """Return how old the prices of a market are that is known."""
        now_ns = self._clock.monotonic_ns()
        known = self._markets.memory.peek(condition_id)
        return _age_ms(self.view(known, now_ns).mono_ns, now_ns) if known is not None else 0

    def priced(self, known: Known[Market]) -> Known[Market]:
        """Return a market with the freshest prices there are in place of its row's."""
        view = self.view(known, self._clock.monotonic_ns())
        if known.final or not view.prices or view.mono_ns <= known.mono_ns:
            return known
        market = with_prices(known.value, view.prices)
        return Known(market, view.as_of_ns, view.mono_ns, view.source, False)

    # --- followers ---

    def learned(self, known: Known[Market]) -> None:
        """Take note of a market whose row is new."""
        for token_id in known.value.token_ids:
            self._market_of[token_id] = known.value.condition_id
        while len(self._market_of) > 2 * self._markets.memory.capacity:
            del self._market_of[next(iter(self._market_of))]
        self.followers.moved(known.value.condition_id)

    def touched(self, token_id: TokenId) -> ConditionId | None:
        """Take note that a token's live book changed; return its market, where that is known."""
        condition_id = self._market_of.get(token_id)
        if condition_id is not None:
            self.followers.moved(condition_id)
        return condition_id

    def follow(self, condition_ids: tuple[ConditionId, ...], wanted: Wanted, follower: ActorAddress) -> None:
        """Tell a follower of markets from now on, and of those new to it at once."""
        now_ns = self._clock.monotonic_ns()
        for condition_id in self.followers.follow(follower, condition_ids, now_ns):
            self.ask(
                condition_id, wanted, lambda answer: self._actor.send(follower, PriceMoved(answer=answer))
            )

    def tell_moved(self, wanted: Wanted) -> None:
        """Tell followers what moved since the last time."""
        now_ns = self._clock.monotonic_ns()
        for condition_id, followers in self.followers.due(now_ns):
            known = self._markets.memory.peek(condition_id)
            if known is None:
                continue
            view = self.view(known, now_ns)
            stale = not self._is_fresh(known, view, now_ns, wanted.age_ms_max)
            answer = self._answer(condition_id, known, view, now_ns, wanted, Answering(stale))
            for follower in followers:
                self._actor.send(follower, PriceMoved(answer=answer))

    # --- answers ---

    def _landed(self, condition_id: ConditionId, wanted: Wanted, tell: Told, result: Answering) -> None:
        """Answer if the market's flight brought what is fresh enough, else ask for its books."""
        now_ns = self._clock.monotonic_ns()
        known = self._markets.memory.peek(condition_id)
        if known is not None:
            view = self.view(known, now_ns)
            accepted_ms = wanted.age_ms_max if result.error else max(wanted.age_ms_max, LANDED_AGE_MS)
            fresh = self._is_fresh(known, view, now_ns, accepted_ms)
            if not fresh and self._books_may_help(known, now_ns):
                self._ask_books(known, wanted, tell, result)
                return
            tell(self._answer(condition_id, known, view, now_ns, wanted, _told(result, fresh)))
        else:
            self._counts.nothing()
            tell(self._nothing(condition_id, None, wanted, result, now_ns))

    def _books_may_help(self, known: Known[Market], now_ns: int) -> bool:
        is_open = known.value.resolution is Resolution.OPEN
        return is_open and not known.hearsay and known.age_ms(now_ns) <= self._settings.metadata_ms_max

    def _ask_books(self, known: Known[Market], wanted: Wanted, tell: Told, market: Answering) -> None:
        left = set(known.value.token_ids)
        troubles = [market.error] if market.error else []

        def asker(token_id: TokenId) -> Deliver:
            def told(result: Answering) -> None:
                left.discard(token_id)
                if result.error and result.error not in troubles:
                    troubles.append(result.error)
                if not left:
                    self._answer_by_books(known, wanted, tell, "; ".join(troubles))

            return told

        for token_id in known.value.token_ids:
            self._books.ask(token_id, wanted, asker(token_id))

    def _answer_by_books(self, known: Known[Market], wanted: Wanted, tell: Told, trouble: str) -> None:
        now_ns = self._clock.monotonic_ns()
        known = self._markets.memory.peek(known.value.condition_id) or known
        view = self.view(known, now_ns)
        fresh = self._is_fresh(known, view, now_ns, max(wanted.age_ms_max, LANDED_AGE_MS))
        answering = Answering(not fresh, "" if fresh else trouble)
        tell(self._answer(known.value.condition_id, known, view, now_ns, wanted, answering))

    def _is_fresh(self, known: Known[Market], view: View, now_ns: int, age_ms_max: int) -> bool:
        """Return whether prices are young enough, and the row not so old that they may mean nothing."""
        if known.final:
            return True
        row_ms_max = max(age_ms_max, self._settings.metadata_ms_max)
        return (
            not known.hearsay
            and bool(view.prices or known.value.resolution is not Resolution.OPEN)
            and now_ns - view.mono_ns <= age_ms_max * 1_000_000
            and known.age_ms(now_ns) <= row_ms_max
        )

    def _answer(
        self,
        condition_id: ConditionId,
        known: Known[Market],
        view: View,
        now_ns: int,
        wanted: Wanted,
        result: Answering,
    ) -> PriceAnswer:
        if result.stale and wanted.is_strict:
            self._counts.nothing()
            return self._nothing(condition_id, known, wanted, result, now_ns)
        age_ms = _age_ms(view.mono_ns, now_ns)
        self._counts.age(wanted.tier, view.source, age_ms, stale=result.stale)
        return PriceAnswer(
            condition_id=condition_id,
            market=known.value,
            prices=view.prices,
            as_of_ns=view.as_of_ns,
            age_ms=age_ms,
            stale=result.stale,
            source=view.source,
            tier=wanted.tier,
            age_ms_max=wanted.age_ms_max,
            market_as_of_ns=known.as_of_ns,
            market_age_ms=known.age_ms(now_ns),
            error=result.error,
        )

    def _nothing(
        self,
        condition_id: ConditionId,
        known: Known[Market] | None,
        wanted: Wanted,
        result: Answering,
        now_ns: int,
    ) -> PriceAnswer:
        """Return an answer without a price: nothing is known, or nothing that may be told at this tier."""
        return PriceAnswer(
            condition_id=condition_id,
            market=known.value if known is not None else None,
            prices=(),
            as_of_ns=0,
            age_ms=0,
            stale=True,
            source="",
            tier=wanted.tier,
            age_ms_max=wanted.age_ms_max,
            market_as_of_ns=known.as_of_ns if known is not None else 0,
            market_age_ms=known.age_ms(now_ns) if known is not None else 0,
            error=result.error or "nothing fresh enough is known",
            refused=wanted.is_strict and not result.missing,
            unknown=result.missing and known is None,
        )


def _told(result: Answering, fresh: bool) -> Answering:
    return msgspec.structs.replace(result, stale=not fresh)


def _age_ms(mono_ns: int, now_ns: int) -> int:
    return max(0, now_ns - mono_ns) // 1_000_000
