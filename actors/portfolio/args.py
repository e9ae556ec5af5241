"""What a portfolio is started with, and what it remembers over its own restarts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from actors.portfolio.decide import Policy
from messages.base import MoneyMessage
from messages.directory import Directory
from messages.ids import PortfolioId, TradeId, Wallet
from messages.units import Usdc

CRASHES_MAX: Final = 2
"""Crashes over the decision on one trade after which it is skipped: it must not stop the others for ever."""


class Attempts:
    """Which trade is being decided on, kept in the arguments because they outlive a crash over it."""

    def __init__(self) -> None:
        self._under_way: TradeId | None = None
        self._crashes: Counter[TradeId] = Counter()

    def begin(self, trade: TradeId) -> bool:
        """Note that a decision begins; False if it crashed too often and must not be tried again."""
        if self._crashes[trade] >= CRASHES_MAX:
            return False
        self._under_way = trade
        return True

    def end(self) -> None:
        """Note that the decision was made."""
        self._under_way = None

    def restarted(self) -> None:
        """Note that a new incarnation begins: a decision still under way was what the last one died of."""
        if self._under_way is not None:
            self._crashes[self._under_way] += 1
            self._under_way = None


@dataclass(frozen=True, slots=True)
class PortfolioArgs:
    """A portfolio's settings and whom it talks to."""

    portfolio_id: PortfolioId
    mode: str
    starting_cash: Usdc
    policies: Mapping[Wallet, Policy]
    settings_hash: str
    directory: Directory
    attempts: Attempts = field(default_factory=Attempts)


class PortfoliosChanged(MoneyMessage, frozen=True, kw_only=True, gc=True):
    """To the portfolios' supervisor: how each portfolio is to be from now on; their number stays."""

    portfolios: tuple[PortfolioArgs, ...]
