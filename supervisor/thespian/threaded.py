"""The cell of a plain actor that may block: its handler runs in a thread, all else of it on the loop."""

from __future__ import annotations

from typing import Any

from supervisor.core.cell import BUSY, OUT, PARKED
from supervisor.inspection.deadletters import DropReason
from supervisor.thespian.plain import Outcome, PlainCell


class ThreadedCell(PlainCell):
    """Hands one message at a time to a thread, and goes on with the next when that is settled.

    What the actor does from its thread is handed over to the loop: sends without waiting, what returns
    something by waiting for the loop, which never waits for a thread.
    """

    __slots__ = ()

    def attend(self) -> bool:
        if self.attention & BUSY:
            self.attention |= OUT
            return False
        return super().attend()

    def receive(self, message: Any, sender: Any) -> None:
        if self.is_for_actor(message, sender):
            self.attention |= BUSY
            self.system.handler_threads.submit(self._work, message, sender)

    def _work(self, message: Any, sender: Any) -> None:
        """Runs in a thread."""
        post = self.system.home.post
        if self.is_dead:
            post(self.drop, DropReason.DEAD, message, sender)
            return
        try:
            outcome = self.attempt(message, sender)
        except BaseException as error:
            post(self.crashed, error, None)
        else:
            post(self._handled, message, sender, outcome)

    def _handled(self, message: Any, sender: Any, outcome: Outcome) -> None:
        self.attention &= ~BUSY
        if self.is_dead:
            return
        self.settle(message, sender, outcome)
        if not self.is_dead and not self.attention & PARKED:
            self.unpark()

    # --- what the actor does, from its thread ---

    def actor_send(self, address: Any, message: Any) -> None:
        self.system.home.post(super().actor_send, address, message)

    def createActor(self, cls: Any, requirements: Any, global_name: Any, source_hash: Any) -> Any:
        return self.system.home.call(super().createActor, cls, requirements, global_name, source_hash)

    def wakeupAfter(self, period: Any, payload: Any) -> None:
        self.system.home.call(super().wakeupAfter, period, payload)
