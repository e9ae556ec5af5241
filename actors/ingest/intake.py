"""What one socket has delivered: every frame counted, a leader's turned into a report.

It holds no connection, knows no actor, and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from actors.ingest import metrics, rtds
from actors.ingest.errors import ComboMarket, Malformed, TradeUnread
from actors.ingest.lateness import Lateness
from actors.ingest.recent import RecentSet
from actors.ingest.redelivery import TWINS_MAX, Redelivery
from actors.ingest.rtds import Frame, Ignored
from messages.ids import Wallet
from messages.trades import FillReported, SourceKind

TRADES_KEPT: Final = 16_384
"""The platform's frames among which repeats are not counted twice: five minutes at fifty a second."""

_NS_PER_MS: Final = 1_000_000


class Intake:
    """The figures of one feed and its memory of the present connection."""

    def __init__(self, feed: str, late_ms: int) -> None:
        self.feed = feed
        self.frames = 0
        self.trades = 0
        self.leader_fills = 0
        self.malformed = 0
        self.redelivered = 0
        self.last_event_at_ns = 0
        self.last_event_mono_ns = 0
        self.lag_ms = 0
        self.lateness = Lateness(late_ms)
        self.turned = False
        """Whether the feed became late, or was late and became timely, and nobody took note yet."""
        self._redelivery = Redelivery()
        self._trades: RecentSet[int] = RecentSet(TRADES_KEPT)
        self._lag = metrics.LAG.labels(SourceKind.STREAM)
        self._redelivered = metrics.REDELIVERED.labels(feed)
        self._leader_fills = metrics.LEADER_FILLS.labels(feed)

    def connected(self) -> None:
        """Begin with a new connection: it has delivered nothing yet."""
        self._redelivery = Redelivery()
        self.lateness.forget()
        self.turned = False

    def take(self, frame: Frame, leaders: Container[Wallet], at_ns: int, mono_ns: int) -> FillReported | None:
        """Count a frame that arrived at that moment and return the report it holds, if any.

        Raises `TradeUnread`, and `SubscriptionRefused` when the stream says so.
        """
        self.frames += 1
        try:
            head = rtds.head(frame)
        except Malformed as error:
            self._heard(at_ns, mono_ns)
            raise self._unread(None, str(error)) from error
        if isinstance(head, Ignored):
            if head is Ignored.OTHER:
                self._heard(at_ns, mono_ns)
            metrics.IGNORED.labels(self.feed, head.value).inc()
            return None
        self._heard(at_ns, mono_ns)
        event_ms = head.event_ms()
        if event_ms is not None:
            self.lag_ms = max(0, at_ns // _NS_PER_MS - event_ms)
            self._lag.observe(self.lag_ms)
            if self.lateness.note(self.lag_ms):
                self.turned = True
        if not self._trades.seen(hash(frame)):
            self.trades += 1
        wallet = head.payload.proxyWallet.lower()
        return self._leaders(frame, wallet, at_ns, mono_ns) if wallet in leaders else None

    def _leaders(self, frame: Frame, wallet: Wallet, at_ns: int, mono_ns: int) -> FillReported | None:
        raw = frame.encode() if isinstance(frame, str) else frame
        if self._redelivery.is_again(raw):
            self.redelivered += 1
            self._redelivered.inc()
            return None
        try:
            report = rtds.fill(raw, feed=self.feed, seen_at_ns=at_ns, seen_mono_ns=mono_ns)
        except ComboMarket:
            metrics.IGNORED.labels(self.feed, "combo").inc()
            return None
        except Malformed as error:
            raise self._unread(wallet, str(error)) from error
        report = self._redelivery.numbered(report)
        if report.occurrence > TWINS_MAX:
            self.redelivered += 1
            self._redelivered.inc()
            raise TradeUnread(wallet, f"more than {TWINS_MAX} equal fills in transaction {report.tx}")
        self.leader_fills += 1
        self._leader_fills.inc()
        return report

    def _heard(self, at_ns: int, mono_ns: int) -> None:
        """Data came. Blank frames and PONG are none: a stalled stream keeps sending those."""
        self.last_event_at_ns = at_ns
        self.last_event_mono_ns = mono_ns

    def _unread(self, wallet: Wallet | None, reason: str) -> TradeUnread:
        self.malformed += 1
        metrics.MALFORMED.labels(self.feed).inc()
        return TradeUnread(wallet, reason)
