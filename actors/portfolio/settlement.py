"""What a resolved market pays: a fill without an order, under an identity that a retry repeats."""

from __future__ import annotations

from actors.portfolio.account import Position
from messages.ids import PortfolioId
from messages.orders import Fill, FillKind
from messages.trades import Side
from messages.units import Price, notional


def settlement_fill(portfolio_id: PortfolioId, position: Position, payout: Price, now_ns: int) -> Fill:
    """Return the fill that turns a position into its payout.

    The identity holds the last fill of this very position, so that it settles once however often this is
    tried and whatever else is filled meanwhile, and one opened after a settlement gets its own.
    """
    return Fill(
        fill_id=f"settle:{portfolio_id}:{position.token_id}:{position.fill_seq}",
        portfolio_id=portfolio_id,
        order_id="",
        condition_id=position.condition_id,
        token_id=position.token_id,
        event_slug=position.event_slug,
        kind=FillKind.SETTLEMENT,
        side=Side.SELL,
        size=position.shares,
        price=payout,
        usdc=notional(position.shares, payout),
        fee=0,
        filled_at_ns=now_ns,
    )
