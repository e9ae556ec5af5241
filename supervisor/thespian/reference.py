"""What Thespian's `Actor` calls on the reference it is given by its system base."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from thespian.actors import WakeupMessage

from supervisor.address import system_of

if TYPE_CHECKING:
    from supervisor.core.cell import Cell


class ThespianRef:
    """The reference's operations, for every kind of cell; a mixin without state.

    The rare ones go by way of the loop, because a plain actor may run in a thread.
    """

    __slots__ = ()

    source_hash: str | None = None
    """The loaded source that the actor is from, where its children are looked up too."""

    @property
    def globalName(self: Any) -> str | None:
        """The name it was registered under in the whole system, None if none."""
        name: str | None = self.system.registry.name_of(self)
        return name

    def actor_send(self: Any, address: Any, message: Any) -> None:
        other = system_of(address)
        if other is not None and other is not self.system:
            other.hand_over(address, message, self.address)
            return
        self.system.target_of(address).accept(message, self.address)

    def createActor(self: Any, cls: Any, requirements: Any, global_name: Any, source_hash: Any) -> Any:
        return self.system.create_child(self, cls, requirements, global_name, source_hash or self.source_hash)

    def wakeupAfter(self: Any, period: Any, payload: Any) -> None:
        cell: Cell = self
        delay = period if isinstance(period, timedelta) else timedelta(seconds=period)
        message = WakeupMessage(delay, payload)
        epoch = cell.epoch

        def wake_up() -> None:
            # A wakeup belongs to the incarnation that asked for it, as any timer.
            if not cell.is_dead and cell.epoch == epoch:
                cell.put(message, cell.address)

        cell.scheduler.loop.call_later(delay.total_seconds(), wake_up)

    def handleDeadLetters(self: Any, address: Any, enable: bool) -> None:
        self.system.home.call(self.system.registry.handle_dead_letters, self, enable)

    def updateCapability(self: Any, name: str, value: Any) -> None:
        self.system.updateCapability(name, value)

    def actorSystemShutdown(self: Any) -> None:
        self.system.home.call(self.system.begin_shutdown)

    def registerSourceAuthority(self: Any, address: Any) -> None:
        self.system.home.call(self.system.sources.set_authority, self)

    def notifyOnSourceAvailability(self: Any, address: Any, enable: bool) -> None:
        self.system.home.call(self.system.sources.watch, self, enable)

    def loadActorSource(self: Any, source: Any) -> Any:
        return self.system.loadActorSource(source)

    def unloadActorSource(self: Any, source_hash: Any) -> None:
        self.system.unloadActorSource(source_hash)

    def notifyOnSystemRegistrationChanges(self: Any, address: Any, enable: bool) -> None:
        """Do nothing: a system of one process has no registrations, as Thespian's own simple base."""

    def preRegisterRemoteSystem(self: Any, address: Any, capabilities: Any) -> None:
        """Do nothing; see `notifyOnSystemRegistrationChanges`."""

    def deRegisterRemoteSystem(self: Any, address: Any) -> None:
        """Do nothing; see `notifyOnSystemRegistrationChanges`."""
