"""What a program does with supervised actors from outside: spawn, wait, stop, look."""

from __future__ import annotations

import asyncio
from typing import Any

from thespian.actors import Actor

from supervisor.abilities import links
from supervisor.core.restarts import RestartBudgetState
from supervisor.core.spawning import check_name, spawn_child
from supervisor.core.system import STOP_TIMEOUT_S, System
from supervisor.inspection import tree as inspection
from supervisor.inspection.deadletters import DeadLetter
from supervisor.inspection.inspector import Inspector
from supervisor.inspection.measures import LoopLag, SlowHandler
from supervisor.inspection.tree import ActorInfo
from supervisor.mailbox import Mailbox
from supervisor.policy import Restart


class Outside(System):
    """The supervised side of the base's interface."""

    inspector: Inspector
    """Everything there is to see and to do from outside; the methods below are its most used, unconverted."""

    def begin(self) -> None:
        self.inspector = Inspector(self)
        super().begin()

    def spawn(
        self,
        cls: type[Actor],
        name: str,
        args: Any = None,
        *,
        restart: Restart = Restart.TRANSIENT,
        shutdown_s: float = 5.0,
        mailbox: Mailbox | None = None,
    ) -> Any:
        """Start a top-level supervised actor. One named "root" is left out of the paths of those under it.

        Raises `NameTaken`, `SystemStopped`, and `BadActorClass` for what cannot be spawned.
        """
        check_name(name)
        self.check_running()

        def make() -> Any:
            self.begin_anew()
            return spawn_child(
                self.guardian, cls, name, args, restart=restart, shutdown_s=shutdown_s, mailbox=mailbox
            )

        return self.home.call(make)

    async def wait(self) -> None:
        """Return when all actors have ended in order; raise `RootFailed` after the system gave up."""
        await asyncio.shield(self.end)
        if self.failed is not None:
            raise self.failed

    async def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop all actors, children before parents and the last started first; kill what is left then."""
        await self.stop_within(timeout_s, drain=True)

    async def ready(self, address: Any) -> None:
        """Return when the mailbox is under its low-water mark. Raises `DeadActor`."""
        await links.ready(address)

    def find(self, path: str) -> Any:
        """Return the address of the actor at a path, None if there is none."""
        cell = self.cell_at(path)
        return cell.address if cell is not None else None

    # --- inspection ---

    def tree(self) -> list[ActorInfo]:
        """Return every actor, parents before children, siblings in the order they were started."""
        return self.home.call(inspection.tree, self)

    def snapshot(self, path: str) -> dict[str, object]:
        """Return the state that the actor at a path shows; empty if it is not running."""
        return self.home.call(inspection.snapshot, self, path)

    def drops(self) -> dict[tuple[str, str, str], int]:
        """Return how many messages were not handled, by (actor kind, message type, reason)."""
        return self.home.call(self.letters.counts)

    def dead_letters(self) -> list[DeadLetter]:
        """Return the recent messages that were not handled, oldest first, with why."""
        return self.home.call(self.letters.recent)

    @property
    def restart_budget(self) -> RestartBudgetState:
        """How many restarts the tree may make now, and how many wait for their turn."""
        return self.home.call(self.restarts.state)

    def loop_lag(self) -> LoopLag:
        """Return how late the loop was of late."""
        return self.home.call(self.measures.lag)

    def slow_handlers(self) -> list[SlowHandler]:
        """Return which actor kinds took too long over which message types, the slowest first."""
        return self.home.call(self.measures.slow)
