"""The cache in front of the Data API: an identical URL gets the stored body again until it is too old."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from aiohttp import web

from ops.venue.clock import Clock, monotonic_s

_URLS_MAX: Final = 4096


class Cdn:
    """Keeps good answers by exact URL, the oldest out first beyond its bound."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self.hits = 0

    def answer(self, request: web.Request, seconds: float) -> web.Response | None:
        """Return the stored answer to this URL, where there is one young enough."""
        kept = self._kept.get(str(request.rel_url))
        if kept is None:
            return None
        age = monotonic_s(self._clock) - kept[0]
        if age >= seconds:
            return None
        self.hits += 1
        return web.Response(
            body=kept[1],
            content_type="application/json",
            headers={**_headers(seconds), "age": str(int(age)), "x-cache": "Hit from cloudfront"},
        )

    def keep(self, request: web.Request, response: web.Response, seconds: float) -> web.Response:
        """Store a good answer under this URL, and mark it as coming from behind the cache."""
        response.headers["x-cache"] = "Miss from cloudfront"
        if response.status == 200 and seconds > 0 and isinstance(response.body, bytes):
            response.headers.update(_headers(seconds))
            self._kept[str(request.rel_url)] = (monotonic_s(self._clock), response.body)
            self._kept.move_to_end(str(request.rel_url))
            if len(self._kept) > _URLS_MAX:
                self._kept.popitem(last=False)
        return response


def _headers(seconds: float) -> dict[str, str]:
    return {"cache-control": f"public, max-age={int(seconds)}"}
