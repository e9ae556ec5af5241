"""The house: who is started, in which order, with which settings, knowing whom.

Two floors. The root holds the store and, behind it, everything else: when the store starts over, what
it had not committed is gone, so everything that relied on it starts over too and loads what is durable
(rest-for-one). Within the house a failing actor is its own affair (one-for-one).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from thespian.actors import ActorAddress

from actors.executor.actor import Executor, ExecutorArgs
from actors.ingest.actor import Ingest, IngestArgs
from actors.leader.supervisor import Leaders, LeadersArgs
from actors.market.supervisor import Markets, MarketsArgs
from actors.portfolio.args import PortfolioArgs, PortfoliosChanged
from actors.portfolio.decide import Policy
from actors.portfolio.supervisor import Portfolios, PortfoliosArgs
from actors.prices.actor import Prices, PricesArgs
from actors.reconciler.actor import Reconciler, ReconcilerArgs
from actors.store.actor import Store, StoreArgs
from actors.vitals.actor import Vitals, VitalsArgs
from actors.web.actor import Web, WebArgs
from actors.web.status_documents import About
from config.mode import mode
from config.operator import Following, following
from config.origins import Origin
from config.settings import FollowSetting, PortfolioSetting, Settings
from messages import ids
from messages.backfill import BackfillsWanted
from messages.base import Message
from messages.directory import Directory
from messages.ids import Wallet
from messages.operator import LeadersChanged, ModeChanged, Overrides, SubscribeOverrides
from supervisor import Backoff, Inspector, Mailbox, Overflow, Strategy, SupervisedActor, Supervision, handles

log = structlog.get_logger("house")


@dataclass(frozen=True, slots=True)
class HouseArgs:
    """Everything the house is built from."""

    settings: Settings
    settings_hash: str
    run_id: str
    state_dir: Path
    listener: socket.socket
    about: About
    directory: Directory
    inspector: Inspector
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where settings were written, by key."""


def policies(portfolio: PortfolioSetting, follows: tuple[FollowSetting, ...]) -> dict[Wallet, Policy]:
    """Return how a portfolio copies each of the leaders it follows."""
    return {
        ids.wallet(one.wallet): Policy(
            ratio=int(one.ratio), paused=one.paused, caps=portfolio.caps, guards=portfolio.guards
        )
        for one in follows
    }


def backfill_s(settings: Settings) -> int:
    """Return how far before its following a leader's history is recorded (D4): a while, or not at all."""
    return settings.ingest.warm_start_seconds if settings.ingest.start == "warm" else 0


class StopSources(Message, frozen=True):
    """To the house, before it is stopped: no more trades are to come in; what is under way goes on."""


