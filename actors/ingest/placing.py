"""Movements made ready for their leader: which outcomes they are about, and what could not be made out."""

from __future__ import annotations

from typing import Any, Final

from actors.ingest import metrics
from actors.ingest.errors import Unclear
from actors.ingest.movements import Moved
from actors.ingest.sets import Sets
from messages.ids import Wallet
from messages.movements import MovementReported

TOLD_MAX: Final = 64
"""Kinds of strangeness that are told once each; with more, all further ones are counted only."""


class Placing:
    """What one feed knows of outcomes, and what it has complained of."""

    def __init__(self, feed: str, sets: Sets, log: Any) -> None:
        self.sets = sets
        self._feed = feed
        self._log = log
        self._told: set[str] = set()

    async def report(
        self, moved: Moved, wallet: Wallet, seen_at_ns: int
    ) -> MovementReported | Unclear | None:
        """Return the report of a movement, why there will be none, or None if there is none yet."""
        if moved.token_id is not None:
            tokens: tuple[str, ...] | None = (moved.token_id,)
        else:
            try:
                tokens = await self.sets.pair(moved.condition_id)
            except Unclear as unclear:
                return unclear
        if tokens is None:
            return None
        metrics.MOVEMENTS.labels(moved.kind).inc()
        return MovementReported(
            wallet=wallet,
            tx=moved.tx,
            condition_id=moved.condition_id,
            kind=moved.kind,
            token_ids=tokens,
            size=moved.size,
            moved_at_ns=moved.moved_at_ns,
            feed=self._feed,
            seen_at_ns=seen_at_ns,
            occurrence=moved.occurrence,
            raw=moved.raw,
        )

    def complain(self, unclear: Unclear, wallet: Wallet) -> None:
        """Count what was not understood, and tell of each kind of it once."""
        metrics.UNCLEAR.labels(unclear.kind).inc()
        text = str(unclear)
        if text in self._told or len(self._told) >= TOLD_MAX:
            return
        self._told.add(text)
        self._log.error(
            "a leader's shares moved in a way that is not understood: its position may be off",
            wallet=wallet,
            reason=text,
        )
