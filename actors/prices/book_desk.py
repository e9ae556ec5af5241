"""Order books, one call for as many as are wanted at the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.prices import metrics
from actors.prices.desk import Call, Desk, batches, failure_text
from actors.prices.errors import NotFoundError
from actors.prices.memory import Known
from actors.prices.signals import BooksLanded, GatherBooks
from actors.prices.source import BOOKS_PER_CALL, CLOB, Source, Stamped
from config.settings import Prices as PricesSettings
from messages.base import Message
from messages.ids import TokenId, token
from messages.markets import Book, BookAnswer
from supervisor import SupervisedActor

BOOKS_MAX: Final = 4_000
"""Books remembered."""
NO_BOOK: Final = "the venue has no book for this token"


class BookDesk(Desk[Book]):
    """Answers for books."""

    kind = "book"

    def __init__(self, actor: SupervisedActor, settings: PricesSettings, source: Source) -> None:
        super().__init__(actor, settings, BOOKS_MAX)
        self._source = source

    def check_key(self, key: str) -> None:
        token(key)

    def make_answer(
        self, key: str, known: Known[Book] | None, age_ms: int, stale: bool, error: str
    ) -> BookAnswer:
        return BookAnswer(
            token_id=key,
            book=known.value if known is not None else None,
            age_ms=age_ms,
            stale=stale,
            source=known.source if known is not None else "",
            error=error,
        )

    def gather_message(self) -> Message:
        return GatherBooks()

    def budget_wait_s(self) -> float:
        return self._source.budget_wait_s(CLOB)

    def depart(self, keys: Sequence[str], *, urgent: bool) -> None:
        """Ask for one book by itself and for several together."""
        if len(keys) == 1:
            self._ask_single(keys[0], urgent)
            return
        for batch in batches(keys, BOOKS_PER_CALL):
            self._pipe(self._source.books(batch, urgent=urgent), batch, batch=True)

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
                self._ask_single(key, urgent=True)
                continue
            if message.missing or not trouble:
                self.demand.forget(key)
            self.land_failed(key, NO_BOOK)

    def warm(self) -> None:
        """Refresh the books in play, so that who asks next finds a young one."""
        self.fly(self.warm_keys(round(self.settings.warm_interval_s * 500)), urgent=False)
        metrics.KNOWN.labels(self.kind).set(len(self.memory))

    def _learn(self, book: Book, stamped: Stamped[Book]) -> None:
        arrived = Known(book, stamped.as_of_ns, stamped.mono_ns, CLOB, False)
        self.land(book.token_id, self.memory.put(book.token_id, arrived))

    def _ask_single(self, key: TokenId, urgent: bool) -> None:
        self._pipe(self._source.book(key, urgent=urgent), (key,), batch=False)

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
