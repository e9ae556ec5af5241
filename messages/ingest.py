"""Between ingest, the leaders and whoever looks at ingest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from messages.base import Message
from messages.ids import Wallet


class LeadersWatched(Message, frozen=True, kw_only=True, gc=False):
    """To ingest: the whole set of watched wallets with the address of each one's actor, by wallet.

    The addresses are the runtime's; this vocabulary does not know their type.
    """

    addresses: Mapping[Wallet, Any]
    polled_from_s: Mapping[Wallet, int]
    """Each wallet's durable polling cursor, epoch seconds."""
    loads: Mapping[Wallet, int] = {}
    """How often each wallet's leader has loaded its state: with another number it is another memory."""
    uncopied: frozenset[Wallet] = frozenset()
    """Those that no portfolio copies: under load their trades come last (D16)."""


class LeaderReady(Message, frozen=True, kw_only=True, gc=False):
    """A leader's actor has its state; it was last polled up to `cursor_s`.

    `load` is 1 the first time and more after each crash: what was on its way to an earlier incarnation may
    have died with it, so that reading begins at the durable cursor again.
    """

    wallet: Wallet
    cursor_s: int
    load: int = 0


class FeedUp(Message, frozen=True, kw_only=True, gc=False):
    """From a stream socket to ingest: subscribed, frames will come."""

    feed: str


class FeedDown(Message, frozen=True, kw_only=True, gc=False):
    """From a stream socket to ingest: nothing more comes from it; `last_event_at_ns` was its last frame."""

    feed: str
    last_event_at_ns: int
    reason: str


class ContractDrift(Message, frozen=True, kw_only=True, gc=False):
    """An alarm: the chain shows something of a leader's that Remora has no rule for, in words.

    `kind` is what is unknown: an exchange, a topic, a layout or a token. Told once for each `text`.
    """

    feed: str
    kind: str
    text: str
    wallet: Wallet | None
    at_ns: int


class IngestQuery(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `IngestState`."""


class FeedState(Message, frozen=True, kw_only=True, gc=False):
    """One socket or poller as seen from inside."""

    feed: str
    connected: bool
    frames: int
    leader_fills: int
    malformed: int
    redelivered: int
    reconnects: int
    last_event_at_ns: int
    lag_ms: int
    is_late: bool = False
    """Whether it delivers only what happened a while ago, so that it is no live source."""
    error: str = ""
    shed: int = 0
    """Trades put off under load since it started."""


class IngestState(Message, frozen=True, kw_only=True, gc=False):
    """All feeds; `trades_seen` counts the platform's distinct trade rows on the busiest feed."""

    feeds: tuple[FeedState, ...]
    trades_seen: int
    leaders: int
    drifts: tuple[ContractDrift, ...] = ()
    """The latest alarms."""
    trigger: str = ""
    """The trigger mode (D2), empty until it is known; where it came from is as in `ModeChanged`."""
    trigger_origin: str = ""
    trigger_place: str = ""
    refusal: str = ""
    """Why nothing may be bought at present (D10)."""


class PollQuery(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `PollState`."""


class WalletPolled(Message, frozen=True, kw_only=True, gc=False):
    """How one wallet's activity is read. A trade that no other source sees is found within `interval_ms`, and
    what the API itself takes to show it.

    `warmth` is hot, warm or cold, by how lately it traded. `swept_at_s` is when it was last read to the end,
    None before the first time; `cursor_s` up to when everything of it is known (both epoch seconds).
    """

    wallet: Wallet
    warmth: str
    interval_ms: int
    swept_at_s: int | None
    cursor_s: int


class PollState(Message, frozen=True, kw_only=True, gc=False):
    """Polling as a whole; rates in requests a thousand seconds.

    `wanted_milli_per_s` is what regular polls would take, `budget_milli_per_s` what all requests may take,
    `stretch_milli` by how many thousandths every interval is longer than wanted, 1000 for not at all.
    """

    wallets: tuple[WalletPolled, ...]
    urgent: int
    wanted_milli_per_s: int
    budget_milli_per_s: int
    stretch_milli: int
    lag_ms: int
    error: str = ""


class SourcesJudged(Message, frozen=True, kw_only=True, gc=False):
    """To the portfolios, on change: why nothing may be bought at present, empty if it may (D10)."""

    refusal: str
