"""A route with everything that there is to say of it: what serves it, reads it and documents it is one value.

Handlers are given what was asked for, already read, and return what is to be sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from aiohttp import hdrs, web

from actors.web import problems
from actors.web.parameters import Asked, Parameter, Reader
from actors.web.problems import BAD_REQUEST, BODY_TYPE, Kind, Refusal

JSON: Final = "application/json"
BODY_BYTES_MAX: Final = 65_536
REMEMBERED_MAX: Final = 4_096
REMEMBERED_CHARACTERS_MAX: Final = 200

Endpoint: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Handler: TypeAlias = Callable[[web.Request, Asked], Awaitable[web.StreamResponse]]

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path. `path` is as in OpenAPI, with parameters in braces."""

    path: str
    handler: Handler
    name: str
    """What programs call it: the operation's id."""
    tag: str
    summary: str
    answer: Any
    """The type of what it answers with when all is well."""
    answer_note: str
    media_type: str = JSON
    method: str = hdrs.METH_GET
    parameters: Sequence[Parameter] = ()
    body: Any = None
    """The type of the body that it takes, None for none."""
    problems: Sequence[Kind] = ()
    """What it may refuse with, beside what any route may."""
    note: str = ""
    served_at: str = ""
    """The path as the server takes it, where that differs."""
    is_hot: bool = False
    """Whether the same questions come again and again, so that reading them is worth remembering."""
    is_endless: bool = False
    """Whether its answer goes on until somebody ends it."""


def json_response(document: object) -> web.Response:
    """Return a document as it is sent: encoded at once, without a detour over text."""
    return web.Response(body=_encode(document), content_type=JSON)


def serve(app: web.Application, routes: Sequence[Route]) -> None:
    """Have the application serve the routes, in their order, and refuse everything else with a problem.

    That is said with routes too: a middleware would cost every request what only a wrong one needs.
    """
    methods: dict[str, list[str]] = {}
    for route in routes:
        at = route.served_at or route.path
        methods.setdefault(at, []).extend(_methods(route))
        for method in _methods(route):
            app.router.add_route(method, at, _endpoint(route), expect_handler=_on_expectation)
    for at, allowed in methods.items():
        app.router.add_route(hdrs.METH_ANY, at, _not_allowed(allowed), expect_handler=_on_expectation)
    app.router.add_route(hdrs.METH_ANY, "/{path:.*}", _not_found, expect_handler=_on_expectation)


def _methods(route: Route) -> Sequence[str]:
    has_head = route.method == hdrs.METH_GET and not route.is_endless
    return (hdrs.METH_GET, hdrs.METH_HEAD) if has_head else (route.method,)


def _not_allowed(allowed: Sequence[str]) -> Endpoint:
    expected = ", ".join(allowed)

    async def endpoint(request: web.Request) -> web.StreamResponse:
        detail = f"{request.method} is not served at {request.rel_url.raw_path}, expected {expected}"
        return problems.blank(request, 405, detail, {hdrs.ALLOW: expected})

    return endpoint


async def _not_found(request: web.Request) -> web.StreamResponse:
    detail = f"nothing is at {request.rel_url.raw_path}; /openapi.json tells what is served"
    return problems.blank(request, 404, detail)


async def _on_expectation(request: web.Request) -> web.StreamResponse | None:
    expected = request.headers.get(hdrs.EXPECT, "")
    if expected.lower() != "100-continue":
        return problems.blank(request, 417, f"{hdrs.EXPECT} was {expected[:80]!r}, expected 100-continue")
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0
    return None


def _endpoint(route: Route) -> Endpoint:
    read = _remembering(Reader(route.parameters)) if route.is_hot else Reader(route.parameters).read
    handler = route.handler

    async def endpoint(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request, read(request))
        except Exception as error:
            return problems.response_to(request, error)

    return endpoint


def _remembering(reader: Reader) -> Callable[[web.Request], Asked]:
    """Return a reader that remembers what short queries stand for. Not for routes with a path to read."""
    remembered: dict[str, Asked] = {}

    def read(request: web.Request) -> Asked:
        said = request.rel_url.raw_query_string
        asked = remembered.get(said)
        if asked is None:
            asked = reader.read(request)
            if len(said) <= REMEMBERED_CHARACTERS_MAX:
                if len(remembered) >= REMEMBERED_MAX:
                    remembered.clear()
                remembered[said] = asked
        return asked

    return read


class Decoder(Protocol):
    """What turns a body into a value, and raises `msgspec.DecodeError`, or `UnicodeDecodeError`."""

    def decode(self, body: bytes, /) -> Any:
        """Return the value."""


async def body_of(request: web.Request, decoder: Decoder) -> Any:
    """Return the request's body as the decoder takes it. Raises `Refusal`, or what the server does where it
    is too large."""
    if request.content_type != JSON:
        seen = request.headers.get(hdrs.CONTENT_TYPE, "no type")
        raise Refusal(BODY_TYPE, f"the body's type was {seen[:80]}, expected {JSON}")
    try:
        body = await request.read()
    except web.RequestPayloadError as error:
        raise Refusal(BAD_REQUEST, f"the body could not be read: {error}") from None
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(BAD_REQUEST, f"the body was not understood: {error}") from None
