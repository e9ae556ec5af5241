"""A selector over sockets in memory: tells which are ready, and moves virtual time where a real one waits."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from supervisor.errors import NotSimulated

if TYPE_CHECKING:
    from supervisor.simulation.network.sockets import MemorySocket


class VirtualSelector(selectors.BaseSelector):
    """Level-triggered, as an event loop expects; ready sockets come in the order they became ready."""

    def __init__(self, pass_time: Callable[[], None]) -> None:
        self._pass_time = pass_time
        self._open: dict[int, MemorySocket] = {}
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._ready: dict[int, None] = {}

    def opened(self, sock: MemorySocket, descriptor: int) -> None:
        """Take note of a socket; without this it cannot be registered."""
        self._open[descriptor] = sock

    def closed(self, descriptor: int) -> None:
        """Forget a socket."""
        self._open.pop(descriptor, None)
        self._ready.pop(descriptor, None)

    def changed(self, descriptor: int) -> None:
        """Look again at whether a socket is ready for what is wanted of it."""
        key = self._keys.get(descriptor)
        sock = self._open.get(descriptor)
        if key is not None and sock is not None and sock.ready() & key.events:
            self._ready[descriptor] = None
        else:
            self._ready.pop(descriptor, None)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self._ready:
            return [
                (self._keys[each], self._open[each].ready() & self._keys[each].events) for each in self._ready
            ]
        if timeout is None or timeout > 0:
            self._pass_time()
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        descriptor = _descriptor(fileobj)
        if descriptor not in self._open:
            raise NotSimulated(
                f"file descriptor {descriptor} is the operating system's, expected a socket of the "
                "simulation: nothing in virtual time can wait for the machine"
            )
        if descriptor in self._keys:
            raise KeyError(f"{fileobj!r} is already registered")
        key = self._keys[descriptor] = selectors.SelectorKey(fileobj, descriptor, events, data)
        self.changed(descriptor)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self._keys.pop(_descriptor(fileobj))
        self._ready.pop(key.fd, None)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self.get_key(fileobj)._replace(events=events, data=data)
        self._keys[key.fd] = key
        self.changed(key.fd)
        return key

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys[_descriptor(fileobj)]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._open.clear()
        self._keys.clear()
        self._ready.clear()


def _descriptor(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())
