"""The same actors in virtual time: for tests that neither sleep nor flicker, with faults by plan."""

from supervisor.simulation.armed import Fired
from supervisor.simulation.driver import Simulation
from supervisor.simulation.faults import ClockStep, Crash, Delay, Drop, Duplicate, Fault, Pause, Reorder
from supervisor.simulation.plan import FaultPlan
from supervisor.simulation.probe import Probe
from supervisor.simulation.profile import Profile
from supervisor.simulation.record import Step
from supervisor.simulation.shrinking import Shrunk, shrink
from supervisor.simulation.twice import run_twice

__all__ = [
    "ClockStep",
    "Crash",
    "Delay",
    "Drop",
    "Duplicate",
    "Fault",
    "FaultPlan",
    "Fired",
    "Pause",
    "Probe",
    "Profile",
    "Reorder",
    "Shrunk",
    "Simulation",
    "Step",
    "run_twice",
    "shrink",
]
