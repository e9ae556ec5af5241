"""The one way to look into a running system and to put a hand on its actors, for shells, pages and metrics.

All of it may be called from any thread, on the loop or off it. What it returns is frozen and plain: text,
numbers, tuples and dicts. The content of a message is shown only where it is asked for by name.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from supervisor.errors import LoopBusy
from supervisor.inspection.control import Control, cell_of
from supervisor.inspection.detail import ActorDetail, detail
from supervisor.inspection.journal import Action, Journal
from supervisor.inspection.letters import LetterInfo, letters
from supervisor.inspection.measures import LoopLag, SlowHandler
from supervisor.inspection.outcome import Outcome
from supervisor.inspection.top import TopEntry, top, top_over
from supervisor.inspection.totals import DropCount, Totals, drop_counts, totals
from supervisor.inspection.trace import Trace, TraceInfo
from supervisor.inspection.tracing import is_pattern
from supervisor.inspection.tree import ActorInfo, below, info_of

if TYPE_CHECKING:
    from supervisor.core.system import System

_Value = TypeVar("_Value")

PATIENCE_S: Final = 5.0
"""How long a call from another thread waits for the loop, unless set otherwise."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What the loop is in the midst of."""

    path: str
    kind: str
    message_type: str
    for_s: float


class Inspector:
    """A system base's `inspector`.

    On another thread than the loop's, a call waits for the loop up to `patience_s` and then raises
    `LoopBusy`, which names the handler that holds it; a call that was given up is not made later.
    """

    def __init__(self, system: System, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self._system = system
        self._journal = Journal(system.clock.now_ns)
        self._control = Control(system, self._journal)

    # --- all actors ---

    def tree(self, under: str = "", n: int | None = None) -> tuple[ActorInfo, ...]:
        """Return every actor, or one and all under it, parents before children; the first `n` if given.

        Of 10,000 actors all take some 30 ms of the loop. Raises `NoSuchActor`.
        """
        return self._call(self._tree, under, n)

    def _tree(self, under: str, n: int | None) -> tuple[ActorInfo, ...]:
        now = self._system.scheduler.clock()
        first = cell_of(self._system, under) if under else self._system.guardian
        cells = chain((first,) if under else (), below(first))
        return tuple(info_of(cell, now) for cell in islice(cells, n))

    def top(self, by: str = "mailbox", n: int = 10) -> tuple[TopEntry, ...]:
        """Return the `n` actors that have most of it: `mailbox` (messages waiting), `age` (seconds that the
        first of them has waited), `rate` (messages handled so far), `time` (seconds in handlers so far),
        `restarts`, `stash`, `timers`, `pipes` or `children`. Raises `ValueError`.
        """
        return self._call(top, self._system, by, n)

    def top_over(self, window_s: float, by: str = "rate", n: int = 10) -> Outcome[tuple[TopEntry, ...]]:
        """Look twice, a window of seconds apart, and return the `n` actors whose `rate`, `time`, `mailbox` or
        `restarts` grew most, per second. Raises `ValueError` from the outcome.
        """
        return self._call(lambda: Outcome(self._system, top_over(self._system, window_s, by, n)))

    def totals(self) -> Totals:
        """Return the sums by kind of actor, drops, slow handlers and the loop's lag, for metrics."""
        return self._call(totals, self._system)

    # --- one actor ---

    def actor(self, path: str, *, contents: int = 0) -> ActorDetail:
        """Return everything there is to see of one actor, and the first `contents` messages that wait in
        their own words. Raises `NoSuchActor`.
        """
        return self._call(lambda: detail(self._system, cell_of(self._system, path), contents))

    def trace(
        self,
        path: str,
        *,
        limit: int = 100,
        per_second_max: int = 100,
        contents: bool = False,
        by: str = "unnamed",
    ) -> Trace:
        """Trace what an actor handles, or all whose paths match: `*` and `?` stand for what is within a name,
        `**` for any number of names.

        Ends after `limit` events, when it is closed, or when the one actor ends for good; a pattern waits for
        actors to come. Beyond `per_second_max` a second, messages are handled without an event, and counted.
        Raises `NoSuchActor` or `BadTrace`.
        """
        return self._call(self._trace, path, limit, per_second_max, contents, by)

    def _trace(self, path: str, limit: int, per_second_max: int, contents: bool, by: str) -> Trace:
        only = None if is_pattern(path) else cell_of(self._system, path)
        trace = self._system.tracing.open(self._call, path, only, limit, per_second_max, contents)
        self._journal.open(by, "trace with contents" if contents else "trace", path).close("begun")
        return trace

    def traces(self) -> tuple[TraceInfo, ...]:
        """Return the traces under way."""
        return self._call(lambda: tuple(each.shown() for each in self._system.tracing.traces()))

    def end_traces(self) -> None:
        """End all traces, those that somebody left behind too."""
        self._call(self._system.tracing.end, "closed by order")

    # --- what went wrong ---

    def dead_letters(
        self,
        *,
        path: str | None = None,
        kind: str | None = None,
        message_type: str | None = None,
        reason: str | None = None,
        n: int = 100,
        contents: bool = False,
    ) -> tuple[LetterInfo, ...]:
        """Return the last kept messages that were not handled, the latest first. Raises `ValueError`."""

        def look() -> tuple[LetterInfo, ...]:
            return letters(
                self._system,
                path=path,
                kind=kind,
                message_type=message_type,
                reason=reason,
                n=n,
                contents=contents,
            )

        return self._call(look)

    def drops(self) -> tuple[DropCount, ...]:
        """Return how many messages were not handled, by kind, type and reason, the most frequent first."""
        return self._call(drop_counts, self._system)

    def slow_handlers(self) -> tuple[SlowHandler, ...]:
        """Return which handlers took too long over which message types, the slowest first."""
        return self._call(lambda: tuple(self._system.measures.slow()))

    def loop_lag(self) -> LoopLag:
        """Return how late the loop was of late."""
        return self._call(self._system.measures.lag)

    def holding(self) -> Holding | None:
        """Return which handler the loop is in at this moment, None if in none.

        The only look that needs nothing of the loop: from another thread it tells what a loop hangs in.
        """
        scheduler = self._system.scheduler
        cell, item, since = scheduler.cell, scheduler.current, scheduler.now
        if cell is None or item is None:
            return None
        return Holding(cell.path, cell.kind, type(item[0]).__name__, max(0.0, scheduler.clock() - since))

    # --- orders ---

    def suspend(self, path: str, *, by: str) -> None:
        """Have an actor handle no message until `resume`, through restarts too.

        Messages keep coming in under its mailbox's policy, and its coroutines go on; its children are not
        suspended with it. If it is stopped, what waits goes to the dead letters. `by` says who asks; it is
        in the journal and the log. Raises `NoSuchActor` or `NotControllable`.
        """
        self._call(self._control.suspend, path, by)

    def resume(self, path: str, *, by: str) -> None:
        """Let a suspended actor go on. Raises `NoSuchActor` or `NotControllable`."""
        self._call(self._control.resume, path, by)

    def restart(self, path: str, *, by: str) -> Outcome[ActorInfo]:
        """Give an actor a fresh incarnation, with the same address and mailbox.

        As after a failure, for its children and those that its parent's strategy restarts with it; but at
        once, counted against no limit, and with no message lost. The outcome is the actor as it then is.
        Raises `NoSuchActor` or `NotControllable`.
        """
        return self._call(self._control.restart, path, by)

    def stop(self, path: str, *, by: str) -> Outcome[str]:
        """Stop an actor for good: its children first, then what waits in its mailbox, then itself.

        Nobody restarts it; a parent that wants it must spawn it anew. The outcome is "stopped", or "killed"
        if it took longer than its shutdown time. Raises `NoSuchActor`.
        """
        return self._call(self._control.stop, path, by)

    def actions(self) -> tuple[Action, ...]:
        """Return the last orders given and traces begun, oldest first: when, by whom, and what came of it."""
        return self._call(self._journal.actions)

    # --- across threads ---

    def _call(self, function: Callable[..., _Value], *args: Any) -> _Value:
        home = self._system.home
        if home.is_here or home.loop.is_closed():
            return function(*args)
        future: concurrent.futures.Future[_Value] = concurrent.futures.Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args))
            except BaseException as error:
                future.set_exception(error)

        home.loop.call_soon_threadsafe(run)
        done, _ = concurrent.futures.wait([future], self.patience_s)
        if not done and future.cancel():
            raise LoopBusy(f"the loop did not come to it in {self.patience_s:g} s; {self._busy_with()}")
        return future.result()

    def _busy_with(self) -> str:
        held = self.holding()
        if held is None:
            return "it is in no actor's handler"
        return f"{held.path} ({held.kind}) has been handling a {held.message_type} for {held.for_s:.1f} s"
