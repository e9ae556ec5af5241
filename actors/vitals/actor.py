"""The vitals: memory and the event loop's lag, written down now and then, and an alert before a limit is met.

It only looks. It must never be the reason that anything is restarted: what is too much is for people to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psutil
import structlog
from prometheus_client import Gauge
from thespian.actors import ActorAddress

from config import settings
from messages.base import Message
from supervisor import Inspector, Mailbox, Overflow, SupervisedActor, handles

OF_LIMIT = Gauge("remora_vital_of_limit_ratio", "A vital as part of its limit: 1 is the limit", ["vital"])

MB = 1024 * 1024

log = structlog.get_logger("vitals")


@dataclass(frozen=True, slots=True)
class Vital:
    """One figure and its limit, in the same unit."""

    name: str
    value: float
    limit: float

    def is_near(self, percent: int) -> bool:
        """Whether it has come to so many hundredths of its limit."""
        return self.value * 100 >= self.limit * percent


def resident_bytes() -> int:
    """Return the memory that this process holds."""
    resident: int = psutil.Process().memory_info().rss
    return resident


@dataclass(frozen=True, slots=True)
class VitalsArgs:
    """The limits, and where the figures come from."""

    settings: settings.Vitals
    inspector: Inspector
    memory_bytes: Callable[[], int] = resident_bytes


class _Look(Message, frozen=True):
    pass


class Vitals(SupervisedActor):
    """Looks every `interval_s`; says once when a vital comes near its limit, and once when it is well."""

    mailbox = Mailbox(capacity=100, overflow=Overflow.DROP_NEWEST)

    args: VitalsArgs

    def started(self) -> None:
        self.near: set[str] = set()
        self.timer("look", self.args.settings.interval_s, _Look(), every=True)

    def snapshot(self) -> dict[str, object]:
        return {vital.name: round(vital.value, 3) for vital in self._vitals()} | {"near": sorted(self.near)}

    @handles(_Look)
    def on_look(self, message: _Look, sender: ActorAddress) -> None:
        vitals = self._vitals()
        log.info("vitals", **{vital.name: round(vital.value, 1) for vital in vitals})
        for vital in vitals:
            OF_LIMIT.labels(vital.name).set(vital.value / vital.limit)
            self._judge(vital)

    def _vitals(self) -> tuple[Vital, Vital]:
        limits = self.args.settings
        return (
            Vital("memory_mb", self.args.memory_bytes() / MB, limits.memory_mb_max),
            Vital("loop_lag_ms", self.args.inspector.loop_lag().max_s * 1000, limits.loop_lag_ms_max),
        )

    def _judge(self, vital: Vital) -> None:
        percent = self.args.settings.alert_percent
        is_near = vital.is_near(percent)
        if is_near == (vital.name in self.near):
            return
        if is_near:
            self.near.add(vital.name)
            log.warning(
                f"over {percent} % of a limit",
                vital=vital.name,
                value=round(vital.value, 1),
                limit=vital.limit,
            )
        else:
            self.near.discard(vital.name)
            log.info(f"under {percent} % of the limit again", vital=vital.name, value=round(vital.value, 1))
