"""The runtime over HTTP: the tree of actors, tops, one actor, dead letters. It only shows.

Nothing here shows what a message holds, and nothing gives orders: whoever may look may not touch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from aiohttp import web

from actors.web import parameters
from actors.web.parameters import Asked
from actors.web.problems import UNKNOWN_ACTOR, Refusal
from actors.web.routes import Route, json_response
from actors.web.status_documents import RuntimeSummary
from supervisor import (
    ActorDetail,
    ActorInfo,
    DropCount,
    DropReason,
    Inspector,
    LetterInfo,
    NoSuchActor,
    TopEntry,
)
from supervisor.inspection.letters import LETTERS_SHOWN_MAX
from supervisor.inspection.top import GROWING, MEASURES, TOP_MAX

WINDOW_MIN_S: Final = "0.01"
"""In less, next to nothing happens: what one message more makes of a rate says nothing."""
WINDOW_MAX_S: Final = "5"
TREE_MAX: Final = 1_000
"""Actors in one answer: more would take of the loop what trades need."""


class TreeDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Actors, parents before children."""

    actors: Sequence[ActorInfo]
    more: Annotated[bool, msgspec.Meta(description="Whether there are more than were asked for.")]


class TopDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The actors that have most of what was asked for."""

    top: Sequence[TopEntry]


class DeadLettersDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The last messages that were not handled, the latest first, and how many there were of each kind."""

    dead_letters: Sequence[LetterInfo]
    counts: Sequence[DropCount]


def summary(inspector: Inspector) -> RuntimeSummary:
    """Return what tells at a glance whether the actors are well."""
    totals = inspector.totals()
    not_handled: Counter[str] = Counter()
    for drop in totals.drops:
        not_handled[drop.reason] += drop.count
    return RuntimeSummary(
        actors=sum(kind.actors for kind in totals.kinds),
        suspended=sum(kind.suspended for kind in totals.kinds),
        waiting=sum(kind.depth for kind in totals.kinds),
        waiting_longest_s=round(max((kind.oldest_age_s for kind in totals.kinds), default=0.0), 3),
        restarts=sum(kind.restarts for kind in totals.kinds),
        not_handled=dict(sorted(not_handled.items())),
        slow_handlers=sum(handler.count for handler in totals.slow_handlers),
        loop_lag_p99_ms=round(totals.lag.p99_s * 1000, 3),
    )


class InspectionPages:
    """Shows what the inspector sees."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        return (
            Route(
                path="/api/actors",
                handler=self._tree,
                name="actors",
                tag="runtime",
                summary="The tree of actors",
                parameters=(
                    parameters.text("under", "Only this actor, by its path, and those below it."),
                    parameters.integer("n", "How many.", 1, TREE_MAX, default=TREE_MAX),
                ),
                answer=TreeDocument,
                answer_note="Parents before children.",
                problems=(UNKNOWN_ACTOR,),
            ),
            Route(
                path="/api/actors/top",
                handler=self._top,
                name="topActors",
                tag="runtime",
                summary="Which actors have most of something",
                note=f"Over a window, `by` is one of {', '.join(GROWING)}, and rate if not given.",
                parameters=(
                    parameters.choice("by", "Of what; mailbox if not given.", MEASURES),
                    parameters.integer("n", "How many.", 1, TOP_MAX, default=10),
                    parameters.number(
                        "over_s", "Look twice, so many seconds apart.", WINDOW_MIN_S, WINDOW_MAX_S
                    ),
                ),
                answer=TopDocument,
                answer_note="Who has most comes first.",
            ),
            Route(
                path="/api/actors/{path}",
                served_at="/api/actors/{path:.+}",
                handler=self._actor,
                name="actor",
                tag="runtime",
                summary="One actor",
                note="The path may have slashes in it, as in `house/prices`.",
                parameters=(parameters.text("path", "The actor's path.", in_path=True),),
                answer=ActorDetail,
                answer_note="All there is to see of it, and no content of messages.",
                problems=(UNKNOWN_ACTOR,),
            ),
            Route(
                path="/api/dead-letters",
                handler=self._dead_letters,
                name="deadLetters",
                tag="runtime",
                summary="Messages that were not handled",
                parameters=(
                    parameters.text("path", "Only those for this actor."),
                    parameters.text("kind", "Only those for actors of this class."),
                    parameters.text("type", "Only messages of this class."),
                    parameters.choice("reason", "Only those with this reason.", [*DropReason]),
                    parameters.integer("n", "How many.", 1, LETTERS_SHOWN_MAX, default=100),
                ),
                answer=DeadLettersDocument,
                answer_note="The latest first.",
            ),
        )

    async def _tree(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        n: int = asked["n"]
        try:
            actors = self._inspector.tree(asked["under"] or "", n + 1)
        except NoSuchActor as error:
            raise Refusal(UNKNOWN_ACTOR, str(error), near=tuple(error.near)) from error
        return json_response(TreeDocument(actors=actors[:n], more=len(actors) > n))

    async def _top(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        by, n, over_s = asked["by"], asked["n"], asked["over_s"]
        if over_s is None or (by is not None and by not in GROWING):
            return json_response(TopDocument(top=self._inspector.top(by or "mailbox", n)))
        return json_response(TopDocument(top=await self._inspector.top_over(over_s, by or "rate", n)))

    async def _actor(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        try:
            return json_response(self._inspector.actor(asked["path"]))
        except NoSuchActor as error:
            raise Refusal(UNKNOWN_ACTOR, str(error), near=tuple(error.near)) from error

    async def _dead_letters(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        found = self._inspector.dead_letters(
            path=asked["path"],
            kind=asked["kind"],
            message_type=asked["type"],
            reason=asked["reason"],
            n=asked["n"],
        )
        return json_response(DeadLettersDocument(dead_letters=found, counts=self._inspector.drops()))
