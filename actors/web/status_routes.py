"""How the daemon is: metrics for Prometheus, health, the figures of `remora status`, and polling's lag."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from actors.web.parameters import Asked
from actors.web.problems import NO_ANSWER, NOT_DURABLE, Refusal
from actors.web.routes import Route, json_response
from actors.web.status_documents import (
    About,
    HealthDocument,
    RuntimeSummary,
    Silence,
    StatusDocument,
    StoreStatus,
)
from messages.ingest import IngestState, PollState
from messages.store import Counts
from supervisor import AskError

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Where these pages look. What has to be awaited raises `AskError`."""

    about: About
    uptime_s: Callable[[], float]
    store: Callable[[], StoreStatus]
    runtime: Callable[[], RuntimeSummary]
    ingest: Callable[[], Awaitable[IngestState]]
    polling: Callable[[], Awaitable[PollState]]
    counts: Callable[[], Awaitable[Counts]]


class StatusPages:
    """A slow answer from inside is an answer "unavailable", not a hang."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        return (
            Route(
                path="/metrics",
                handler=self._metrics,
                name="metrics",
                tag="daemon",
                summary="Metrics for Prometheus",
                answer=str,
                answer_note="The exposition format.",
                media_type="text/plain",
            ),
            Route(
                path="/healthz",
                handler=self._health,
                name="health",
                tag="daemon",
                summary="Whether writes become durable",
                answer=HealthDocument,
                answer_note="They do.",
                problems=(NOT_DURABLE,),
            ),
            Route(
                path="/api/status",
                handler=self._status,
                name="status",
                tag="daemon",
                summary="What the daemon does",
                answer=StatusDocument,
                answer_note="What is known now; in place of what does not answer, why.",
            ),
            Route(
                path="/api/leaders/lag",
                handler=self._lag,
                name="leadersLag",
                tag="daemon",
                summary="How late polling would find a leader's trade that no other source sees",
                answer=PollState,
                answer_note="Every leader, and polling as a whole.",
                problems=(NO_ANSWER,),
            ),
        )

    async def _metrics(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        store = self._inside.store()
        if not store.available:
            raise Refusal(NOT_DURABLE, store.reason)
        return json_response(HealthDocument(ok=True, store="available"))

    async def _status(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        ingest, counts = await asyncio.gather(_or_silence(self._inside.ingest()), self._counts())
        return json_response(
            StatusDocument(
                **msgspec.structs.asdict(self._inside.about),
                uptime_s=round(self._inside.uptime_s(), 3),
                store=self._inside.store(),
                runtime=self._inside.runtime(),
                ingest=ingest,
                counts=counts,
            )
        )

    async def _counts(self) -> Counts | Silence:
        """Ask for the counts, unless it is known that nobody can count now."""
        store = self._inside.store()
        return await _or_silence(self._inside.counts()) if store.available else Silence(error=store.reason)

    async def _lag(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        try:
            return json_response(await self._inside.polling())
        except AskError as error:
            raise Refusal(NO_ANSWER, f"the poller does not answer: {error}") from error


async def _or_silence(answer: Awaitable[_Answer]) -> _Answer | Silence:
    try:
        return await answer
    except AskError as error:
        return Silence(error=str(error))
