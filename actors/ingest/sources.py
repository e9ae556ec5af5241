"""The live sources that run at present, started and stopped as the trigger mode says (D2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import structlog
from thespian.actors import ActorAddress

from actors.ingest.stream import Stream, StreamArgs
from config import settings
from supervisor import SupervisedActor

API: Final = "api"
POLYGON: Final = "polygon"
"""Modes that leave live sources out."""
CHAIN: Final = "chain"

log = structlog.get_logger("ingest")


class Sources:
    """Children of ingest by the name of their feed: the chain first, then the sockets."""

    def __init__(
        self,
        ingest: SupervisedActor,
        limits: settings.Ingest,
        endpoints: settings.Endpoints,
        prices: Any,
        recorder: ActorAddress | None,
    ) -> None:
        self._ingest = ingest
        self._limits = limits
        self._endpoints = endpoints
        self._prices = prices
        self._recorder = recorder
        self._running: dict[str, ActorAddress] = {}

    @property
    def feeds(self) -> tuple[str, ...]:
        """The names of those that run."""
        return tuple(self._running)

    @property
    def addresses(self) -> Iterable[ActorAddress]:
        """Where they are."""
        return self._running.values()

    def has(self, feed: str, address: ActorAddress) -> bool:
        """Return whether the source of that name runs and is the one at that address."""
        return feed in self._running and self._running[feed] == address

    def follow(self, trigger: str) -> tuple[str, ...]:
        """Start what the mode lacks, then stop what it leaves out; return what was stopped."""
        wanted = self._wanted(trigger)
        stopped = tuple(feed for feed in self._running if feed not in wanted)
        for feed in wanted:
            if feed not in self._running:
                self._running[feed] = self._start(feed)
        for feed in stopped:
            self._ingest.stop_child(self._running.pop(feed))
        return stopped

    def _wanted(self, trigger: str) -> tuple[str, ...]:
        sockets = self._limits.sockets if trigger != POLYGON else 0
        streams = tuple(f"stream-{number}" for number in range(sockets))
        if trigger == API:
            return streams
        if not self._endpoints.polygon_urls:
            log.info("no endpoints.polygon_urls: trades come from the stream and the poller alone")
            return streams
        return (CHAIN, *streams)

    def _start(self, feed: str) -> ActorAddress:
        if feed == CHAIN:
            return self._start_chain()
        args = StreamArgs(
            feed=feed,
            ingest=self._ingest.myAddress,
            url=self._endpoints.rtds_url,
            settings=self._limits,
            recorder=self._recorder,
        )
        return self._ingest.spawn(Stream, feed, args)

    def _start_chain(self) -> ActorAddress:
        # Contracts' codecs cost 22 MB of memory, which those who do not follow the chain keep.
        from actors.ingest.chain.actor import Chain, ChainArgs

        args = ChainArgs(
            ingest=self._ingest.myAddress,
            prices=self._prices,
            urls=self._endpoints.polygon_urls,
            settings=self._limits,
        )
        return self._ingest.spawn(Chain, CHAIN, args)
