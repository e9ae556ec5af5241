"""The system base that Thespian's `ActorSystem` takes: `ActorSystem(base, transientUnique=True)`.

Made where a loop runs it lives in that loop; made elsewhere it has a loop of its own in a thread. Everything
inside happens on that loop's thread; what other threads call is handed over to it. Keeps Thespian's meaning:
a blocking `ask` returns the next message for the outside, whoever sent it, and none of the system's own.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import sys
import time
from collections.abc import Awaitable
from typing import Any, overload

from thespian.actors import ThespianGeneration, ValidatedSource

from supervisor.abilities import asking
from supervisor.core.cell import Cell
from supervisor.core.supervised import SupervisedCell
from supervisor.errors import SystemStopped
from supervisor.freezing import check_message
from supervisor.outside import Outside
from supervisor.thespian import creation, sources
from supervisor.thespian.external import External, PrivateEndpoint
from supervisor.thespian.handler_threads import HandlerThreads
from supervisor.thespian.options import Dispatcher
from supervisor.thespian.plain import PlainCell
from supervisor.thespian.threaded import ThreadedCell


class AsyncioSystemBase(Outside):
    """One system of actors. `seed` fixes all chance in it; `supervision` is that of top-level actors.

    `restart_budget` limits the restarts of all actors together, None for no limit. `copy_messages` is for
    tests: it copies every message when it is sent, so that nothing is shared by accident.
    """

    cell_class = SupervisedCell

    def begin(self) -> None:
        self.external = External(self)
        self._stopping_for: list[concurrent.futures.Future[None]] = []
        self.sources = sources.ActorSources(self, allowed=self.plain.load_sources)
        self.handler_threads = HandlerThreads(f"{self.name}-plain", self.plain.threads_max)
        self.capabilities = {
            "Python Version": tuple(sys.version_info),
            "Thespian Generation": ThespianGeneration,
            "Thespian Version": str(int(time.time() * 1000)),
            "Thespian ActorSystem Name": "asyncioSystem",
            "Thespian ActorSystem Version": 2,
            "Thespian Watch Supported": True,
            "AllowRemoteActorSources": "No",
            **self.capabilities,
        }
        super().begin()

    def newPrimaryActor(self, cls: Any, requirements: Any, global_name: Any, source_hash: Any) -> Any:
        """Create a top-level actor; what its `__init__` raises is raised here. Raises `SystemStopped`."""
        self.check_running()
        return self.home.call(
            creation.create, self, self.guardian, cls, requirements, global_name, source_hash
        )

    def create_child(
        self, parent: Cell, cls: Any, requirements: Any, global_name: Any, source_hash: Any
    ) -> Any:
        """Create a child for an actor that asks as Thespian's do."""
        return creation.create_child(self, parent, cls, requirements, global_name, source_hash)

    def plain_cell_class(self, cls: Any) -> type[PlainCell]:
        """Return what plain actors of a class live in."""
        in_thread = self.plain.dispatcher_of(cls) is Dispatcher.THREAD
        return ThreadedCell if in_thread else PlainCell

    def addressed(self, message: Any, sender: Any) -> None:
        if isinstance(message, ValidatedSource):
            self.sources.validated(message, sender)

    def tell(self, address: Any, message: Any) -> None:
        """Send a message from outside; answers go to `listen`."""
        self.deliver(address, message, self.external.address)

    def deliver(self, address: Any, message: Any, sender: Any) -> None:
        """Send a message on somebody's behalf, from any thread. Raises `NoMessage` or `MutableMessage`."""
        target = self.target_of(address)
        if isinstance(target, SupervisedCell):
            check_message(message)
        if self.home.is_here:
            target.accept(message, sender)
        else:
            self.hand_over(address, message, sender)

    @overload
    def ask(self, address: Any, message: Any, timeout: Any = None) -> Any: ...
    @overload
    def ask(self, address: Any, message: Any, *, timeout_s: float) -> Awaitable[Any]: ...
    def ask(
        self,
        address: Any,
        message: Any,
        timeout: Any = None,
        *,
        timeout_s: float | None = None,
    ) -> Any:
        """Await the answer of an actor (`timeout_s`, on the loop), or block for the next message (`timeout`).

        Raises `AskTimeout`, `Refused` or `DeadActor` when awaited; returns None after a blocking timeout.
        """
        if timeout_s is not None:
            return asking.ask(self, address, message, timeout_s, self.name)
        return self.ask_as(self.external, address, message, timeout)

    def ask_as(self, external: External, address: Any, message: Any, timeout: Any) -> Any:
        """Send from one outside and block for the next message to it. Raises `SystemStopped`."""
        self.home.check_may_block("ask", "await base.ask(address, message, timeout_s=...) instead")
        if self.is_over:
            raise self.stopped()
        self.deliver(address, message, external.address)
        return external.take(timeout)

    def listen(self, timeout: Any = None) -> Any:
        """Block for the next message to the outside, None after the timeout."""
        self.home.check_may_block("listen", "await base.ask(...), or spawn an actor to be sent to")
        return self.external.take(timeout)

    def shutdown(self) -> None:
        """Stop everything; blocks until done, unless called on the loop itself, where it only begins."""
        if self.home.loop.is_closed():
            return
        if self.home.is_here:
            self.begin_shutdown()
            return
        stopped: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.home.post(self._stop_for, stopped)
        with contextlib.suppress(SystemStopped):  # another thread may shut down at the same time
            self.home.wait_for(stopped)
        self.home.close()

    def _stop_for(self, stopped: concurrent.futures.Future[None]) -> None:
        if self.closed:
            stopped.set_result(None)
            return
        self._stopping_for.append(stopped)
        if len(self._stopping_for) == 1:
            self.run(self._stop_for_all())

    async def _stop_for_all(self) -> None:
        try:
            await self.stop()
        finally:
            for stopped in self._stopping_for:
                stopped.set_result(None)
            self._stopping_for.clear()

    def _handleDeadLetters(self, address: Any, enable: bool) -> None:
        """Have an actor sent dead letters, or no more."""
        target = self.target_of(address)
        if isinstance(target, Cell):
            self.home.post(self.registry.handle_dead_letters, target, enable)

    def begin_shutdown(self) -> None:
        """Start to stop everything; `wait` tells when it is done."""
        self.run(self.stop())

    def external_clone(self) -> PrivateEndpoint:
        """Return an endpoint with messages of its own, for `ActorSystem.private()`."""
        return PrivateEndpoint(self)

    def updateCapability(self, name: str, value: Any = None) -> None:
        """Set a capability, or remove it by None."""
        if value is None:
            self.capabilities.pop(name, None)
        else:
            self.capabilities[name] = value

    def loadActorSource(self, source: Any) -> str:
        """Have a zip file (a path, or open) validated, and return its hash. Raises `SourcesOff`."""
        self.sources.check_allowed()
        return self.home.call(self.sources.offer, sources.read(source))

    def unloadActorSource(self, source_hash: str) -> None:
        """Forget a loaded source; nothing if there is none of that hash."""
        self.home.call(self.sources.unload, source_hash)

    def _close(self) -> None:
        self.sources.unload_all()
        self.handler_threads.close()
        super()._close()
