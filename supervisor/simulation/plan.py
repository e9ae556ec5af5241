"""A fault plan: everything that will go wrong in one simulation, as a value that can be written and read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Self

from supervisor.simulation import notation
from supervisor.simulation.faults import Fault
from supervisor.simulation.profile import Profile


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What goes wrong. `str` writes it so that `parse` reads the same plan."""

    faults: tuple[Fault, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a plan; faults end at semicolons or lines. Raises `BadFaultPlan`."""
        return cls(notation.read(text))

    @classmethod
    def drawn(cls, seed: int | str, profile: Profile) -> Self:
        """Draw a plan; the same seed and profile give the same one in any process."""
        return cls(profile.draw(Random(f"{seed}:/faults")))

    def __str__(self) -> str:
        return notation.written(self.faults)

    def __len__(self) -> int:
        return len(self.faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)
