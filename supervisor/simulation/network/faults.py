"""What can go wrong between two hosts, as values: a plan of them can be shown, kept and repeated.

`between` names a client's host and a server's name, `*` any. `at_s` counts from when the plan is played.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from supervisor.simulation.network.conditions import Conditions

ANY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFault:
    """Something that goes wrong between a client's host and a server's name."""

    between: tuple[str, str] = (ANY, ANY)
    at_s: float = 0.0

    def __post_init__(self) -> None:
        if self.at_s < 0:
            raise ValueError(f"at_s was {self.at_s}, expected 0 or more")

    def concerns(self, client: str, server: str) -> bool:
        """Return whether it is about these two."""
        return self.between[0] in (ANY, client) and self.between[1] in (ANY, server)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastingFault(NetworkFault):
    """One that lasts `for_s`, or until it is lifted."""

    for_s: float | None = None

    def __post_init__(self) -> None:
        NetworkFault.__post_init__(self)
        if self.for_s is not None and self.for_s < 0:
            raise ValueError(f"for_s was {self.for_s}, expected 0 or more, or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(LastingFault):
    """A partition: open connections stay open, their bytes are held, and new ones wait.

    With `one_way` only from the first of `between` to the second.
    """

    one_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(LastingFault):
    """Everything takes longer, in both directions."""

    latency_s: tuple[float, float]
    bytes_per_s: float | None = None

    def conditions(self, usual: Conditions) -> Conditions:
        """Return what a way is like while this lasts."""
        return replace(usual, latency_s=self.latency_s, bytes_per_s=self.bytes_per_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(LastingFault):
    """New connections are refused, as if nobody listened; open ones go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameless(LastingFault):
    """The server's name cannot be looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuddenFault(NetworkFault):
    """One that befalls connections: all open ones at that moment; or, with `after_bytes`, the first on which
    the server has sent that many bytes, open already or not."""

    after_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(SuddenFault):
    """Both ends are told that the other is gone; what was on its way is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate(SuddenFault):
    """An end in the midst: what was on its way is lost, and it looks like an orderly end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan(SuddenFault):
    """The connection stays open and carries nothing any more; nobody is told, and new ones work."""
