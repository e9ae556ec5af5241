"""The way from one host to another, as it is at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervisor.simulation.network.conditions import Conditions

if TYPE_CHECKING:
    from supervisor.simulation.network.flow import Flow


class Way:
    """One direction between two names; all connections between them share it."""

    def __init__(self, source: str, target: str, conditions: Conditions) -> None:
        self.source = source
        self.target = target
        self.conditions = conditions
        self.held: dict[Flow, None] = {}
        """What waits for the way to open again."""
        self._cut_at: float | None = None

    @property
    def is_cut(self) -> bool:
        return self._cut_at is not None

    def cut(self, now: float) -> None:
        """Let nothing through."""
        if self._cut_at is None:
            self._cut_at = now

    def heal(self, now: float) -> None:
        """Let everything through again."""
        if self._cut_at is not None:
            cut_s, self._cut_at = now - self._cut_at, None
            held, self.held = self.held, {}
            for flow in held:
                flow.release(cut_s)
