"""Sales held back after a gap: what a live source says now may come before what the poller has to bring.

While trades are missing, a leader's sale would be copied in proportion to a position that lacks them, and
a missed buy would be copied after the sale that ended it. So a sale from stream or chain, and whatever
follows it in the same outcome, waits until the poller has swept the wallet late enough after the gap, or
reports the sale itself in its turn. Buys do not wait. Pure: the actor brings the time and the limit on
waiting.
"""

from __future__ import annotations

from messages.ids import TokenId, TxHash
from messages.trades import FillReported, Side, SourceKind


class Patience:
    """What is held back of one wallet's reports, in the order they came."""

    def __init__(self, settle_ns: int) -> None:
        self._settle_ns = settle_ns
        self._settled_ns: int | None = None
        self._held: list[FillReported] = []
        self._tokens: set[TokenId] = set()

    def __len__(self) -> int:
        return len(self._held)

    def gap(self, now_ns: int) -> None:
        """Something may be missing up to now: only a sweep that begins a while later has it all."""
        self._settled_ns = now_ns + self._settle_ns

    def holds(self, report: FillReported) -> bool:
        """Take the report and return True if it has to wait."""
        if self._settled_ns is None or report.kind is SourceKind.API:
            return False
        if report.side is not Side.SELL and report.token_id not in self._tokens:
            return False
        self._held.append(report)
        self._tokens.add(report.token_id)
        return True

    def drop(self, tx: TxHash) -> None:
        """Forget what is held of a transaction that never happened."""
        self._held = [report for report in self._held if report.tx != tx]

    def swept(self, began_ns: int) -> list[FillReported]:
        """A sweep that began then is complete: return what need not wait any longer."""
        if self._settled_ns is None or began_ns < self._settled_ns:
            return []
        return self.give_up()

    def give_up(self) -> list[FillReported]:
        """Wait no longer and return what was held, in its order."""
        self._settled_ns = None
        held, self._held = self._held, []
        self._tokens.clear()
        return held
