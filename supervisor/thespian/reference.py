"""What Thespian's `Actor` calls on the reference it is given by its system base."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import InvalidActorSourceHash, WakeupMessage

from supervisor.errors import SupervisorError

if TYPE_CHECKING:
    from supervisor.core.cell import Cell

_NO_SOURCES: Final = "loading actor sources is not supported by this base"


class ThespianRef:
    """The reference's operations, for every kind of cell; a mixin without state."""

    __slots__ = ()

    @property
    def globalName(self: Any) -> str | None:
        """The name it was registered under in the whole system, None if none."""
        name: str | None = self.system.registry.name_of(self)
        return name

    def actor_send(self: Any, address: Any, message: Any) -> None:
        self.system.target_of(address).accept(message, self.address)

    def createActor(self: Any, cls: Any, requirements: Any, global_name: Any, source_hash: Any) -> Any:
        if source_hash:
            raise InvalidActorSourceHash(source_hash)
        from supervisor.thespian import creation  # it needs the cells, which are made of this

        return creation.create_child(self.system, self, cls, requirements, global_name)

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
        self.system.registry.handle_dead_letters(self, enable)

    def updateCapability(self: Any, name: str, value: Any) -> None:
        if value is None:
            self.system.capabilities.pop(name, None)
        else:
            self.system.capabilities[name] = value

    def actorSystemShutdown(self: Any) -> None:
        self.system.run(self.system.stop_all(drain=True))

    def registerSourceAuthority(self: Any, address: Any) -> None:
        raise SupervisorError(_NO_SOURCES)

    def notifyOnSourceAvailability(self: Any, address: Any, enable: bool) -> None:
        raise SupervisorError(_NO_SOURCES)

    def loadActorSource(self: Any, name: Any) -> Any:
        raise SupervisorError(_NO_SOURCES)

    def unloadActorSource(self: Any, source_hash: Any) -> None:
        raise SupervisorError(_NO_SOURCES)

    def notifyOnSystemRegistrationChanges(self: Any, address: Any, enable: bool) -> None:
        """Do nothing: a system of one process has no registrations, as Thespian's own simple base."""

    def preRegisterRemoteSystem(self: Any, address: Any, capabilities: Any) -> None:
        """Do nothing; see `notifyOnSystemRegistrationChanges`."""

    def deRegisterRemoteSystem(self: Any, address: Any) -> None:
        """Do nothing; see `notifyOnSystemRegistrationChanges`."""
