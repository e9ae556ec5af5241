"""Where two accounts differ: pure, and careful never to read a missing answer as a flat one."""

from __future__ import annotations

from dataclasses import dataclass

from messages.orders import OpenOrders, VenueAccount
from messages.portfolio import PortfolioState
from messages.units import Shares, Usdc, decimal_text


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected, in words that can be compared between two looks."""

    what: str
    expected: str
    actual: str


def differences(
    ours: PortfolioState,
    venue: VenueAccount,
    venue_orders: OpenOrders,
    *,
    tolerance_shares: Shares,
    tolerance_usdc: Usdc,
) -> tuple[Difference, ...]:
    """Return what differs between a portfolio's books and its venue account.

    Only called for a portfolio with nothing in flight; then the venue may have no open order either.
    An incomplete venue answer is no evidence: nothing is compared.
    """
    if not venue.complete:
        return ()
    found: list[Difference] = []
    expected = {holding.token_id: holding.shares for holding in ours.holdings}
    actual = {holding.token_id: holding.shares for holding in venue.holdings}
    for token in sorted(expected.keys() | actual.keys()):
        mine, theirs = expected.get(token, 0), actual.get(token, 0)
        if abs(mine - theirs) > tolerance_shares:
            found.append(Difference(f"shares of {token}", decimal_text(mine), decimal_text(theirs)))
    if abs(ours.cash - venue.cash) > tolerance_usdc:
        found.append(Difference("cash", decimal_text(ours.cash), decimal_text(venue.cash)))
    if not ours.open_orders:
        found.extend(
            Difference(f"order {order}", "unknown here", "open at the venue")
            for order in venue_orders.order_ids
        )
    return tuple(found)
