"""All that is served, as one table of routes, with the document of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from aiohttp import web

from actors.web import openapi
from actors.web.asking import Ask
from actors.web.book_routes import BookPages
from actors.web.inspection import InspectionPages
from actors.web.parameters import Asked
from actors.web.price_documents import PriceWriter
from actors.web.price_routes import PricePages
from actors.web.routes import JSON, Route, serve
from actors.web.status_routes import Inside, StatusPages
from actors.web.stream_routes import StreamPages
from actors.web.streams import Streams
from supervisor import Inspector


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages are made from."""

    ask: Ask
    inside: Inside
    inspector: Inspector
    writer: PriceWriter
    streams: Streams
    now_mono_ns: Callable[[], int]

    def serve(self, app: web.Application) -> None:
        """Have the application serve everything."""
        routes = self._routes()
        pages = _DocumentPage()
        routes = (*routes, pages.route())
        pages.body = msgspec.json.encode(openapi.document(routes, self.inside.about.version))
        serve(app, routes)

    def _routes(self) -> Sequence[Route]:
        return (
            *PricePages(self.ask, self.writer, self.now_mono_ns).routes(),
            *StreamPages(self.streams, self.now_mono_ns).routes(),
            *BookPages(self.ask).routes(),
            *StatusPages(self.inside).routes(),
            *InspectionPages(self.inspector).routes(),
        )


class _DocumentPage:
    """Serves the document, which names its own route too."""

    body = b""

    def route(self) -> Route:
        return Route(
            path=openapi.PATH,
            handler=self._document,
            name="openapi",
            tag="daemon",
            summary="This document",
            answer=dict,
            answer_note="OpenAPI 3.1.",
        )

    async def _document(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        return web.Response(body=self.body, content_type=JSON)
