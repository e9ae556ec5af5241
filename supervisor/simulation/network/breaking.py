"""A fault that waits for a connection to come to its n-th byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from supervisor.simulation.network.faults import Orphan, Reset, SuddenFault

if TYPE_CHECKING:
    from supervisor.simulation.network.connection import Connection


class Breaking:
    """Strikes once, whichever connection comes there first."""

    def __init__(self, fault: SuddenFault, struck: Callable[[Breaking], None]) -> None:
        self.fault = fault
        self._struck = struck

    def strike(self, connection: Connection) -> None:
        """Break this connection and spare the others."""
        self._struck(self)
        self.befall(connection)

    def befall(self, connection: Connection) -> None:
        """Do to a connection what the fault says."""
        if isinstance(self.fault, Reset):
            connection.reset()
        elif isinstance(self.fault, Orphan):
            connection.orphan()
        else:
            connection.truncate()
