"""A market's own circuit breaker (R2): opens on consecutive rejects or a slow order, closes by itself."""

from __future__ import annotations

from dataclasses import dataclass

from config.settings import Breaker
from messages.orders import OrderState


@dataclass(slots=True)
class MarketBreaker:
    """Counts what happens to this market's orders; `monotonic_ns` is given by the caller."""

    settings: Breaker
    rejects: int = 0
    open_until_ns: int = 0
    reason: str = ""

    def record(self, state: OrderState, elapsed_ms: int, monotonic_ns: int) -> bool:
        """Take note of an order's end and return whether this opened the breaker."""
        if state in (OrderState.REJECTED, OrderState.LOST):
            self.rejects += 1
        else:
            self.rejects = 0
        if self.rejects >= self.settings.rejects_max:
            self.reason = f"{self.rejects} orders in a row were rejected"
        elif elapsed_ms > self.settings.latency_ms_max:
            self.reason = f"an order took {elapsed_ms} ms, over {self.settings.latency_ms_max}"
        else:
            return False
        self.rejects = 0
        self.open_until_ns = monotonic_ns + int(self.settings.cooldown_s * 1_000_000_000)
        return True

    def is_open(self, monotonic_ns: int) -> bool:
        """Return whether the market is halted at present."""
        return monotonic_ns < self.open_until_ns
