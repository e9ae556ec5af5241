"""What the daemon says of itself. Amounts are integers of 1e-6, as in the messages that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from messages.ingest import IngestState
from messages.store import Counts


class About(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What no actor knows of the process that it runs in."""

    version: str = ""
    run_id: str = ""
    pid: int = 0
    mode: str = ""
    leaders: int = 0
    portfolios: Sequence[str] = ()
    settings_hash: str = ""


class HealthDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Writes become durable."""

    ok: bool
    store: str


class StoreStatus(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether writes become durable, if not why, and whether more of them wait than is healthy."""

    available: bool
    reason: str
    pressed: bool


class RuntimeSummary(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What tells at a glance whether the actors are well."""

    actors: int
    suspended: int
    waiting: int
    waiting_longest_s: float
    restarts: int
    not_handled: Mapping[str, int]
    slow_handlers: int
    loop_lag_p99_ms: float


class Silence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """In place of an answer from inside: why there is none."""

    error: str


def _answer_or_silence(answer: type) -> msgspec.Meta:
    named = [{"$ref": f"#/components/schemas/{one.__name__}"} for one in (answer, Silence)]
    return msgspec.Meta(extra_json_schema={"anyOf": named})


class StatusDocument(About, frozen=True, kw_only=True, gc=False):
    """What the daemon is, what it has done, and how it is."""

    uptime_s: float
    store: StoreStatus
    runtime: RuntimeSummary
    ingest: Annotated[object, _answer_or_silence(IngestState)]
    counts: Annotated[object, _answer_or_silence(Counts)]


NAMED = (IngestState, Counts, Silence)
"""What documents here name without their fields showing it."""
