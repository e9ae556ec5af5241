"""What the address of an ended actor points at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supervisor.address import Seen
from supervisor.errors import DeadActor
from supervisor.inspection.deadletters import DropReason
from supervisor.policy import ExitReason

if TYPE_CHECKING:
    from supervisor.core.system import System


class Tombstone(Seen):
    """Takes every message as a dead letter and tells senders that want to know."""

    __slots__ = ("kind", "path", "reason", "system")

    def __init__(self, system: System, path: str, kind: str, reason: ExitReason) -> None:
        self.system = system
        self.path = path
        self.kind = kind
        self.reason = reason

    def accept(self, message: Any, sender: Any) -> bool:
        self.system.dead_letter(DropReason.DEAD, self.path, self.kind, message, sender, None)
        target = getattr(sender, "cell", None)
        if target is not None:
            target.turned_away(DeadActor(self.path))
        return False

    def offer(self, message: Any, sender: Any) -> bool:
        return False

    def turned_away(self, notice: Exception) -> None:
        """Do nothing: who sent it is gone."""
