"""What an operator may do to one actor: suspend, resume, restart, stop.

Every order is in the journal with who gave it, those refused too.
"""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from supervisor.core import supervision
from supervisor.core.cell import PASSIVE, Cell
from supervisor.core.supervised import SupervisedCell
from supervisor.core.tombstone import Tombstone
from supervisor.errors import InspectionError, NoSuchActor, NotControllable
from supervisor.inspection.errortext import error_text
from supervisor.inspection.journal import Entry, Journal
from supervisor.inspection.outcome import Outcome
from supervisor.inspection.tree import ActorInfo, info_of

if TYPE_CHECKING:
    from supervisor.core.system import System

NEAR_MAX: Final = 3
NEAR_SIBLINGS_MAX: Final = 500
"""How many names a mistyped one is compared with: each comparison takes of the loop's time."""


def cell_of(system: System, path: str) -> Cell:
    """Return the cell of an actor that is alive. Raises `NoSuchActor`."""
    cell = system.cell_at(path)
    if cell is None:
        raise NoSuchActor(path, _near(system, path))
    return cell


def _near(system: System, path: str) -> tuple[str, ...]:
    """Return paths much like one that no actor has, among the children of the last that its names lead to."""
    names = path.split("/")
    for count in range(len(names) - 1, -1, -1):
        parent = system.cell_at("/".join(names[:count])) if count else system.guardian
        if parent is None:
            continue
        siblings = list(islice((parent.children or {}).values(), NEAR_SIBLINGS_MAX))
        if not count:  # those under root are written as if they were at the top
            for each in [each for each in siblings if not each.prefix]:
                siblings += islice((each.children or {}).values(), NEAR_SIBLINGS_MAX)
        by_name = {sibling.name: sibling.path for sibling in siblings}
        near = difflib.get_close_matches(names[count], by_name, NEAR_MAX)
        return tuple(by_name[name] for name in near)
    return ()


class Control:
    """The orders, carried out on the loop's thread."""

    def __init__(self, system: System, journal: Journal) -> None:
        self._system = system
        self._journal = journal

    def suspend(self, path: str, by: str) -> None:
        entry, cell = self._order("suspend", path, by)
        cell.suspend()
        entry.close("done")

    def resume(self, path: str, by: str) -> None:
        entry, cell = self._order("resume", path, by)
        if not cell.is_suspended:
            raise _refused(entry, NotControllable(f"{path} is not suspended"))
        cell.resume()
        entry.close("done")

    def restart(self, path: str, by: str) -> Outcome[ActorInfo]:
        entry, cell = self._order("restart", path, by)
        if not cell.running and cell.recovery is None:
            asleep = "is passive: its next message begins a fresh incarnation, so there is none to restart"
            why = asleep if cell.attention & PASSIVE else "has not begun yet; it soon will by itself"
            raise _refused(entry, NotControllable(f"{path} {why}"))
        return Outcome(self._system, self._restart(entry, cell))

    async def _restart(self, entry: Entry, cell: SupervisedCell) -> ActorInfo:
        # A turn of the loop later, nobody is in the midst of handling a message.
        await asyncio.sleep(0)
        begun: asyncio.Future[None] = self._system.home.loop.create_future()
        try:
            _check(cell)
            supervision.renew(cell, f"order of {entry.by}", _setting(begun))
            await begun
            _check(cell)
        except InspectionError as error:
            raise _refused(entry, error) from None
        info = info_of(cell, self._system.scheduler.clock())
        entry.close("done" if cell.running else f"began and failed: {error_text(cell.last_error)}")
        return info

    def stop(self, path: str, by: str) -> Outcome[str]:
        entry = self._journal.open(by, "stop", path)
        try:
            cell = cell_of(self._system, path)
        except InspectionError as error:
            raise _refused(entry, error) from None
        return Outcome(self._system, self._stop(entry, cell))

    async def _stop(self, entry: Entry, cell: Cell) -> str:
        await asyncio.sleep(0)
        address = cell.address
        if not cell.is_dead:
            await asyncio.shield(cell.begin_stop(drain=True))
        ended = address.cell
        reason = str(ended.reason) if isinstance(ended, Tombstone) else "gone"
        entry.close(reason)
        return reason

    def _order(self, action: str, path: str, by: str) -> tuple[Entry, SupervisedCell]:
        entry = self._journal.open(by, action, path)
        try:
            cell = cell_of(self._system, path).as_supervised()
            if cell is None:
                raise NotControllable(
                    f"{path} is a plain Thespian actor, which nobody supervises; it can only be stopped"
                )
            _check(cell)
        except InspectionError as error:
            raise _refused(entry, error) from None
        return entry, cell


def _check(cell: SupervisedCell) -> None:
    """Raise `NotControllable` if the actor is on its way out."""
    parent = cell.parent
    if cell.is_dead:
        raise NotControllable(f"{cell.path} has ended")
    if cell.is_stopping:
        raise NotControllable(f"{cell.path} is stopping")
    if parent is not None and parent.is_leaving:
        above = parent.path or "the system"
        raise NotControllable(f"{cell.path} is about to be stopped: {above} is stopping or restarting")


def _refused(entry: Entry, error: InspectionError) -> InspectionError:
    entry.close(f"refused: {error}")
    return error


def _setting(future: asyncio.Future[None]) -> Callable[[], None]:
    def set_result() -> None:
        if not future.done():
            future.set_result(None)

    return set_result
