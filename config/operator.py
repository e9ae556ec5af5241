"""Whom to follow in effect: what was configured, with an operator's changes on top.

Pure. A change for a portfolio that is not configured any more, or for a leader that nobody follows at the
moment, is kept and has no effect.
"""

from __future__ import annotations

import hashlib

import msgspec

from config.amounts import Micros
from config.settings import FollowSetting, LeaderSetting, PortfolioSetting, Settings
from messages.ids import PortfolioId, Wallet
from messages.operator import FollowOverride, Overrides


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """Who is followed, and by which portfolio how."""

    leaders: tuple[LeaderSetting, ...]
    follows: dict[PortfolioId, tuple[FollowSetting, ...]]
    """By portfolio, every one of them; here an empty tuple means nobody."""
    hashes: dict[PortfolioId, str]
    """By portfolio, the digest of the settings in effect for it, which its decisions are stored with."""

    @property
    def uncopied(self) -> frozenset[Wallet]:
        """The leaders that are followed for the feed alone: no portfolio copies them, or all have paused."""
        copied = {one.wallet for ones in self.follows.values() for one in ones if not one.paused}
        return frozenset(leader.wallet for leader in self.leaders) - copied


def following(settings: Settings, settings_hash: str, overrides: Overrides) -> Following:
    """Return who is followed; `settings_hash` is the digest of the settings as configured."""
    leaders = _leaders(settings.leaders, overrides)
    changes = {(one.portfolio_id, one.wallet): one for one in overrides.follows}
    wallets = [leader.wallet for leader in leaders]
    configured = [leader.wallet for leader in settings.leaders]
    follows, hashes = {}, {}
    for portfolio in settings.portfolios:
        mine = follows[portfolio.id] = _follows(portfolio, wallets, changes)
        as_configured = mine == _follows(portfolio, configured, {})
        hashes[portfolio.id] = settings_hash if as_configured else _digest(settings_hash, mine)
    return Following(leaders=leaders, follows=follows, hashes=hashes)


def _leaders(configured: tuple[LeaderSetting, ...], overrides: Overrides) -> tuple[LeaderSetting, ...]:
    leaders: dict[Wallet, LeaderSetting] = {leader.wallet: leader for leader in configured}
    for change in overrides.leaders:
        known = leaders.get(change.wallet)
        if change.is_removed:
            leaders.pop(change.wallet, None)
        elif known is None:
            leaders[change.wallet] = LeaderSetting(wallet=change.wallet, name=change.name)
        elif change.name:
            leaders[change.wallet] = msgspec.structs.replace(known, name=change.name)
    return tuple(leaders.values())


def _follows(
    portfolio: PortfolioSetting,
    wallets: list[Wallet],
    changes: dict[tuple[PortfolioId, Wallet], FollowOverride],
) -> tuple[FollowSetting, ...]:
    """Return the portfolio's follows in the order of the leaders.

    Without a `follow` list it copies every leader; with one, those on it and those the operator gave it.
    """
    listed = {follow.wallet: follow for follow in portfolio.follow}
    follows: list[FollowSetting] = []
    for wallet in wallets:
        change = changes.get((portfolio.id, wallet))
        follow = listed.get(wallet)
        if follow is None and listed and change is None:
            continue
        base = follow or FollowSetting(wallet=wallet, ratio=portfolio.ratio)
        follows.append(base if change is None else _changed(base, change))
    return tuple(follows)


def _changed(base: FollowSetting, change: FollowOverride) -> FollowSetting:
    return FollowSetting(
        wallet=base.wallet,
        ratio=base.ratio if change.ratio is None else Micros(change.ratio),
        paused=base.paused if change.is_paused is None else change.is_paused,
    )


def _digest(settings_hash: str, follows: tuple[FollowSetting, ...]) -> str:
    told = [(follow.wallet, int(follow.ratio), follow.paused) for follow in follows]
    return hashlib.blake2b(f"{settings_hash} {told}".encode(), digest_size=6).hexdigest()
