"""A fault that breaks connections: at once, or the first that comes to its n-th byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from supervisor.simulation.network.faults import Orphan, Reset, SuddenFault

if TYPE_CHECKING:
    from supervisor.simulation.network.connection import Connection


class Breaking:
    """A sudden fault under way; `struck` is called when it hits a connection."""

    def __init__(self, fault: SuddenFault, struck: Callable[[], object]) -> None:
        self.fault = fault
        self._struck = struck

    def strike(self, connection: Connection) -> None:
        """Do to a connection what the fault says."""
        self._struck()
        if isinstance(self.fault, Reset):
            connection.reset()
        elif isinstance(self.fault, Orphan):
            connection.orphan()
        else:
            connection.truncate()
