"""What aiohttp asks the machine for, answered by the simulation whose loop runs: the time and chance.

WebSocket keys and masks, `Date` headers, boundaries, and the age of pooled connections come from outside the
loop, so two runs of one seed would differ. From a simulated loop's first run until it is closed, the names by
which aiohttp's modules ask lead here. Only who asks on a simulated loop that runs is answered by it; anybody
else gets the machine's own answer.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import threading
import time
import uuid
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from supervisor.simulation.network.loop import NetworkedLoop

_WRITER: Final = "aiohttp._websocket.writer"

_lock = threading.Lock()
_simulations = 0
_replaced: list[tuple[Any, str, Any]] = []


def enter() -> bool:
    """Answer aiohttp from simulations until `leave`; False, with nothing to leave, if it is not loaded."""
    global _simulations
    if "aiohttp" not in sys.modules:
        return False
    with _lock:
        _simulations += 1
        if _simulations == 1:
            _replace()
    return True


def leave() -> None:
    """Give aiohttp its own names back, if this was the last simulation that needed others."""
    global _simulations
    with _lock:
        _simulations -= 1
        if not _simulations:
            _restore()


def _replace() -> None:
    clocks = {"time": _time, "monotonic": _monotonic}
    _stand_in("aiohttp.client", "os", urandom=_urandom)
    _stand_in("aiohttp.client_middleware_digest_auth", "os", urandom=_urandom)
    _stand_in("aiohttp.client_middleware_digest_auth", "time", **clocks)
    _stand_in("aiohttp.connector", "random", shuffle=_shuffle)
    _stand_in("aiohttp.cookiejar", "time", **clocks)
    _stand_in("aiohttp.helpers", "time", **clocks)
    _stand_in("aiohttp.multipart", "uuid", uuid4=_uuid4)
    _put(sys.modules.get("aiohttp.connector"), "monotonic", _monotonic)
    writer = sys.modules.get(_WRITER)
    if writer is not None:
        defaults = writer.WebSocketWriter.__init__.__kwdefaults__
        _replaced.append((defaults, "random", defaults["random"]))
        defaults["random"] = _Masks()


def _restore() -> None:
    while _replaced:
        owner, name, original = _replaced.pop()
        if isinstance(owner, dict):
            owner[name] = original
        else:
            setattr(owner, name, original)


def _stand_in(module: str, name: str, **answers: Callable[..., Any]) -> None:
    owner = sys.modules.get(module)
    if owner is not None and hasattr(owner, name):
        _put(owner, name, _StandIn(getattr(owner, name), answers))


def _put(owner: ModuleType | None, name: str, value: Any) -> None:
    if owner is not None and hasattr(owner, name):
        _replaced.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)


class _StandIn:
    """A module of which some functions are answered by the simulation."""

    def __init__(self, module: ModuleType, answers: dict[str, Callable[..., Any]]) -> None:
        self._module = module
        self.__dict__.update(answers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class _Masks(random.Random):
    """The generator of WebSocket masks."""

    def getrandbits(self, k: int) -> int:
        loop = _loop()
        return super().getrandbits(k) if loop is None else loop.network.random.getrandbits(k)


def _loop() -> NetworkedLoop | None:
    try:
        loop: Any = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop if hasattr(loop, "network") else None


def _time() -> float:
    loop = _loop()
    return time.time() if loop is None else loop.wall_s()


def _monotonic() -> float:
    loop = _loop()
    return time.monotonic() if loop is None else loop.time()


def _urandom(size: int) -> bytes:

    loop = _loop()
    return os.urandom(size) if loop is None else loop.network.random.randbytes(size)


def _shuffle(items: list[Any]) -> None:
    loop = _loop()
    (random if loop is None else loop.network.random).shuffle(items)


def _uuid4() -> uuid.UUID:
    loop = _loop()
    return uuid.uuid4() if loop is None else uuid.UUID(bytes=loop.network.random.randbytes(16), version=4)
