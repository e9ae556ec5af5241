"""Calls to Gamma, CLOB and the resolution feed: one session, a budget for each, and pauses where one asks.

Never retries by itself: who asks again pays for it from the same budget. The budget and the pauses after
429, time-outs and broken connections are the host's; a 5xx pauses the route that gave it, so that a broken
batch route leaves its single sibling usable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import aiohttp
import structlog

from actors.prices import metrics
from actors.prices.bucket import TokenBucket
from actors.prices.errors import (
    BackingOffError,
    NotFoundError,
    OverBudgetError,
    OversizedError,
    RejectedError,
    ThrottledError,
    UnavailableError,
    UpstreamError,
)
from actors.prices.gate import retry_after_s
from actors.prices.host import Host, Pass
from actors.prices.tiers import LABELS, Priority
from config.settings import Prices as PricesSettings
from messages.markets import Source
from supervisor import Clock

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""Two hundred deep books are a tenth of it."""
CHUNK_BYTES: Final = 64 * 1024
CONNECTIONS_MAX: Final = 64
SLOW_SHARE: Final = 0.8
"""An answer that takes this share of the time-out is a host under pressure: throttling shows as delay."""
NOT_NOW: Final = (408, 425)
"""Time-out at the host, and an engine that restarts: as passing as a 5xx."""
ERROR_TEXT_CHARS_MAX: Final = 120

ConnectorFactory = Callable[[], aiohttp.BaseConnector]
Params = Sequence[tuple[str, str]]
Labels = tuple[str, str, str]
"""What a call is counted under: host, route, tier."""

_closing: Final[set[asyncio.Task[None]]] = set()
"""Sessions on their way out; the loop itself keeps no hold on tasks."""

log = structlog.get_logger(__name__)


