"""The runtime over HTTP: the tree of actors, tops, one actor, dead letters. It only shows.

Nothing here shows what a message holds, and nothing gives orders: whoever may look may not touch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from supervisor import Inspector, NoSuchActor

WINDOW_MAX_S: Final = 60.0
TREE_MAX: Final = 1_000
"""Actors in one answer: more would take of the loop what trades need."""

_Number = TypeVar("_Number", int, float)


def add_routes(app: web.Application, inspector: Inspector) -> None:
    """Serve the inspector's looks under /api/actors and /api/dead-letters."""
    pages = _Pages(inspector)
    app.router.add_get("/api/actors", _answering(pages.tree))
    app.router.add_get("/api/actors/top", _answering(pages.top))
    app.router.add_get("/api/actors/{path:.+}", _answering(pages.actor))
    app.router.add_get("/api/dead-letters", _answering(pages.dead_letters))


def summary(inspector: Inspector) -> dict[str, object]:
    """Return what tells at a glance whether the actors are well."""
    totals = inspector.totals()
    not_handled: Counter[str] = Counter()
    for drop in totals.drops:
        not_handled[drop.reason] += drop.count
    return {
        "actors": sum(kind.actors for kind in totals.kinds),
        "suspended": sum(kind.suspended for kind in totals.kinds),
        "waiting": sum(kind.depth for kind in totals.kinds),
        "waiting_longest_s": round(max((kind.oldest_age_s for kind in totals.kinds), default=0.0), 3),
        "restarts": sum(kind.restarts for kind in totals.kinds),
        "not_handled": dict(sorted(not_handled.items())),
        "slow_handlers": sum(handler.count for handler in totals.slow_handlers),
        "loop_lag_p99_ms": round(totals.lag.p99_s * 1000, 3),
    }


class _Pages:
    """Each takes a request and returns the document that answers it. Raises `ValueError`, `NoSuchActor`."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    async def tree(self, request: web.Request) -> object:
        asked = _Query(request, "under", "n")
        n = asked.integer("n", TREE_MAX)
        if not 1 <= n <= TREE_MAX:
            raise ValueError(f"n was {n}, expected from 1 to {TREE_MAX}")
        actors = self._inspector.tree(asked.text("under") or "", n + 1)
        return {"actors": actors[:n], "more": len(actors) > n}

    async def top(self, request: web.Request) -> object:
        asked = _Query(request, "by", "n", "over_s")
        by, n, over_s = asked.text("by"), asked.integer("n", 10), asked.number("over_s")
        if over_s is None:
            return {"top": self._inspector.top(by or "mailbox", n)}
        if not 0 < over_s <= WINDOW_MAX_S:
            raise ValueError(f"over_s was {over_s:g}, expected more than 0 and at most {WINDOW_MAX_S:g}")
        return {"top": await self._inspector.top_over(over_s, by or "rate", n)}

    async def actor(self, request: web.Request) -> object:
        _Query(request)
        return self._inspector.actor(request.match_info["path"])

    async def dead_letters(self, request: web.Request) -> object:
        asked = _Query(request, "path", "kind", "type", "reason", "n")
        return {
            "dead_letters": self._inspector.dead_letters(
                path=asked.text("path"),
                kind=asked.text("kind"),
                message_type=asked.text("type"),
                reason=asked.text("reason"),
                n=asked.integer("n", 100),
            ),
            "counts": self._inspector.drops(),
        }


class _Query:
    """The parameters of a request. A name that means nothing here is an error: it was mistyped."""

    def __init__(self, request: web.Request, *known: str) -> None:
        for name in request.query:
            if name not in known:
                raise ValueError(f"{name} means nothing here, expected {', '.join(known) or 'no parameters'}")
        self._values = request.query

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def integer(self, name: str, default: int) -> int:
        number = self._parsed(name, int, "a whole number")
        return default if number is None else number

    def number(self, name: str) -> float | None:
        return self._parsed(name, float, "a number")

    def _parsed(self, name: str, parse: Callable[[str], _Number], expected: str) -> _Number | None:
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError:
            raise ValueError(f"{name} was {value[:40]!r}, expected {expected}") from None


_Page = Callable[[web.Request], Awaitable[object]]


def _answering(page: _Page) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            status, document = 200, await page(request)
        except NoSuchActor as error:
            status, document = 404, {"error": str(error), "near": error.near}
        except ValueError as error:
            status, document = 400, {"error": str(error)}
        return web.Response(
            status=status, body=msgspec.json.encode(document), content_type="application/json"
        )

    return answer