class House(SupervisedActor):
    """Everything but the store. Started from the venue's side to the sources', so that whoever is sent
    something is there already.

    Whom to follow it learns from the store, which has the operator's changes, and tells leaders and
    portfolios; until then nobody is followed.
    """

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.DROP_NEWEST)
    supervision = Supervision(
        strategy=Strategy.ONE_FOR_ONE, restarts_max=10, period_s=60, backoff=Backoff(first_s=0.1, max_s=10)
    )

    args: HouseArgs

    def started(self) -> None:
        settings, directory = self.args.settings, self.args.directory
        directory.prices = self.spawn(
            Prices,
            "prices",
            PricesArgs(settings=settings.prices, endpoints=settings.endpoints, store=directory.store),
        )
        directory.executor = self.spawn(
            Executor, "executor", ExecutorArgs(execution=settings.execution, directory=directory)
        )
        directory.markets = self.spawn(
            Markets,
            "markets",
            MarketsArgs(
                guards={portfolio.id: portfolio.guards for portfolio in settings.portfolios},
                breaker=settings.breaker,
                directory=directory,
            ),
        )
        directory.portfolios = self.spawn(Portfolios, "portfolios", PortfoliosArgs(portfolios=()))
        directory.ingest = self.spawn(
            Ingest,
            "ingest",
            IngestArgs(
                ingest=settings.ingest,
                endpoints=settings.endpoints,
                recording=settings.recording,
                store=directory.store,
                portfolios=directory.portfolios,
                state_dir=self.args.state_dir,
                run_id=self.args.run_id,
                prices=directory.prices,
                waits_for_mode=True,
            ),
        )
        directory.leaders = self.spawn(
            Leaders,
            "leaders",
            LeadersArgs(
                wallets=(),
                directory=directory,
                identity_window_s=settings.ingest.identity_window_s,
                backfill_s=backfill_s(settings),
                settle_s=settings.ingest.poll_settle_s,
                chain_wait_s=settings.ingest.api_lag_fallback_ms / 1000,
            ),
        )
        self.spawn(
            Reconciler,
            "reconciler",
            ReconcilerArgs(
                portfolios=tuple(portfolio.id for portfolio in settings.portfolios),
                settings=settings.reconciliation,
                directory=directory,
            ),
        )
        self.spawn(
            Web,
            "web",
            WebArgs(
                listener=self.args.listener,
                about=self.args.about,
                directory=directory,
                inspector=self.args.inspector,
            ),
        )
        self.send(directory.store, SubscribeOverrides())

        self.spawn(Vitals, "vitals", VitalsArgs(settings=settings.vitals, inspector=self.args.inspector))

    @handles(StopSources)
    def on_stop_sources(self, message: StopSources, sender: ActorAddress) -> None:
        self.stop_child(self.args.directory.ingest)

    @handles(Overrides)
    def on_overrides(self, message: Overrides, sender: ActorAddress) -> None:
        """Portfolios first: a trade of a new leader must find who copies it. The mode before leaders: the
        sources that hear of them are then the right ones."""
        self._tell_mode(message)
        now = following(self.args.settings, self.args.settings_hash, message)
        log.info("following", leaders=len(now.leaders), overrides=len(message.leaders) + len(message.follows))
        self.send(self.args.directory.portfolios, PortfoliosChanged(portfolios=self._portfolios(now)))
        wallets = tuple(leader.wallet for leader in now.leaders)
        self.send(self.args.directory.leaders, LeadersChanged(wallets=wallets, uncopied=now.uncopied))
        wanted = BackfillsWanted(requests=message.backfills, historian=self.args.directory.leaders)
        self.send(self.args.directory.ingest, wanted)

    def _tell_mode(self, message: Overrides) -> None:
        now = mode(self.args.settings, self.args.origins, message.trigger)
        if now.refused:
            log.error("the operator's mode cannot be followed", reason=now.refused, trigger=now.trigger)
        changed = ModeChanged(trigger=now.trigger, origin=now.origin, place=now.place)
        self.send(self.args.directory.leaders, changed)
        self.send(self.args.directory.ingest, changed)

    def _portfolios(self, now: Following) -> tuple[PortfolioArgs, ...]:
        return tuple(
            PortfolioArgs(
                portfolio_id=portfolio.id,
                mode=portfolio.mode,
                starting_cash=int(portfolio.cash),
                policies=policies(portfolio, now.follows[portfolio.id]),
                settings_hash=now.hashes[portfolio.id],
                directory=self.args.directory,
            )
            for portfolio in self.args.settings.portfolios
        )


class Root(SupervisedActor):
    """The store first, the house behind it."""

    mailbox = Mailbox(capacity=1_000, overflow=Overflow.DROP_NEWEST)
    supervision = Supervision(
        strategy=Strategy.REST_FOR_ONE, restarts_max=5, period_s=60, backoff=Backoff(first_s=0.2, max_s=10)
    )

    args: HouseArgs

    def started(self) -> None:
        settings = self.args.settings
        self.args.directory.store = self.spawn(
            Store,
            "store",
            StoreArgs(database=settings.database, state_dir=self.args.state_dir),
            shutdown_s=20.0,
        )
        self.spawn(House, "house", self.args, shutdown_s=15.0)
