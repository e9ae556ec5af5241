"""Middleware that lets HTTP requests meet the faults in force, and counts requests by route and in time."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ops.venue.faults.plan import FaultPlan, Strikes
from ops.venue.faults.spec import Hang, Latency, Malformed, ServerError, Throttle, Trickle, Truncate

_PIECES: Final = 8
_SPARED: Final = ("/control", "/rtds", "/ws")
"""Paths no request fault strikes: the control routes, and the WebSockets, which have faults of their own."""

_PAGE: Final = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking</body></html>"


class RequestFaults:
    """Strikes requests in the order of the spec; the first fault that answers is the answer."""

    def __init__(self, plan: FaultPlan, kept_max: int) -> None:
        self._plan = plan
        self.requests: Counter[str] = Counter()
        self.arrivals: deque[tuple[float, str]] = deque(maxlen=kept_max)
        """The last requests: when each came, in seconds since some moment, and its route."""

    @property
    def middleware(self) -> Middleware:
        """The middleware to install."""

        @web.middleware
        async def meet(request: web.Request, handler: Handler) -> web.StreamResponse:
            route = _route(request)
            self.requests[route] += 1
            self.arrivals.append((self._plan.now_s(), route))
            if request.path.startswith(_SPARED):
                return await handler(request)
            return await self._meet(request, handler, self._plan.for_request(request.path))

        return meet

    async def _meet(
        self, request: web.Request, handler: Handler, strikes: list[Strikes]
    ) -> web.StreamResponse:
        trickle_s = 0.0
        truncate = False
        for one in strikes:
            fault = one.fault
            if isinstance(fault, Latency):
                await asyncio.sleep(fault.seconds + one.chance.random() * fault.jitter_s)
            elif isinstance(fault, Hang):
                await asyncio.sleep(fault.seconds)
                return _drop(request)
            elif isinstance(fault, Throttle):
                return _throttled(request, fault)
            elif isinstance(fault, ServerError):
                return _failure(request, fault.status)
            elif isinstance(fault, Malformed):
                return web.Response(text=_PAGE, content_type="text/html")
            elif isinstance(fault, Trickle):
                trickle_s += fault.seconds
            elif isinstance(fault, Truncate):
                truncate = True
        response = await handler(request)
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            if truncate:
                return await _truncated(request, response, response.body)
            if trickle_s > 0:
                return await _trickled(request, response, response.body, trickle_s)
        return response


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return f"{request.method} {resource.canonical if resource is not None else '(unknown)'}"


def _throttled(request: web.Request, fault: Throttle) -> web.Response:
    response = _failure(request, 429)
    if fault.retry_after_s is not None:
        response.headers["Retry-After"] = f"{fault.retry_after_s:g}"
    return response


def _failure(request: web.Request, status: int) -> web.Response:
    """Return a refusal in the words of the API that is asked."""
    if request.path.startswith("/data"):
        words = {429: ("rate_limited", "Too many requests"), 503: ("unavailable", "Service unavailable")}
        code, text = words.get(status, ("internal", "Internal error"))
        return web.json_response(
            {"code": code, "error": text, "retryable": True, "trace_id": "0" * 32}, status=status
        )
    text = {429: "Too Many Requests", 503: "Service Unavailable"}.get(status, "Internal Server Error")
    if request.path.startswith("/gamma"):
        return web.json_response({"type": "server error", "error": text.lower()}, status=status)
    return web.json_response({"error": text}, status=status)


async def _trickled(
    request: web.Request, answer: web.Response, body: bytes, seconds: float
) -> web.StreamResponse:
    stream = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    stream.content_length = len(body)
    await stream.prepare(request)
    size = max(1, -(-len(body) // _PIECES))
    for start in range(0, len(body), size):
        await asyncio.sleep(seconds / _PIECES)
        await stream.write(body[start : start + size])
    await stream.write_eof()
    return stream


async def _truncated(request: web.Request, answer: web.Response, body: bytes) -> web.StreamResponse:
    stream = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    stream.content_length = len(body)
    await stream.prepare(request)
    await stream.write(body[: len(body) // 2])
    _drop(request)
    return stream


def _drop(request: web.Request) -> web.Response:
    """Close the connection without a (further) word."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)
