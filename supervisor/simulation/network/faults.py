"""What can go wrong between two hosts, as frozen values: a plan of them can be shown, kept and repeated.

`client` is the host of who connects and `server` the name connected to, `*` any. `at_s` counts from when the
plan is played.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final

from supervisor.simulation.network.conditions import Conditions

ANY: Final = "*"


def _word(name: str, default: Any) -> Any:
    """Declare a field that a text form writes behind a word, and leaves out at its default."""
    return field(default=default, metadata={"word": name})


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """Something that goes wrong between a client's host and a server's name."""

    verb: ClassVar[str]
    client: str = ANY
    server: str = ANY
    at_s: float = _word("at", 0.0)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.at_s) and self.at_s >= 0):
            raise ValueError(f"at_s of {self.verb!r} was {self.at_s}, expected a finite number, 0 or more")

    def concerns(self, client: str, server: str) -> bool:
        """Return whether it is about these two."""
        return self.client in (ANY, client) and self.server in (ANY, server)


@dataclass(frozen=True, slots=True)
class LastingFault(NetworkFault):
    """One that lasts `for_s`, or until it is lifted."""

    for_s: float = _word("for", math.inf)

    def __post_init__(self) -> None:
        NetworkFault.__post_init__(self)
        if not self.for_s >= 0:
            raise ValueError(f"for_s of {self.verb!r} was {self.for_s}, expected 0 or more")


@dataclass(frozen=True, slots=True)
class Cut(LastingFault):
    """A partition: open connections stay open, their bytes are held, and new ones wait.

    With `one_way` only from `client` to `server`, whichever of the two it was that connected.
    """

    verb: ClassVar[str] = "cut"
    one_way: bool = _word("one-way", False)


@dataclass(frozen=True, slots=True)
class Slow(LastingFault):
    """Bytes take `latency_s` and up to `jitter_s` more, and leave no faster than `bytes_per_s`, both ways."""

    verb: ClassVar[str] = "slow"
    latency_s: float = _word("latency", 0.5)
    jitter_s: float = _word("jitter", 0.0)
    bytes_per_s: float = _word("rate", math.inf)

    def conditions(self, usual: Conditions) -> Conditions:
        """Return what a way is like while this lasts."""
        latency_s = self.latency_s, self.latency_s + self.jitter_s
        return replace(usual, latency_s=latency_s, bytes_per_s=self.bytes_per_s)


@dataclass(frozen=True, slots=True)
class Refuse(LastingFault):
    """New connections are refused, as if nobody listened; open ones go on."""

    verb: ClassVar[str] = "refuse"


@dataclass(frozen=True, slots=True)
class Nameless(LastingFault):
    """The server's name cannot be looked up."""

    verb: ClassVar[str] = "nameless"


@dataclass(frozen=True, slots=True)
class SuddenFault(NetworkFault):
    """One that befalls all connections open at that moment; or, with `after_bytes`, the one on which the
    server has sent that many first, open already or not."""

    after_bytes: int = _word("after", 0)

    def __post_init__(self) -> None:
        NetworkFault.__post_init__(self)
        if self.after_bytes < 0:
            raise ValueError(f"after_bytes of {self.verb!r} was {self.after_bytes}, expected 0 or more")


@dataclass(frozen=True, slots=True)
class Reset(SuddenFault):
    """Both ends are told that the other is gone; what was on its way is lost."""

    verb: ClassVar[str] = "reset"


@dataclass(frozen=True, slots=True)
class Truncate(SuddenFault):
    """An end in the midst: what was on its way is lost, and it looks like an orderly end."""

    verb: ClassVar[str] = "truncate"


@dataclass(frozen=True, slots=True)
class Orphan(SuddenFault):
    """The connection stays open and carries nothing any more; nobody is told, and new ones work."""

    verb: ClassVar[str] = "orphan"
