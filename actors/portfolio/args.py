"""What a portfolio is started with, and what it remembers over its own restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.portfolio.decide import Policy
from messages.base import MoneyMessage
from messages.directory import Directory
from messages.ids import PortfolioId, TradeId, Wallet
from messages.units import Usdc
from supervisor import Attempts


class Sources:
    """What ingest said last of its sources. It is part of the arguments because they outlive a restart:
    nobody says it a second time."""

    def __init__(self) -> None:
        self.refusal = ""


@dataclass(frozen=True, slots=True)
class PortfolioArgs:
    """A portfolio's settings and whom it talks to."""

    portfolio_id: PortfolioId
    mode: str
    starting_cash: Usdc
    policies: Mapping[Wallet, Policy]
    settings_hash: str
    directory: Directory
    attempts: Attempts[TradeId] = field(default_factory=Attempts)
    """A trade over whose decision it crashed again and again is skipped: it must not stop the others."""
    sources: Sources = field(default_factory=Sources, compare=False)


class PortfoliosChanged(MoneyMessage, frozen=True, kw_only=True, gc=True):
    """To the portfolios' supervisor: how each portfolio is to be from now on; their number stays."""

    portfolios: tuple[PortfolioArgs, ...]
