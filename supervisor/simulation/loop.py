"""An asyncio event loop whose time is virtual: where the real one would wait, this one moves its clock.

Deterministic: callbacks run in the order they were scheduled, timers in the order of their time. It never
touches the machine's clock, and its sockets are in memory.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, Final, TypeVar

from supervisor.clock import NS_PER_S, Clock, LoopClock
from supervisor.errors import Deadlock
from supervisor.simulation import tasks
from supervisor.simulation.network import surroundings
from supervisor.simulation.network.loop import NetworkedLoop

_Value = TypeVar("_Value")

_TASKS_NAMED_MAX: Final = 20


class VirtualLoop(NetworkedLoop):
    """A loop for simulations. `drive` runs it up to a moment; `run_until_complete` as far as needed."""

    def __init__(self, seed: int | str = 0) -> None:
        self._now = 0.0
        self._until: float | None = None
        self._answers_libraries = False
        self.clock: Clock = LoopClock(self, 0)
        """Tells libraries that ask the machine what time it is."""
        super().__init__(seed)
        self.set_task_factory(tasks.numbered())
        self._futures = itertools.count(1)

    def time(self) -> float:
        return self._now

    def create_future(self) -> asyncio.Future[Any]:
        return tasks.NumberedFuture(next(self._futures), self)

    def wall_s(self) -> float:
        """Return the simulated seconds since the epoch."""
        return self.clock.now_ns() / NS_PER_S

    def run_forever(self) -> None:
        if not self._answers_libraries:
            self._answers_libraries = surroundings.enter()
        super().run_forever()

    def close(self) -> None:
        super().close()
        if self._answers_libraries:
            self._answers_libraries = False
            surroundings.leave()

    def drive(self, until: float) -> None:
        """Run all that is due up to a moment, and leave the time at that moment."""
        if self.is_running():
            raise RuntimeError(
                "the simulated loop is running already; a simulation is driven from outside it"
            )
        self._until = until
        try:
            self.run_forever()
        finally:
            self._until = None
        self._now = max(self._now, until)

    def give_up(self) -> None:
        """Cancel what still runs, and let it end as far as it will without more time."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self.drive(self._now)
        for task in asyncio.all_tasks(self):
            # It ignores its cancellation; that it is destroyed unfinished is known, and no news for the log.
            task._log_destroy_pending = False  # type: ignore[attr-defined]

    def pass_time(self) -> None:
        """Move the time instead of waiting; called by the loop when nothing is ready."""
        due: float | None = self._scheduled[0].when() if self._scheduled else None  # type: ignore[attr-defined]
        if self._until is not None and (due is None or due > self._until):
            self.stop()
        elif due is not None:
            self._now = max(self._now, due)
        else:
            raise Deadlock(self._who_waits())

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, function: Callable[..., _Value], *args: Any
    ) -> asyncio.Future[_Value]:
        """Run a blocking function at once, in this thread: when another would be done with it is chance."""
        future = self.create_future()
        try:
            future.set_result(function(*args))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            future.set_exception(error)
        return future

    def _who_waits(self) -> str:
        tasks = sorted(asyncio.all_tasks(self), key=lambda task: task.get_name())
        lines = [f"  {task.get_name()}: {_place(task)}" for task in tasks[:_TASKS_NAMED_MAX]]
        if len(tasks) > _TASKS_NAMED_MAX:
            lines.append(f"  and {len(tasks) - _TASKS_NAMED_MAX} more")
        return "\n".join(["nothing is ready and no timer is set, yet these wait:", *lines])


def _place(task: asyncio.Task[Any]) -> str:
    stack = task.get_stack(limit=1)
    if not stack:
        return "finished or not begun"
    frame = stack[-1]
    return f"{frame.f_code.co_qualname} at {frame.f_code.co_filename}:{frame.f_lineno}"
