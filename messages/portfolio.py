"""What a portfolio tells when asked."""

from __future__ import annotations

from messages.base import Message
from messages.ids import PortfolioId
from messages.orders import Holding
from messages.units import Usdc


class PortfolioQuery(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `PortfolioState`."""

    portfolio_id: PortfolioId


class PortfolioState(Message, frozen=True, kw_only=True, gc=False):
    """A portfolio as its actor sees it. `in_flight` counts proposals and orders not yet at their end."""

    portfolio_id: PortfolioId
    cash: Usdc
    reserved: Usdc
    realised: Usdc
    holdings: tuple[Holding, ...]
    open_orders: tuple[str, ...]
    in_flight: int


class MismatchFound(Message, frozen=True, kw_only=True, gc=False):
    """To the portfolio: the reconciler found what it holds to differ from the venue's account."""

    portfolio_id: PortfolioId
    details: tuple[str, ...]
