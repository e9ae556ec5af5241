"""Tokens that a connection of the market channel holds and never hears of, while their siblings flow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ops.venue.faults.plan import FaultPlan, Strikes


class MutedTokens:
    """Draws for each token of one connection, and anew whenever the token is subscribed to again."""

    def __init__(self, plan: FaultPlan, ordinal: int) -> None:
        self._plan = plan
        self._ordinal = ordinal
        self._opened = plan.now_s()
        self._draws: Counter[str] = Counter()
        self._held: dict[str, list[Strikes]] = {}
        """The faults that chose each token held; mostly none."""
        self._version = plan.version

    def hold(self, token: str) -> None:
        """Draw for a token that was subscribed to."""
        self._draws[token] += 1
        self._held[token] = self._drawn(token)

    def let_go(self, token: str) -> None:
        """Forget a token that was unsubscribed from."""
        self._held.pop(token, None)

    def among(self, tokens: Iterable[str]) -> set[str]:
        """Return which of these tokens are mute now; a change of the faults in force is heeded at once."""
        if self._version != self._plan.version:
            self._version = self._plan.version
            self._held = {token: self._drawn(token) for token in self._held}
        if not self._plan.has_mutes:
            return set()
        age_s = self._plan.now_s() - self._opened
        return {token for token in tokens if any(one.in_window(age_s) for one in self._held.get(token, ()))}

    def _drawn(self, token: str) -> list[Strikes]:
        return self._plan.mutes(self._ordinal, token, self._draws[token])
