"""The cell above all others: the parent of top-level actors, with no actor of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from supervisor.core.cell import Cell
from supervisor.mailbox import Mailbox, Overflow
from supervisor.policy import ExitReason, Supervision

if TYPE_CHECKING:
    from supervisor.core.system import System


class Guardian(Cell):
    """Restarts top-level actors within limits and gives up the whole system beyond them."""

    __slots__ = ("policy", "stopping")

    def __init__(self, system: System, policy: Supervision) -> None:
        super().__init__(system, None, "", Guardian, Mailbox(1, Overflow.DROP_NEWEST))
        self.policy = policy
        self.stopping = False

    @property
    def supervision(self) -> Supervision:
        return self.policy

    @property
    def is_leaving(self) -> bool:
        return self.stopping

    def accept(self, message: Any, sender: Any) -> bool:
        """Take what is sent to the system itself; it needs no actor and has no mailbox."""
        self.system.addressed(message, sender)
        return True

    def adopt(self, parent: Cell) -> None:
        """Let the children of an actor that exits alone live on, as Thespian does without `recursive`."""
        children, parent.children = parent.children, None
        if self.children is None:
            self.children = {}
        for child in (children or {}).values():
            child.parent = self
            self.children[f"/{child.address.number}"] = child

    def escalate(self, child: Cell, error: BaseException) -> None:
        self.system.root_failed(child.path, error)

    def terminated(self, child: Cell, reason: ExitReason) -> None:
        if not self.children:
            self.system.all_ended()

    def begin_stop(self, *, drain: bool) -> asyncio.Future[None]:
        raise NotImplementedError("the system as a whole is stopped by its base")
