"""Who is told when prices move, and what moved since. Pure: the caller brings the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from thespian.actors import ActorAddress

from messages.ids import ConditionId
from messages.prices import FOLLOW_S, FOLLOWED_MAX

FOLLOWERS_MAX: Final = 100
"""Who comes when there are so many is not told."""
STILL_NS: Final = 5_000_000_000
"""How often a follower is told of a market that does not move."""
_FOLLOW_NS: Final = round(FOLLOW_S * 1_000_000_000)


class Followers:
    """The markets followed by each follower, and until when."""

    def __init__(self) -> None:
        self._until_ns: dict[ActorAddress, int] = {}
        self._followed: dict[ActorAddress, dict[ConditionId, int]] = {}
        """By follower and market: when it was told of it last."""
        self._of: dict[ConditionId, dict[ActorAddress, None]] = {}
        self._moved: dict[ConditionId, None] = {}

    def __contains__(self, condition_id: ConditionId) -> bool:
        return condition_id in self._of

    def markets(self) -> list[ConditionId]:
        """Return all markets that are followed."""
        return list(self._of)

    def follow(
        self, follower: ActorAddress, condition_ids: Iterable[ConditionId], now_ns: int
    ) -> list[ConditionId]:
        """Let a follower follow these markets and no others; return those that are new to it."""
        if follower not in self._followed and len(self._followed) >= FOLLOWERS_MAX:
            return []
        held = self._followed.get(follower, {})
        wanted = list(dict.fromkeys(condition_ids))[:FOLLOWED_MAX]
        fresh = [condition_id for condition_id in wanted if condition_id not in held]
        moved = self._moved.copy()
        self._leave(follower)
        if wanted:
            self._until_ns[follower] = now_ns + _FOLLOW_NS
            self._followed[follower] = {each: held.get(each, now_ns) for each in wanted}
            for condition_id in wanted:
                self._of.setdefault(condition_id, {})[follower] = None
        self._moved = {each: None for each in moved if each in self._of}
        return fresh

    def moved(self, condition_id: ConditionId) -> None:
        """Note that a market's prices may have moved."""
        if condition_id in self._of:
            self._moved[condition_id] = None

    def due(self, now_ns: int) -> Iterator[tuple[ConditionId, list[ActorAddress]]]:
        """Yield the markets to tell of and whom, each once: those that moved, and those long untold."""
        for follower in [each for each, until_ns in self._until_ns.items() if until_ns < now_ns]:
            self._leave(follower)
        moved, self._moved = self._moved, {}
        still_ns = now_ns - STILL_NS
        for condition_id, followers in self._of.items():
            told = [
                each
                for each in followers
                if condition_id in moved or self._followed[each][condition_id] <= still_ns
            ]
            if told:
                for each in told:
                    self._followed[each][condition_id] = now_ns
                yield condition_id, told

    def _leave(self, follower: ActorAddress) -> None:
        self._until_ns.pop(follower, None)
        for condition_id in self._followed.pop(follower, {}):
            followers = self._of[condition_id]
            del followers[follower]
            if not followers:
                del self._of[condition_id]
                self._moved.pop(condition_id, None)
