"""Addresses: each points straight at what takes its messages, so a send needs no look-up.

When an actor ends, its address points at a tombstone from then on; nothing of the actor stays alive for
being addressed.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sized
from typing import Any, Final, Protocol

from thespian.actors import ActorAddress


class Target(Protocol):
    """What an address may point at."""

    @property
    def queue(self) -> Sized:
        """What waits."""
        ...

    @property
    def room(self) -> int:
        """How many may wait for senders to put messages there without `accept`."""
        ...

    @property
    def path(self) -> str:
        """The names on the way from the root, joined by slashes."""
        ...

    def accept(self, message: Any, sender: Any) -> bool:
        """Take a message; False if it was dropped or turned away, which the target has then counted."""
        ...

    def offer(self, message: Any, sender: Any) -> bool:
        """Take a message or return False, with no notice to the sender that it was turned away."""
        ...

    def hears(self, notice: type[Exception]) -> bool:
        """Whether `turned_away` does anything with such a notice, so that it need be made."""
        ...

    def turned_away(self, notice: Exception) -> None:
        """Hear that a message sent from here was not taken."""
        ...


class Seen:
    """A target without a mailbox: each message comes by `accept`."""

    __slots__ = ()

    queue: Final = ()
    room: Final = 0

    def hears(self, notice: type[Exception]) -> bool:
        return False


class Restorer(Protocol):
    """What can find an actor by path again and hand messages to it; a system base."""

    key: str

    def hand_over(self, address: Any, message: Any, sender: Any) -> None:
        """Send a message to an actor of the system, from any thread, on behalf of whoever is outside it."""
        ...

    def restore(self, number: int, path: str) -> CellAddress:
        """Return the address of that number, a dead one if its actor has ended."""
        ...


class CellAddress(ActorAddress):  # type: ignore[misc]
    """The address of one actor, across its restarts, and of no other ever after.

    Hashable, unlike Thespian's own, and equal by identity of the actor. A pickled one finds its actor again
    in the same process; the base is named by a key that is unique to it.
    """

    __slots__ = ("cell", "number", "system_key")

    def __init__(self, cell: Target, number: int, system_key: str) -> None:
        # ActorAddress.__init__ would store a string per address; ours is made when somebody asks for it.
        self.cell = cell
        self.number = number
        self.system_key = system_key

    @property
    def path(self) -> str:
        """The names on the way from the root, joined by slashes."""
        return self.cell.path

    @property
    def _aaddr(self) -> str:
        return f"/{self.cell.path}~{self.number}"

    @property
    def addressDetails(self) -> str:
        return self._aaddr

    @property
    def actorAddressString(self) -> str:
        return self._aaddr

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, CellAddress):
            return False
        return self.number == other.number and self.system_key == other.system_key

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.number)

    def __repr__(self) -> str:
        return f"<{self._aaddr}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> CellAddress:
        return self

    def __reduce__(self) -> tuple[Any, tuple[str, int, str]]:
        return restore_address, (self.system_key, self.number, self.cell.path)


_systems: weakref.WeakValueDictionary[str, Restorer] = weakref.WeakValueDictionary()


def register_system(system: Restorer) -> None:
    """Let pickled addresses of this base find their actors."""
    _systems[system.key] = system


def system_of(address: Any) -> Restorer | None:
    """Return the base that an address belongs to; None if it is gone, or the address is Thespian's own."""
    key = getattr(address, "system_key", None)
    return _systems.get(key) if key is not None else None


def restore_address(system_key: str, number: int, path: str) -> CellAddress:
    """Return the address that was pickled; one that nobody answers to if its base is gone."""
    system = _systems.get(system_key)
    if system is None:
        return CellAddress(Nowhere(path), number, system_key)
    return system.restore(number, path)


class Nowhere(Seen):
    """Stands for an actor of a base that is gone or in another process; takes nothing."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def accept(self, message: Any, sender: Any) -> bool:
        return False

    def offer(self, message: Any, sender: Any) -> bool:
        return False

    def turned_away(self, notice: Exception) -> None:
        """Do nothing."""


def numbers() -> Iterator[int]:
    """Yield the numbers that tell a base's actors apart, never one twice."""
    number = 0
    while True:
        number += 1
        yield number