class Upstream:
    """The way to the hosts. Every failure is an `UpstreamError`; the session opens with the first call.

    `buckets` holds the budgets: given to a next incarnation, a restart gives no host more than its budget.
    """

    def __init__(
        self,
        settings: PricesSettings,
        clock: Clock,
        random: Random,
        connector: ConnectorFactory | None = None,
        buckets: dict[str, TokenBucket] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._random = random
        self._make_connector = connector or (lambda: aiohttp.TCPConnector(limit=CONNECTIONS_MAX))
        self._buckets = buckets if buckets is not None else {}
        self._hosts: dict[str, Host] = {}
        self._rates: dict[str, float] = {
            Source.GAMMA: settings.gamma_requests_per_s,
            Source.CLOB: settings.clob_requests_per_s,
            Source.FEED: settings.resolutions_per_s,
        }
        self._session: aiohttp.ClientSession | None = None

    async def get(self, host: str, route: str, url: str, params: Params, priority: Priority) -> bytes:
        """Return the body of a GET. What only warms goes only while half of the budget is unused."""
        return await self._call(host, route, "GET", url, params, None, priority)

    async def post(self, host: str, route: str, url: str, body: bytes, priority: Priority) -> bytes:
        """Return the body of a POST of JSON."""
        return await self._call(host, route, "POST", url, (), body, priority)

    def budget_wait_s(self, host: str) -> float:
        """Return how long the host's budget would make a call wait that is made now."""
        return self._host(host).bucket.wait_s(self._now_s())

    def close(self) -> None:
        """Drop every connection; they close in the background. What is under way fails."""
        for host in self._hosts.values():
            host.line.close()
        session, self._session = self._session, None
        if session is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            session.detach()
            return
        closing = loop.create_task(session.close())
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)

    def snapshot(self) -> dict[str, object]:
        """Return the state of each host."""
        now_s = self._now_s()
        return {name: host.snapshot(now_s) for name, host in self._hosts.items()}

    async def _call(
        self,
        name: str,
        route: str,
        method: str,
        url: str,
        params: Params,
        body: bytes | None,
        priority: Priority,
    ) -> bytes:
        host = self._host(name)
        leave = await self._leave(host, route, priority)
        counted = (name, route, LABELS[priority])
        started_s = self._now_s()
        try:
            status, answer, retry_after = await self._exchange(host, counted, method, url, params, body)
        except OversizedError:
            leave.answered()
            raise
        except UnavailableError:
            self._note_failure(host, route)
            leave.host_failed(self._now_s())
            raise
        except BaseException:
            leave.abandoned()
            raise
        self._pace(host, route, self._now_s() - started_s)
        metrics.UPSTREAM_CALLS.labels(*counted, str(status)).inc()
        if status == 200:
            self._note_recovery(host, route)
            leave.answered()
            return answer
        raise self._refusal(host, route, leave, status, answer, retry_after)

    async def _leave(self, host: Host, route: str, priority: Priority) -> Pass:
        """Return leave for a call, after waiting for its turn in the budget."""
        now_s = self._now_s()
        if priority is Priority.WARM and not host.bucket.spare(now_s):
            metrics.NOT_SENT.labels(host.name, "over_budget").inc()
            raise OverBudgetError(host.name, "the spare budget is used up")
        try:
            leave = Pass(host, route, now_s)
        except BackingOffError:
            metrics.NOT_SENT.labels(host.name, "backing_off").inc()
            raise
        try:
            has_turn = await host.line.turn(priority, self._settings.timeout_s)
        except BaseException:
            leave.abandoned()
            raise
        if not has_turn:
            leave.abandoned()
            metrics.NOT_SENT.labels(host.name, "over_budget").inc()
            raise OverBudgetError(host.name, f"over {host.bucket.rate_per_s:g} requests a second")
        if not leave.valid:
            metrics.NOT_SENT.labels(host.name, "backing_off").inc()
            raise BackingOffError(host.name, "failed while the call waited for its turn")
        return leave

    async def _exchange(
        self, host: Host, counted: Labels, method: str, url: str, params: Params, body: bytes | None
    ) -> tuple[int, bytes, float]:
        """Return status, body and the seconds of `Retry-After`."""
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            async with self._open().request(
                method, url, params=params, data=body, headers=headers, allow_redirects=False
            ) as response:
                retry_after = retry_after_s(response.headers.get("Retry-After"), self._wall_s)
                return response.status, await self._read(host, counted, response), retry_after
        except TimeoutError as error:
            metrics.UPSTREAM_CALLS.labels(*counted, "timeout").inc()
            host.bucket.slow_down()
            raise UnavailableError(host.name, f"no answer within {self._settings.timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            metrics.UPSTREAM_CALLS.labels(*counted, "error").inc()
            text = f"{type(error).__name__} {error}"[:ERROR_TEXT_CHARS_MAX]
            raise UnavailableError(host.name, f"connection failed: {text}") from error

    async def _read(self, host: Host, counted: Labels, response: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            parts.append(chunk)
            size += len(chunk)
            if size > BODY_BYTES_MAX:
                metrics.UPSTREAM_CALLS.labels(*counted, "oversized").inc()
                raise OversizedError(host.name, f"answer over {BODY_BYTES_MAX} bytes")
        return b"".join(parts)

    def _refusal(
        self, host: Host, route: str, leave: Pass, status: int, answer: bytes, retry_after: float
    ) -> UpstreamError:
        """Return the error for a status other than 200, and draw the consequences."""
        text = f"{status} {answer[:ERROR_TEXT_CHARS_MAX].decode(errors='replace')}".strip()
        if status == 429:
            metrics.THROTTLED.labels(host.name).inc()
            host.bucket.slow_down()
            self._note_failure(host, route)
            leave.host_failed(self._now_s(), retry_after)
            return ThrottledError(host.name, text)
        if status == 403:
            self._note_failure(host, route)
            leave.host_failed(self._now_s(), retry_after)
            return RejectedError(host.name, text)
        if status >= 500 or status in NOT_NOW:
            self._note_failure(host, route)
            leave.route_failed(self._now_s(), retry_after)
            return UnavailableError(host.name, text)
        leave.answered()
        return NotFoundError(host.name, text) if status == 404 else RejectedError(host.name, text)

    def _pace(self, host: Host, route: str, took_s: float) -> None:
        metrics.UPSTREAM_SECONDS.labels(host.name, route).observe(took_s)
        if took_s > self._settings.timeout_s * SLOW_SHARE:
            host.bucket.slow_down()
        else:
            host.bucket.speed_up()

    def _note_failure(self, host: Host, route: str) -> None:
        if host.gate.failures == 0 and host.route(route).failures == 0:
            log.warning("market data host fails", host=host.name, route=route)

    def _note_recovery(self, host: Host, route: str) -> None:
        if host.gate.failures > 0 or host.route(route).failures > 0:
            log.info("market data host works again", host=host.name, route=route)

    def _host(self, name: str) -> Host:
        if name not in self._hosts:
            rate = self._rates[name]
            bucket = self._buckets.setdefault(name, TokenBucket(rate, burst=max(1.0, rate)))
            self._hosts[name] = Host(name, bucket, self._settings, self._random, self._now_s)
        return self._hosts[name]

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._make_connector(),
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
                headers={"User-Agent": "remora", "Accept": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _now_s(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    def _wall_s(self) -> float:
        return self._clock.now_ns() / 1e9
