"""The venue's own routes: how play goes, what was really played, and what shall go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from ops.venue.decimals import plain
from ops.venue.errors import FaultSpecError
from ops.venue.faults.spec import FaultSpec
from ops.venue.ledger import PlayedLeg
from ops.venue.routes.answers import json_answer

if TYPE_CHECKING:
    from ops.venue.server import Venue

_LEADERS_DEFAULT: Final = 20


class ControlRoutes:
    """Never part of the protocol under test: no fault strikes here."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control/status", self._status),
            web.get("/control/truth", self._truth),
            web.get("/control/leaders", self._leaders),
            web.get("/control/faults", self._faults),
            web.post("/control/faults", self._set_faults),
            web.delete("/control/faults", self._clear_faults),
            web.post("/control/start", self._start),
        ]

    async def _status(self, request: web.Request) -> web.Response:
        return json_answer(self._venue.status())

    async def _truth(self, request: web.Request) -> web.Response:
        wallet = request.query.get("wallet", "").lower()
        after = _number(request, "after", 0)
        legs = [
            _played(one)
            for one in self._venue.world.ledger.legs()
            if one.seq > after and wallet in ("", one.leg.wallet)
        ]
        return json_answer({"finished": self._venue.has_finished, "legs": legs})

    async def _leaders(self, request: web.Request) -> web.Response:
        limit = _number(request, "limit", _LEADERS_DEFAULT)
        return json_answer({"leaders": list(self._venue.leaders())[:limit]})

    async def _faults(self, request: web.Request) -> web.Response:
        return json_answer({"spec": self._venue.faults.spec, "strikes": self._venue.faults.strikes_by_kind()})

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            self._venue.faults.set(FaultSpec.parse(await request.read()))
        except FaultSpecError as error:
            return json_answer({"error": str(error)}, status=400)
        return await self._faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._venue.faults.set(FaultSpec())
        return await self._faults(request)

    async def _start(self, request: web.Request) -> web.Response:
        self._venue.play()
        return json_answer({"started": True})


def _number(request: web.Request, key: str, default: int) -> int:
    text = request.query.get(key, str(default))
    if not text.isdigit():
        raise web.HTTPBadRequest(text=f"{key} is a whole number, not {text!r}")
    return int(text)


def _played(one: PlayedLeg) -> dict[str, Any]:
    leg = one.leg
    return {
        "seq": one.seq,
        "wallet": leg.wallet,
        "tx": leg.transaction,
        "token": leg.token,
        "condition": leg.condition,
        "side": leg.side,
        "role": leg.role,
        "price": plain(leg.price),
        "size": plain(leg.size),
        "fee": plain(leg.fee),
        "outcome": leg.outcome,
        "played_at": one.played_at,
    }
