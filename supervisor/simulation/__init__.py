"""The same actors in virtual time: for tests that neither sleep nor flicker."""

from supervisor.simulation.driver import Simulation
from supervisor.simulation.probe import Probe

__all__ = ["Probe", "Simulation"]
