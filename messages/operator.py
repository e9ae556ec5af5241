"""What an operator changed while the daemon was running, on top of the configuration.

Kept in the database until taken back, so that a restart changes nothing. Between the store and the house.
"""

from __future__ import annotations

import msgspec

from messages.backfill import BackfillRequest
from messages.base import Message
from messages.ids import PortfolioId, Wallet
from messages.units import Rate


class LeaderOverride(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A wallet that is to be followed though the configuration does not name it, or the reverse."""

    wallet: Wallet
    is_removed: bool = False
    name: str = ""


class FollowOverride(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How one portfolio copies one leader; None leaves what the configuration says."""

    portfolio_id: PortfolioId
    wallet: Wallet
    ratio: Rate | None = None
    is_paused: bool | None = None


class Overrides(Message, frozen=True, kw_only=True, gc=False):
    """Everything that is overridden at the moment, by wallet and portfolio in order."""

    leaders: tuple[LeaderOverride, ...] = ()
    follows: tuple[FollowOverride, ...] = ()
    trigger: str | None = None
    """The trigger mode (D2): api, polygon or both; None leaves the configured one."""
    backfills: tuple[BackfillRequest, ...] = ()
    """History asked for that is not read yet."""


class SubscribeOverrides(Message, frozen=True, kw_only=True, gc=False):
    """Tell the sender `Overrides` now and whenever they change."""


class LoadOverrides(Message, frozen=True, kw_only=True, gc=False):
    """Answered with `Overrides` as stored."""


class ModeChanged(Message, frozen=True, kw_only=True, gc=False):
    """To ingest and leaders: which sources run from now on (api, polygon or both), and who said so.

    `origin` is default, file, environment, command line or operator; `place` is the file's line, the
    variable or the option, empty where there is none.
    """

    trigger: str
    origin: str
    place: str = ""


class LeadersChanged(Message, frozen=True, kw_only=True, gc=False):
    """To the leaders' supervisor: the whole set of wallets to follow from now on."""

    wallets: tuple[Wallet, ...]
    uncopied: frozenset[Wallet] = frozenset()
    """Those that no portfolio copies, or all have paused."""
