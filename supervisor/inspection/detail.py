"""Everything there is to see of one actor: its mailbox by type, timers, coroutines, restarts, last error."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from supervisor.abilities.pipes import Pipe
from supervisor.abilities.timers import Timer
from supervisor.clock import NS_PER_S
from supervisor.core.queues import Item
from supervisor.core.supervised import SupervisedCell
from supervisor.inspection.errortext import error_text, traceback_text
from supervisor.inspection.letters import contents_of
from supervisor.inspection.plain import named, plain
from supervisor.inspection.tree import ActorInfo, info_of
from supervisor.signals import Urgent

if TYPE_CHECKING:
    from supervisor.core.cell import Cell
    from supervisor.core.system import System

EXAMINED_MAX: Final = 10_000
"""How far into a mailbox or stash one looks: the loop waits meanwhile."""
LISTED_MAX: Final = 100
"""How many children, timers, coroutines or contents are listed."""
NESTED_MAX: Final = 50
"""How deep into what a coroutine waits for one looks."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of one type that wait; what a timer brings counts as its message."""

    message_type: str
    count: int
    oldest_age_s: float


@dataclass(frozen=True, slots=True)
class TimerInfo:
    """One timer. A key that is no text is named by its type."""

    key: str
    message_type: str
    due_in_s: float
    period_s: float
    """0 if it fires once."""


@dataclass(frozen=True, slots=True)
class PipeInfo:
    """One coroutine under way."""

    name: str
    waits_at: tuple[str, ...]
    """The functions and lines that it waits in, the innermost last; empty before it begins and once done."""


@dataclass(frozen=True, slots=True)
class RestartInfo:
    """One time that an incarnation took the place of another."""

    at_ns: int
    because: str
    """The type of the error, or whose order it was, and in whom if it was another actor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorDetail:
    """One actor at the moment of asking. Lists are cut at `LISTED_MAX`; `info` has the true numbers."""

    info: ActorInfo
    module: str
    class_name: str
    args_type: str
    restart: str
    """permanent, transient or temporary; empty for plain Thespian actors, as all that supervision gives."""
    overflow: str
    suspended: bool
    behaviours: tuple[str, ...]
    """The names of the behaviours it is in, the current one last; empty in its default one."""
    up_s: float
    """How long this incarnation has run, 0 if it does not."""
    waiting: tuple[Waiting, ...]
    """The mailbox by message type, the most frequent first."""
    examined: int
    """How many of the messages that wait were looked at: the first, if not all."""
    contents: tuple[str, ...]
    """The first messages in their own words; empty unless asked for."""
    stashed: tuple[Waiting, ...]
    timers: tuple[TimerInfo, ...]
    pipes: tuple[PipeInfo, ...]
    children: tuple[str, ...]
    children_count: int
    watchers: int
    producers_waiting: int
    """Coroutines that await room in the mailbox."""
    restarted: tuple[RestartInfo, ...]
    """The last restarts, oldest first."""
    last_error: str
    last_traceback: str
    state: dict[str, Any]
    """What its `snapshot` shows, as plain data; an `error` entry if that raised."""


def detail(system: System, cell: Cell, contents: int) -> ActorDetail:
    """Look at one actor closely, and show the first messages that wait only if asked."""
    if not 0 <= contents <= LISTED_MAX:
        raise ValueError(f"contents was {contents}, expected a number of messages from 0 to {LISTED_MAX}")
    now = system.scheduler.clock()
    supervised = cell.as_supervised()
    children = cell.children or {}
    return ActorDetail(
        info=info_of(cell, now),
        module=cell.cls.__module__,
        class_name=cell.cls.__qualname__,
        args_type=type(supervised.args).__name__ if supervised else "",
        restart=supervised.restart.value if supervised else "",
        overflow=cell.mailbox.overflow.value,
        suspended=cell.is_suspended,
        behaviours=tuple(each.name for each in supervised.behaviours or ()) if supervised else (),
        up_s=now - supervised.started_at if supervised and supervised.running else 0.0,
        waiting=_by_type(cell.queue, now),
        examined=min(len(cell.queue), EXAMINED_MAX),
        contents=tuple(contents_of(_opened(message)) for message, _, _ in islice(cell.queue, contents)),
        stashed=_by_type(supervised.stash or (), now) if supervised else (),
        timers=_timers(supervised.timers or {}) if supervised else (),
        pipes=_pipes(supervised.pipes or ()) if supervised else (),
        children=tuple(child.name for child in islice(children.values(), LISTED_MAX)),
        children_count=len(children),
        watchers=len(cell.watchers or ()),
        producers_waiting=len(cell.waiters or ()),
        restarted=_restarts(system, supervised, now) if supervised else (),
        last_error=error_text(supervised.last_error) if supervised else "",
        last_traceback=traceback_text(supervised.last_error) if supervised else "",
        state=_state(supervised) if supervised else {},
    )


def _by_type(items: Iterable[Item], now: float) -> tuple[Waiting, ...]:
    found: dict[str, tuple[int, float]] = {}
    for message, _, since in islice(items, EXAMINED_MAX):
        message_type = type(_opened(message)).__name__
        count, oldest = found.get(message_type, (0, since))
        found[message_type] = (count + 1, min(oldest, since))
    waiting = (Waiting(name, count, max(0.0, now - since)) for name, (count, since) in found.items())
    return tuple(sorted(waiting, key=lambda each: -each.count))


def _opened(message: Any) -> Any:
    return message.message if isinstance(message, Timer | Urgent) else message


def _timers(timers: dict[Hashable, Timer]) -> tuple[TimerInfo, ...]:
    return tuple(
        TimerInfo(
            key if isinstance(key, str) else named(key),
            type(timer.message).__name__,
            max(0.0, timer.due_in_s),
            timer.period_s,
        )
        for key, timer in islice(timers.items(), LISTED_MAX)
    )


def _pipes(pipes: Iterable[Pipe]) -> tuple[PipeInfo, ...]:
    coroutines = (pipe.coroutine for pipe in islice(pipes, LISTED_MAX))
    return tuple(
        PipeInfo(getattr(each, "__qualname__", type(each).__name__), _places(each)) for each in coroutines
    )


def _places(coroutine: Any) -> tuple[str, ...]:
    places: list[str] = []
    for _ in range(NESTED_MAX):
        frame = getattr(coroutine, "cr_frame", None)
        if frame is None or frame.f_lasti < 0:
            break
        places.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
        coroutine = coroutine.cr_await
    return tuple(places)


def _restarts(system: System, cell: SupervisedCell, now: float) -> tuple[RestartInfo, ...]:
    now_ns = system.clock.now_ns()
    return tuple(RestartInfo(now_ns - round((now - at) * NS_PER_S), because) for at, because in cell.history)


def _state(cell: SupervisedCell) -> dict[str, Any]:
    if not cell.running:
        return {}
    try:
        state = plain(cell.actor.snapshot())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a look at a broken actor must still show the rest
        return {"error": f"snapshot() raised {type(error).__name__}"}
    return state if isinstance(state, dict) else {"error": "snapshot() returned no dict"}
