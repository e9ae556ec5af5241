"""How markets end: undecided while the oracle is at work, decided once they pay, or a row that never says.

Each function returns the market as it is from then on, which `MarketStated` tells the world:

    venue.world.apply(MarketStated(undecided(market, "proposed", proposal=Decimal(1))), now_ns)
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final, Literal

import msgspec

from ops.venue.decimals import plain
from ops.venue.market import Document, Market, from_gamma

Stage = Literal["posed", "proposed", "challenged", "disputed"]
"""What the oracle says before it decides."""

HALF: Final = Decimal("0.5")


def undecided(
    market: Market,
    stage: Stage,
    *,
    proposal: Decimal | None = None,
    prices: tuple[str, ...] = (),
    closed: bool = True,
    closed_time: str = "",
) -> Market:
    """Return the market while the oracle is at work: closed without a winner shown.

    `proposal` is what the oracle was told that the first outcome pays; without one, what it was told before
    stays. Prices stay as they are, or are those given.
    """
    history = [*market.oracle_history, stage]
    changes: Document = _status(market, stage) | {"umaResolutionStatuses": json.dumps(history)}
    if prices:
        changes["outcomePrices"] = json.dumps(prices)
    if closed:
        changes |= _closed(closed_time)
    return _with(market, changes, market.proposal if proposal is None else proposal)


def decided(market: Market, *payouts: Decimal, closed_time: str = "") -> Market:
    """Return the market once it is known what a share of each outcome pays: 1 and 0, or half each."""
    prices = json.dumps([plain(payout) for payout in payouts])
    changes = _closed(closed_time) | _status(market, "resolved") | {"outcomePrices": prices}
    if not market.oracle_history:
        changes["automaticallyResolved"] = True
    return _with(market, changes, market.proposal)


def won(market: Market, winner: int, *, closed_time: str = "") -> Market:
    """Return the market decided for one of two outcomes."""
    payouts = (Decimal(1), Decimal(0)) if winner == 0 else (Decimal(0), Decimal(1))
    return decided(market, *payouts, closed_time=closed_time)


def void(market: Market, *, closed_time: str = "") -> Market:
    """Return the market decided 50-50."""
    return decided(market, HALF, HALF, closed_time=closed_time)


def legacy(market: Market, *, closed_time: str = "") -> Market:
    """Return the market as an old row of Gamma: closed, prices of nothing, and no word of the oracle."""
    changes = _closed(closed_time) | {"outcomePrices": json.dumps(["0"] * len(market.tokens))}
    silent = {key: value for key, value in market.document.items() if key not in _STATUSES}
    return _with(msgspec.structs.replace(market, document=silent), changes, None)


_STATUSES: Final = ("umaResolutionStatus", "resolutionStatus")


def _status(market: Market, status: str) -> Document:
    """Return the field that holds the oracle's word, which depends on the protocol's version."""
    return {_STATUSES[market.document.get("version") == "v2"]: status}


def _closed(closed_time: str) -> Document:
    closed: Document = {"closed": True, "acceptingOrders": False}
    return closed | ({"closedTime": closed_time} if closed_time else {})


def _with(market: Market, changes: Document, proposal: Decimal | None) -> Market:
    restated = from_gamma(market.document | changes, market.condition, live=market.live)
    return msgspec.structs.replace(restated, proposal=proposal)
