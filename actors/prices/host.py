"""A host's budget, and the pauses that it and its routes are in. Pure: the caller brings the time."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from actors.prices.bucket import TokenBucket
from actors.prices.errors import BackingOffError
from actors.prices.gate import Gate
from actors.prices.line import Line
from config.settings import Prices as PricesSettings


class Host:
    """One host's budget, the line before it, and pauses."""

    def __init__(
        self,
        name: str,
        bucket: TokenBucket,
        settings: PricesSettings,
        random: Random,
        now_s: Callable[[], float],
    ) -> None:
        self.name = name
        self.bucket = bucket
        self.line = Line(self.bucket, now_s)
        self._settings = settings
        self._random = random
        self.gate = self._new_gate()
        self.routes: dict[str, Gate] = {}

    def _new_gate(self) -> Gate:
        return Gate(self._settings.backoff_first_s, self._settings.backoff_max_s, self._random)

    def route(self, name: str) -> Gate:
        """Return the gate of one of the host's routes."""
        if name not in self.routes:
            self.routes[name] = self._new_gate()
        return self.routes[name]

    def snapshot(self, now_s: float) -> dict[str, object]:
        """Return failures in a row, remaining pause and pace."""
        return {
            "failures": self.gate.failures,
            "pause_s": round(self.gate.wait_s(now_s), 3),
            "pace": self.bucket.pace,
            "waiting": len(self.line),
            "routes_failing": {name: gate.failures for name, gate in self.routes.items() if gate.failures},
        }


class Pass:
    """Leave for one call, and then what the call showed about host and route.

    Raises `BackingOffError` while either is in its pause.
    """

    def __init__(self, host: Host, route: str, now_s: float) -> None:
        self._host = host.gate
        self._route = host.route(route)
        host_ticket = self._host.enter(now_s)
        route_ticket = self._route.enter(now_s) if host_ticket is not None else None
        if host_ticket is None or route_ticket is None:
            if host_ticket is not None:
                self._host.abandoned(host_ticket)
            wait_s = max(self._host.wait_s(now_s), self._route.wait_s(now_s))
            failures = max(self._host.failures, self._route.failures)
            raise BackingOffError(
                host.name, f"not asked for another {wait_s:.1f} s after {failures} failures"
            )
        self._tickets = (host_ticket, route_ticket)

    @property
    def valid(self) -> bool:
        """Whether nothing has failed since leave was given."""
        return self._host.valid(self._tickets[0]) and self._route.valid(self._tickets[1])

    def answered(self) -> None:
        """Host and route work."""
        self._host.succeeded(self._tickets[0])
        self._route.succeeded(self._tickets[1])

    def host_failed(self, now_s: float, retry_after: float = 0.0) -> None:
        """The host as a whole is in trouble, or wants less of us."""
        self._host.failed(self._tickets[0], now_s, retry_after)
        self._route.abandoned(self._tickets[1])

    def route_failed(self, now_s: float, retry_after: float = 0.0) -> None:
        """The host lives, and this route of it fails."""
        self._host.succeeded(self._tickets[0])
        self._route.failed(self._tickets[1], now_s, retry_after)

    def abandoned(self) -> None:
        """The call ended without telling anything."""
        self._host.abandoned(self._tickets[0])
        self._route.abandoned(self._tickets[1])
