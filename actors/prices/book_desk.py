"""Order books: kept live where they are in play, else one call for as many as are wanted at the moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.prices import metrics
from actors.prices.desk import Call, Desk, batches, failure_text
from actors.prices.errors import NotFoundError
from actors.prices.live.board import Board
from actors.prices.live.book import LiveBook
from actors.prices.memory import Known
from actors.prices.questions import BOOKS_PER_CALL, Questions, Stamped
from actors.prices.quotes import Quote, book_price, quote
from actors.prices.signals import BooksLanded, GatherBooks
from actors.prices.tiers import Answering, Priority, Wanted
from config.settings import Prices as PricesSettings
from messages.base import Message
from messages.ids import TokenId, token
from messages.markets import Book, BookAnswer, Source
from supervisor import SupervisedActor

BOOKS_MAX: Final = 4_000
"""Books remembered."""
NO_BOOK: Final = "the venue has no book for this token"


class BookDesk(Desk[Book]):
    """Answers for books. Every one that is fetched is compared with the live one, if there is one."""

    kind = "book"

    def __init__(
        self, actor: SupervisedActor, settings: PricesSettings, questions: Questions, board: Board
    ) -> None:
        super().__init__(actor, settings, BOOKS_MAX)
        self._questions = questions
        self._board = board
        self.missing: dict[TokenId, int] = {}
        """Tokens that the venue had no book for lately, and when it said so."""

    def check_key(self, key: str) -> None:
        token(key)

    def current(self, key: str, now_ns: int) -> Known[Book] | None:
        """Return the live book, or a younger one that was fetched and holds all that the live one does."""
        known = self.memory.use(key)
        live = self._live(key, known)
        if live is None:
            return known
        book, proved_ns = live
        as_of_ns = self.clock.now_ns() - (now_ns - proved_ns)
        frozen = book.freeze(as_of_ns)
        return Known(frozen, as_of_ns, proved_ns, Source.STREAM, False) if frozen is not None else known

    def quotes(self, keys: Sequence[TokenId], now_ns: int) -> list[Quote | None]:
        """Return what a market's outcomes are worth by their books; None where those do not say.

        Of two the fresher one's book tells both (see `quotes.book_view`), so that one live book is enough.
        """
        if len(keys) == 2:
            one, other = self._board.live(keys[0]), self._board.live(keys[1])
            if one is not None and other is not None:
                fresher = 0 if one >= other else 1
                found: list[Quote | None] = [None, None]
                found[fresher] = self.quote(keys[fresher], now_ns)
                if found[fresher] is not None:
                    return found
        return [self.quote(key, now_ns) for key in keys]

    def quote(self, key: str, now_ns: int) -> Quote | None:
        """Return what the outcome is worth by its `current` book, of which no copy is made for that."""
        known = self.memory.peek(key)
        live = self._live(key, known)
        if live is not None:
            book, proved_ns = live
            if book.check(None, None):
                price = book_price(book.best_bid, book.best_ask, book.last_trade)
                as_of_ns = self.clock.now_ns() - (now_ns - proved_ns)
                return (
                    Quote(price, as_of_ns, proved_ns, Source.STREAM, book.at_ms)
                    if price is not None
                    else None
                )
        return quote(known) if known is not None else None

    def _live(self, key: str, known: Known[Book] | None) -> tuple[LiveBook, int] | None:
        """Return the live book and when it was last proved, None where what was fetched is to be taken."""
        seat, proved_ns = self._board.seat(key), self._board.proved_ns(key)
        if seat is None or proved_ns is None:
            return None
        if known is not None and known.mono_ns > proved_ns:
            has_more = seat.unsure_since_ns is None and seat.book.at_ms > known.value.changed_at_ms
            if not has_more:
                return None
        return seat.book, proved_ns

    def answer(self, key: str, wanted: Wanted, result: Answering) -> BookAnswer:
        """Return the answer to a question that `result` came of."""
        now_ns = self.clock.monotonic_ns()
        known = self.current(key, now_ns)
        if known is None or (result.stale and wanted.is_strict):
            self.counts.nothing()
            return BookAnswer(
                token_id=key,
                book=None,
                age_ms=known.age_ms(now_ns) if known is not None else 0,
                stale=True,
                source=known.source if known is not None else "",
                error=result.error,
                refused=wanted.is_strict and not result.missing,
                missing=result.missing,
            )
        age_ms = known.age_ms(now_ns)
        self.counts.age(wanted.tier, known.source, age_ms, stale=result.stale)
        return BookAnswer(
            token_id=key,
            book=known.value,
            age_ms=age_ms,
            stale=result.stale,
            source=known.source,
            error=result.error,
            missing=result.missing,
        )

    def gather_message(self) -> Message:
        return GatherBooks()

    def budget_wait_s(self) -> float:
        return self._questions.budget_wait_s(Source.CLOB)

    def depart(self, keys: Sequence[str]) -> None:
        """Ask for one book by itself and for several together."""
        if len(keys) == 1:
            self._ask_single(keys[0])
            return
        for batch in batches(keys, BOOKS_PER_CALL):
            self._pipe(self._questions.books(batch, priority=self.sent(batch)), batch, batch=True)

    def landed(self, message: BooksLanded) -> None:
        """Take what a call brought; where the batch route failed, ask for those waited for one by one."""
        for key in message.asked:
            book = message.answer.values.get(key) if message.answer is not None else None
            if book is not None and message.answer is not None:
                self._learn(book, message.answer)
                continue
            broken = message.answer.broken.get(key, "") if message.answer is not None else ""
            trouble = message.error or broken
            if trouble:
                self.flights.complain(key, trouble)
            if message.batch and message.error and self.flights.awaited(key):
                self._ask_single(key)
                continue
            missing = message.missing or not trouble
            if missing:
                self.demand.forget(key)
                self._is_missing(key)
            self.land_failed(key, NO_BOOK, missing=missing)

    def warm(self, now_ns: int) -> None:
        """Refresh the books in play that are about to be too old, so that who asks next finds a young one."""
        since_ns = self.in_play_since_ns(now_ns)
        due = [key for key in self.demand.since(since_ns) if self._is_due(key, now_ns, since_ns)]
        self.fly(due, Priority.WARM)
        metrics.KNOWN.labels(self.kind).set(len(self.memory))

    def _is_due(self, key: str, now_ns: int, since_ns: int) -> bool:
        asked = self.demand.get(key)
        age_ms_max = asked.age_ms_max(since_ns) if asked is not None else None
        if age_ms_max is None or key in self.flights:
            return False
        known = self.current(key, now_ns)
        return known is not None and known.age_ms(now_ns) * 2 >= min(age_ms_max, WARM_AGE_MS_MAX)

    def _is_missing(self, key: TokenId) -> None:
        self.missing.pop(key, None)
        self.missing[key] = self.clock.monotonic_ns()
        if len(self.missing) > BOOKS_MAX:
            del self.missing[next(iter(self.missing))]

    def _learn(self, book: Book, stamped: Stamped[Book]) -> None:
        flight = self.flights.get(book.token_id)
        asked_ns = flight.started_ns if flight is not None else stamped.mono_ns
        dropped = self._board.verify(book, asked_ns, stamped.mono_ns)
        if dropped:
            metrics.LIVE_DROPPED.labels(dropped).inc()
        self.missing.pop(book.token_id, None)
        self.memory.put(book.token_id, Known(book, stamped.as_of_ns, stamped.mono_ns, Source.CLOB, False))
        self.land(book.token_id)

    def _ask_single(self, key: TokenId) -> None:
        self._pipe(self._questions.book(key, priority=self.sent((key,))), (key,), batch=False)

    def _pipe(self, call: Call[Stamped[Book]], asked: tuple[TokenId, ...], *, batch: bool) -> None:
        self.actor.pipe(
            call,
            into=lambda answer: BooksLanded(asked=asked, batch=batch, answer=answer),
            failed=lambda error: BooksLanded(
                asked=asked,
                batch=batch,
                error=failure_text(error),
                missing=isinstance(error, NotFoundError) and not batch,
            ),
        )


WARM_AGE_MS_MAX: Final = 30_000
"""Who accepts older books than this is kept up with at this age."""
