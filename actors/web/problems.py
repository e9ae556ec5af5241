"""Problem bodies (RFC 9457): the one shape in which whatever went wrong is told, whoever noticed it.

Must not say of an unexpected error more than that there was one: its text was not written for whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
import structlog
from aiohttp import web

log = structlog.get_logger("web")

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = {"Retry-After": "1"}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, by RFC 9457."""

    type: Annotated[str, msgspec.Meta(description="What to branch on: /problems/… or about:blank.")]
    title: Annotated[str, msgspec.Meta(description="The same words for every problem of this type.")]
    status: int
    detail: Annotated[str, msgspec.Meta(description="What was seen, and what was expected.")]
    instance: Annotated[str, msgspec.Meta(description="The path that was asked for.")]
    near: Annotated[
        tuple[str, ...] | msgspec.UnsetType,
        msgspec.Meta(description="Paths of actors that may have been meant."),
    ] = msgspec.UNSET
    refused: Annotated[
        tuple[str, ...] | msgspec.UnsetType,
        msgspec.Meta(description="The markets or outcomes of which nothing fresh enough could be had."),
    ] = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem, with the status that it goes with."""

    slug: str
    status: int
    title: str
    headers: Mapping[str, str]


def _kind(slug: str, status: int, title: str, headers: Mapping[str, str] | None = None) -> Kind:
    return Kind(f"/problems/{slug}", status, title, headers or {})


BAD_REQUEST: Final = _kind("bad-request", 400, "The request was not understood")
UNKNOWN_ACTOR: Final = _kind("unknown-actor", 404, "No actor has that path")
UNKNOWN_MARKET: Final = _kind("unknown-market", 404, "No host has such a market")
UNKNOWN_OUTCOME: Final = _kind("unknown-outcome", 404, "The market has no such outcome")
NO_BOOK: Final = _kind("no-book", 404, "The venue has no such book")
BODY_TYPE: Final = _kind("body-type", 415, "The body must be JSON")
NOT_FRESH: Final = _kind("not-fresh", 503, "Nothing fresh enough could be had", RETRY_AFTER)
NOT_KNOWN: Final = _kind("not-known", 503, "Nothing is known of it at present", RETRY_AFTER)
NO_ANSWER: Final = _kind("no-answer", 503, "Nobody inside answers", RETRY_AFTER)
TOO_MANY_STREAMS: Final = _kind("too-many-streams", 503, "No more streams can be served")
NOT_DURABLE: Final = _kind("not-durable", 503, "Writes do not become durable at present")


class Refusal(Exception):
    """A request that is answered with a problem. Says what was seen and what was expected."""

    def __init__(
        self, kind: Kind, detail: str, *, near: tuple[str, ...] = (), refused: tuple[str, ...] = ()
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.near = near
        self.refused = refused


def response_to(request: web.Request, error: Exception) -> web.Response:
    """Return what a request is answered with at which a handler failed. Raises what is not to be answered."""
    if isinstance(error, Refusal):
        return _refused(request, error)
    if isinstance(error, web.HTTPException) and error.status >= 400:
        return blank(request, error.status, error.text or error.reason)
    if isinstance(error, web.HTTPException | ConnectionError):  # of the latter nobody is left to be told
        raise error
    log.error("a request failed", path=request.path, exc_info=error)
    return blank(request, 500, "it failed; the log says why")


def _refused(request: web.Request, refusal: Refusal) -> web.Response:
    kind = refusal.kind
    problem = Problem(
        type=kind.slug,
        title=kind.title,
        status=kind.status,
        detail=_printable(str(refusal)),
        instance=_printable(request.rel_url.raw_path),
        near=refusal.near or msgspec.UNSET,
        refused=refusal.refused or msgspec.UNSET,
    )
    return _response(problem, kind.headers)


def blank(
    request: web.Request, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a problem that is all said by its status."""
    problem = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_printable(detail),
        instance=_printable(request.rel_url.raw_path),
    )
    return _response(problem, headers or {})


def _response(problem: Problem, headers: Mapping[str, str]) -> web.Response:
    return web.Response(
        status=problem.status,
        body=msgspec.json.encode(problem),
        content_type=CONTENT_TYPE,
        headers=headers,
    )


def _printable(text: str) -> str:
    """Return the text with what is no character in escapes: JSON has no place for half a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode()
