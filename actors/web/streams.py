"""Who is sent prices as they move: each stream with what waits for it, and what all of them follow together.

A stream never has more waiting than one document for each of its markets, however slow whoever reads it is.
Knows nothing of sockets, and never waits for anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from actors.web.price_documents import PriceWriter
from actors.web.problems import TOO_MANY_STREAMS, Refusal
from messages.ids import ConditionId
from messages.prices import FOLLOWED_MAX, PriceAnswer

STREAMS_MAX: Final = 200
_NS_PER_MS: Final = 1_000_000

_encode: Final = msgspec.json.Encoder().encode


class Stream:
    """One reader's markets, and the latest document of each that it has not been sent."""

    def __init__(self, condition_ids: Sequence[ConditionId]) -> None:
        self.condition_ids = condition_ids
        self._waiting: dict[ConditionId, str] = {}
        self._has_news = asyncio.Event()
        self._is_over = False

    def put(self, condition_id: ConditionId, document: str) -> None:
        """Have a document sent, in place of an earlier one of that market that still waits."""
        self._waiting[condition_id] = document
        self._has_news.set()

    def end(self) -> None:
        """Have no more sent."""
        self._is_over = True
        self._has_news.set()

    async def next(self) -> str | None:
        """Return the document that has waited longest, None when the stream is over."""
        while not self._waiting and not self._is_over:
            self._has_news.clear()
            await self._has_news.wait()
        return None if self._is_over else self._waiting.pop(next(iter(self._waiting)))


class Streams:
    """All streams. `changed` is called when the markets that they follow together are others."""

    def __init__(self, writer: PriceWriter, changed: Callable[[], None]) -> None:
        self._writer = writer
        self._changed = changed
        self._streams: dict[Stream, None] = {}
        self._readers: dict[ConditionId, dict[Stream, None]] = {}
        self._latest: dict[ConditionId, tuple[PriceAnswer, int]] = {}
        self._is_over = False

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def followed(self) -> tuple[ConditionId, ...]:
        """The markets of all streams, each once."""
        return tuple(self._readers)

    def forget(self) -> None:
        """Let go of what is known of markets that nobody follows any more.

        Only once the price service has been told so: it says at once what a market is worth only where that
        is new to it.
        """
        for condition_id in [each for each in self._latest if each not in self._readers]:
            del self._latest[condition_id]

    def open(self, condition_ids: Sequence[ConditionId], now_mono_ns: int) -> Stream:
        """Return a new stream of these markets, what is known of them waiting. Raises `Refusal`."""
        if self._is_over:
            raise Refusal(TOO_MANY_STREAMS, "the daemon is stopping")
        if len(self._streams) >= STREAMS_MAX:
            raise Refusal(TOO_MANY_STREAMS, f"{STREAMS_MAX} streams are open, as many as there may be")
        added = [condition_id for condition_id in condition_ids if condition_id not in self._readers]
        if len(self._readers) + len(added) > FOLLOWED_MAX:
            raise Refusal(
                TOO_MANY_STREAMS,
                f"all streams together would follow {len(self._readers) + len(added)} markets, "
                f"expected at most {FOLLOWED_MAX}",
            )
        stream = Stream(condition_ids)
        self._streams[stream] = None
        for condition_id in condition_ids:
            self._readers.setdefault(condition_id, {})[stream] = None
            latest = self._latest.get(condition_id)
            if latest is not None:
                stream.put(condition_id, self._document(aged(*latest, now_mono_ns)))
        if added:
            self._changed()
        return stream

    def close(self, stream: Stream) -> None:
        """Have no more waiting for a stream; its markets are followed no longer if they are nobody else's."""
        if stream not in self._streams:
            return
        del self._streams[stream]
        has_changed = False
        for condition_id in stream.condition_ids:
            readers = self._readers[condition_id]
            del readers[stream]
            if not readers:
                del self._readers[condition_id]
                has_changed = True
        if has_changed and not self._is_over:
            self._changed()

    def moved(self, answer: PriceAnswer, now_mono_ns: int) -> None:
        """Have the market's readers sent what it is worth now."""
        readers = self._readers.get(answer.condition_id)
        if readers is None:
            return
        self._latest[answer.condition_id] = (answer, now_mono_ns)
        document = self._document(answer)
        for stream in readers:
            stream.put(answer.condition_id, document)

    def end(self) -> None:
        """End all streams and take no more."""
        self._is_over = True
        for stream in self._streams:
            stream.end()

    def _document(self, answer: PriceAnswer) -> str:
        return _encode(self._writer.document(answer)).decode()


def aged(answer: PriceAnswer, at_mono_ns: int, now_mono_ns: int) -> PriceAnswer:
    """Return an answer as old as it is by now."""
    passed_ms = (now_mono_ns - at_mono_ns) // _NS_PER_MS
    age_ms = answer.age_ms + passed_ms
    is_over = answer.market is not None and bool(answer.market.payouts)
    return msgspec.structs.replace(
        answer,
        age_ms=age_ms,
        stale=answer.stale or (age_ms > answer.age_ms_max and not is_over),
        market_age_ms=answer.market_age_ms + passed_ms,
    )
