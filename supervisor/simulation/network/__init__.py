"""A network in memory: hosts, connections, and what goes wrong between them, in virtual time."""

from supervisor.simulation.network.conditions import Conditions
from supervisor.simulation.network.faults import (
    ANY,
    Cut,
    LastingFault,
    Nameless,
    NetworkFault,
    Orphan,
    Refuse,
    Reset,
    Slow,
    SuddenFault,
    Truncate,
)
from supervisor.simulation.network.network import Network
from supervisor.simulation.network.record import ConnectionRecord, NetworkEvent

__all__ = [
    "ANY",
    "Conditions",
    "ConnectionRecord",
    "Cut",
    "LastingFault",
    "Nameless",
    "Network",
    "NetworkEvent",
    "NetworkFault",
    "Orphan",
    "Refuse",
    "Reset",
    "Slow",
    "SuddenFault",
    "Truncate",
]
