"""Who is to be told what a market pays."""

from __future__ import annotations

from thespian.actors import ActorAddress

from messages.ids import ConditionId


class Watches:
    """The markets that somebody holds and that are not resolved yet.

    It is handed to the price service from outside and so outlives a restart of it: a forgotten watch would
    be a position that is never settled. It has no bound of its own: there are as many as markets held.
    """

    def __init__(self) -> None:
        self._watchers: dict[ConditionId, list[ActorAddress]] = {}

    def __len__(self) -> int:
        return len(self._watchers)

    def __contains__(self, condition_id: ConditionId) -> bool:
        return condition_id in self._watchers

    def add(self, condition_id: ConditionId, watcher: ActorAddress) -> None:
        """Note a watcher; one that is there already stays there once."""
        watchers = self._watchers.setdefault(condition_id, [])
        if watcher not in watchers:
            watchers.append(watcher)

    def conditions(self) -> list[ConditionId]:
        """Return the markets watched."""
        return list(self._watchers)

    def settle(self, condition_id: ConditionId) -> list[ActorAddress]:
        """Return those to tell, and forget them."""
        return self._watchers.pop(condition_id, [])
