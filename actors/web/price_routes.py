"""What markets are worth over HTTP: one, many, and which of them are kept warm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from aiohttp import hdrs, web

from actors.web import asking, parameters
from actors.web.asking import Ask, answer_to, checked, freshness, freshness_of, milliseconds
from actors.web.parameters import Asked
from actors.web.price_documents import (
    DemandsDocument,
    PriceDocument,
    PricesDocument,
    PricesRequest,
    PriceWriter,
    demand_document,
)
from actors.web.problems import (
    BAD_REQUEST,
    BODY_TYPE,
    NO_ANSWER,
    NOT_FRESH,
    NOT_KNOWN,
    UNKNOWN_MARKET,
    Refusal,
)
from actors.web.routes import Route, body_of, json_response
from actors.web.streams import aged
from messages import ids
from messages.ids import ConditionId
from messages.markets import Tier
from messages.prices import DemandQuery, PriceAnswer, PriceQuery, PricesAnswer, PricesQuery

HOLD_NS: Final = 50_000_000
"""How long one answer serves all who ask the same: many pages poll one market. Its age is told as it is."""
HELD_MAX: Final = 4_096
Held: TypeAlias = tuple[ConditionId, Tier | None, int | None]
_requests: Final = msgspec.json.Decoder(PricesRequest)


class PricePages:
    """Answers by asking the price service; whatever it says of age and staleness is passed on."""

    def __init__(self, ask: Ask, writer: PriceWriter, now_mono_ns: Callable[[], int]) -> None:
        self._ask = ask
        self._writer = writer
        self._now_mono_ns = now_mono_ns
        self._held: dict[Held, tuple[PriceAnswer, int]] = {}

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        return (
            Route(
                path="/api/polymarket/price",
                handler=self._price,
                name="price",
                tag="prices",
                summary="What a market is worth",
                parameters=(
                    parameters.condition("conditionId", "The market's condition id."),
                    *asking.FRESHNESS,
                ),
                answer=PriceDocument,
                answer_note="Prices with their age: stale ones where hosts fail but a last value is known.",
                problems=(UNKNOWN_MARKET, NOT_FRESH, NOT_KNOWN, NO_ANSWER),
                is_hot=True,
            ),
            Route(
                method=hdrs.METH_POST,
                path="/api/markets/prices",
                handler=self._prices,
                name="prices",
                tag="prices",
                summary="What several markets are worth",
                note="Ids that are given twice count once.",
                body=PricesRequest,
                answer=PricesDocument,
                answer_note="A document for each market, in the order asked for.",
                problems=(BODY_TYPE, NOT_FRESH, NO_ANSWER),
            ),
            Route(
                path="/api/markets/demand",
                handler=self._demand,
                name="demand",
                tag="prices",
                summary="Which markets are kept warm, and for whom",
                answer=DemandsDocument,
                answer_note="The hot set.",
                problems=(NO_ANSWER,),
            ),
        )

    async def _price(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        tier, age_ms_max = freshness_of(asked)
        key = asked["conditionId"], tier, age_ms_max
        now_ns = self._now_mono_ns()
        held = self._held.get(key)
        if held is not None and now_ns - held[1] <= HOLD_NS:
            answer = aged(*held, now_ns)
            if not answer.stale:
                return json_response(self._writer.document(answer))
        query = PriceQuery(condition_id=key[0], tier=tier, age_ms_max=age_ms_max)
        answer = checked(await answer_to(self._ask, query))
        self._hold(key, answer)
        return json_response(self._writer.document(answer))

    def _hold(self, key: Held, answer: PriceAnswer) -> None:
        """Keep an answer for whoever asks the same in the next moment; nothing that somebody executes on."""
        if answer.stale or answer.tier is Tier.T1:
            self._held.pop(key, None)
            return
        if len(self._held) >= HELD_MAX:
            self._held.clear()
        self._held[key] = answer, self._now_mono_ns()

    async def _prices(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        body: PricesRequest = await body_of(request, _requests)
        tier, age_ms_max = freshness(_given(body.tier), _milliseconds(body.max_age_seconds))
        query = PricesQuery(condition_ids=_distinct(body), tier=tier, age_ms_max=age_ms_max)
        answer: PricesAnswer = await answer_to(self._ask, query)
        refused = tuple(one.condition_id for one in answer.answers if one.refused)
        if refused:
            raise Refusal(NOT_FRESH, f"{len(refused)} of {len(answer.answers)} were refused", refused=refused)
        return json_response(
            PricesDocument(
                prices=[self._writer.document(one) for one in answer.answers if not one.unknown],
                unknown=[one.condition_id for one in answer.answers if one.unknown],
            )
        )

    async def _demand(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        return json_response(demand_document(await answer_to(self._ask, DemandQuery())))


def _distinct(body: PricesRequest) -> tuple[ConditionId, ...]:
    try:
        return tuple(dict.fromkeys(ids.condition(text) for text in body.condition_ids))
    except ids.IdError as error:
        raise Refusal(BAD_REQUEST, str(error)) from None


def _given(value: Any) -> Any:
    return None if value is msgspec.UNSET else value


def _milliseconds(seconds: float | msgspec.UnsetType) -> int | None:
    return None if isinstance(seconds, msgspec.UnsetType) else milliseconds(seconds)
