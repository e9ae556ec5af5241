"""Whom the daemon follows, seen and changed from the command line, whether it runs or not.

A change is one transaction in the database, with a note of who made it; the daemon listens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from actors.store import overrides
from config.loading import Loaded
from config.operator import Following, following
from messages.ids import PortfolioId, Wallet
from messages.units import Rate, decimal_text
from ops.exits import CannotGoOn, Exit
from ops.operating import Session, session

_SEEN: Final = """
SELECT leaders.wallet, followed_at_ns, cursor_s,
    (SELECT count(*) FROM trades WHERE trades.wallet = leaders.wallet) AS trades,
    (SELECT max(traded_at_ns) FROM trades WHERE trades.wallet = leaders.wallet) AS last_trade_at_ns
FROM leaders
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A leader as it is followed now; `follows` says by which portfolio how."""

    wallet: Wallet
    name: str
    origin: str
    """configuration or operator."""
    follows: dict[PortfolioId, str]
    trades: int
    last_trade_at_ns: int | None
    polled_to_s: int | None


class Desk:
    """One session with the database of one configuration."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection = session.connection
        self._loaded = session.loaded
        self._overrides = session.overrides

    @property
    def now(self) -> Following:
        """Who is followed before any change made here."""
        return following(self._loaded.settings, self._loaded.hash, self._overrides)

    async def rows(self) -> list[Row]:
        """Return every leader with what the database knows of it."""
        now = self.now
        seen = {row["wallet"]: row for row in await self._connection.fetch(_SEEN)}
        configured = {leader.wallet for leader in self._loaded.settings.leaders}
        return [
            Row(
                wallet=leader.wallet,
                name=leader.name,
                origin="configuration" if leader.wallet in configured else "operator",
                follows={
                    portfolio_id: "paused" if one.paused else f"x{decimal_text(one.ratio)}"
                    for portfolio_id, follows in now.follows.items()
                    for one in follows
                    if one.wallet == leader.wallet
                },
                trades=seen[leader.wallet]["trades"] if leader.wallet in seen else 0,
                last_trade_at_ns=seen[leader.wallet]["last_trade_at_ns"] if leader.wallet in seen else None,
                polled_to_s=seen[leader.wallet]["cursor_s"] if leader.wallet in seen else None,
            )
            for leader in now.leaders
        ]

    async def add(
        self, wallet: Wallet, name: str, portfolios: tuple[PortfolioId, ...], ratio: Rate | None
    ) -> str:
        """Follow a wallet; the portfolios named copy it, without names those that copy every leader."""
        if self._is_followed(wallet) and not portfolios and ratio is None and not name:
            raise CannotGoOn(Exit.USAGE, f"{wallet} is followed already; see `remora leaders list`")
        owners = self._portfolios(portfolios)
        await overrides.put_leader(self._connection, wallet, is_removed=False, name=name)
        copying = owners if portfolios else self._followers_of_all()
        if not copying:
            raise CannotGoOn(
                Exit.USAGE,
                "every portfolio has a `follow` list of its own, so nobody would copy it: "
                "say which is to, with --portfolio",
            )
        for owner in copying:
            if portfolios or ratio is not None:
                await overrides.put_follow(self._connection, owner, wallet, ratio=ratio, is_paused=False)
        return await self._session.note(f"added {wallet}, copied by {', '.join(copying)}")

    async def remove(self, wallet: Wallet) -> str:
        """Follow a wallet no more; positions copied from it stay."""
        self._require(wallet)
        await overrides.put_leader(self._connection, wallet, is_removed=True)
        return await self._session.note(f"removed {wallet}")

    async def pause(self, wallet: Wallet, portfolios: tuple[PortfolioId, ...], *, is_paused: bool) -> str:
        """Record the trades of a leader without copying them, or copy again."""
        owners = await self._change(wallet, portfolios, is_paused=is_paused)
        return await self._session.note(
            f"{'paused' if is_paused else 'resumed'} {wallet} in {', '.join(owners)}"
        )

    async def set_ratio(self, wallet: Wallet, portfolios: tuple[PortfolioId, ...], ratio: Rate) -> str:
        """Copy a leader in another size from the next trade on."""
        owners = await self._change(wallet, portfolios, ratio=ratio)
        return await self._session.note(f"ratio of {wallet} is {decimal_text(ratio)} in {', '.join(owners)}")

    async def reset(self, wallet: Wallet) -> str:
        """Let the configuration alone decide about a wallet again."""
        await overrides.take_back(self._connection, wallet)
        return await self._session.note(f"took back all changes for {wallet}")

    async def _change(
        self,
        wallet: Wallet,
        portfolios: tuple[PortfolioId, ...],
        *,
        ratio: Rate | None = None,
        is_paused: bool | None = None,
    ) -> tuple[PortfolioId, ...]:
        self._require(wallet)
        owners = self._portfolios(portfolios) if portfolios else self._owners_of(wallet)
        if not owners:
            raise CannotGoOn(Exit.USAGE, f"no portfolio copies {wallet}; add --portfolio to name one")
        for owner in owners:
            await overrides.put_follow(self._connection, owner, wallet, ratio=ratio, is_paused=is_paused)
        return owners

    def _is_followed(self, wallet: Wallet) -> bool:
        return any(leader.wallet == wallet for leader in self.now.leaders)

    def _require(self, wallet: Wallet) -> None:
        if not self._is_followed(wallet):
            raise CannotGoOn(Exit.USAGE, f"{wallet} is not followed; see `remora leaders list`")

    def _owners_of(self, wallet: Wallet) -> tuple[PortfolioId, ...]:
        follows = self.now.follows.items()
        return tuple(owner for owner, ones in follows if any(one.wallet == wallet for one in ones))

    def _followers_of_all(self) -> tuple[PortfolioId, ...]:
        return tuple(one.id for one in self._loaded.settings.portfolios if not one.follow)

    def _portfolios(self, named: tuple[PortfolioId, ...]) -> tuple[PortfolioId, ...]:
        known = [portfolio.id for portfolio in self._loaded.settings.portfolios]
        for name in named:
            if name not in known:
                raise CannotGoOn(
                    Exit.USAGE, f"portfolio was {name!r}, expected one of {', '.join(known) or 'none'}"
                )
        return tuple(dict.fromkeys(named))


@asynccontextmanager
async def desk(loaded: Loaded, state_dir: Path) -> AsyncIterator[Desk]:
    """Yield a desk whose changes are committed together at its end, or not at all. Raises `CannotGoOn`."""
    async with session(loaded, state_dir) as one:
        yield Desk(one)
