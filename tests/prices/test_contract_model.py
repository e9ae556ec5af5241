"""The contract holds through any sequence of questions, resolutions, failures, crashes and waits."""

from __future__ import annotations

import logging
from typing import Any

import structlog
from aiohttp import web
from hypothesis import settings as run_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.prices.actor import Prices as PriceService
from actors.prices.actor import PricesArgs
from config.settings import Endpoints, Prices
from messages.markets import BookQuery, MarketQuery, Resolution, Tier
from messages.prices import PriceQuery, PricesQuery
from supervisor.simulation import Simulation
from tests.prices.conftest import CountingVenue, Shelf, Stored, condition_of, tokens_of

MARKETS = 4
SETTINGS = Prices(live=False, gamma_requests_per_s=5.0, resolution_poll_s=3.0, write_back_s=1.0)
AGES_MS = {
    Tier.T1: SETTINGS.t1_ms,
    Tier.T2A: SETTINGS.t2a_ms,
    Tier.T2B: SETTINGS.t2b_ms,
    Tier.T3: SETTINGS.t3_ms,
    Tier.T4: SETTINGS.t4_ms,
}
LANDED_MS = 50
NS = 1_000_000_000
START_NS = 1_800_000_000 * NS

numbers = st.integers(0, MARKETS - 1)
tiers = st.sampled_from(Tier)
ROUTES = ("gamma", "gamma closed", "clob", "book", "books", "resolutions")


class Contract(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.before = structlog.get_config()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        logging.disable(logging.CRITICAL)
        self.sim = Simulation(1, start_ns=START_NS)
        self.venue = CountingVenue()
        self.known_resolved: set[str] = set()
        self.asked_after: list[str] = []
        for number in range(MARKETS):
            self.venue.add_market(number)
        self._begin = self.venue._begin
        self.venue._begin = self.noted  # type: ignore[method-assign]
        runner = web.AppRunner(self.venue.app(), shutdown_timeout=0.1)
        with self.sim.network.running_on("venue"):
            self.sim.await_(runner.setup())
            self.sim.await_(web.TCPSite(runner, "venue", 80).start())
        self.store = Stored()
        shelf = self.sim.spawn(Shelf, "store", self.store)
        endpoints = Endpoints(
            gamma_url="http://venue/gamma", clob_url="http://venue/clob", data_url="http://venue/data"
        )
        self.args = PricesArgs(settings=SETTINGS, endpoints=endpoints, store=shelf)
        self.service = self.sim.spawn(PriceService, "prices", self.args)
        self.sim.advance(0.1)

    def teardown(self) -> None:
        self.sim.close()
        logging.disable(logging.NOTSET)
        structlog.configure(**self.before)

    async def noted(self, route: str, ids: list[str]) -> Any:
        """Take note of calls about markets that are known to be resolved."""
        self.asked_after += [each for each in ids if each in self.known_resolved]
        return await self._begin(route, ids)

    def ask(self, query: Any) -> Any:
        return self.sim.ask(self.service, query, timeout_s=30)

    def look(self, answer: Any, tier: Tier) -> None:
        final = answer.market is not None and bool(answer.market.payouts)
        if not answer.stale and not final:
            assert answer.age_ms <= AGES_MS[tier] + LANDED_MS, "older than its tier allows, and not flagged"
        if tier is Tier.T1:
            assert not answer.prices or not answer.stale, "a stale number at T1"
            assert answer.refused == (answer.stale and not answer.unknown)
        if final:
            assert not answer.stale
            assert answer.prices == answer.market.payouts
            self.known_resolved.add(answer.condition_id)

    @rule(number=numbers, tier=tiers)
    def price(self, number: int, tier: Tier) -> None:
        self.look(self.ask(PriceQuery(condition_id=condition_of(number), tier=tier)), tier)

    @rule(tier=tiers)
    def prices(self, tier: Tier) -> None:
        ids = tuple(condition_of(number) for number in range(MARKETS + 1))
        answers = self.ask(PricesQuery(condition_ids=ids, tier=tier)).answers
        assert tuple(answer.condition_id for answer in answers) == ids
        for answer in answers:
            self.look(answer, tier)

    @rule(number=numbers, tier=tiers)
    def market(self, number: int, tier: Tier) -> None:
        answer = self.ask(MarketQuery(condition_id=condition_of(number), tier=tier))
        final = answer.market is not None and answer.market.resolution is Resolution.RESOLVED
        assert answer.market is None or answer.stale or final or answer.age_ms <= AGES_MS[tier] + LANDED_MS
        assert tier is not Tier.T1 or answer.market is None or not answer.stale
        if final:
            self.known_resolved.add(answer.condition_id)

    @rule(number=numbers, tier=tiers)
    def book(self, number: int, tier: Tier) -> None:
        answer = self.ask(BookQuery(token_id=tokens_of(number)[0], tier=tier))
        assert answer.book is None or answer.stale or answer.age_ms <= AGES_MS[tier] + LANDED_MS
        assert tier is not Tier.T1 or answer.book is None or not answer.stale

    @rule(number=numbers, first=st.booleans())
    def resolve(self, number: int, first: bool) -> None:
        self.venue.add_market(number, closed=True, outcomePrices='["1", "0"]' if first else '["0", "1"]')

    @rule(number=numbers)
    def close(self, number: int) -> None:
        if not self.venue.gamma[condition_of(number)]["closed"]:
            self.venue.add_market(number, closed=True, outcomePrices='["0", "0"]')

    @rule(route=st.sampled_from(ROUTES), status=st.sampled_from([429, 500, 503, 404]))
    def fail(self, route: str, status: int) -> None:
        self.venue.fail(route, status)

    @rule(route=st.sampled_from(ROUTES))
    def hang(self, route: str) -> None:
        self.venue.hang(route, 20)

    @rule()
    def heal(self) -> None:
        self.venue.heal()

    @rule(away=st.booleans())
    def database(self, away: bool) -> None:
        self.store.away = away

    @rule()
    def crash(self) -> None:
        self.sim.crash(self.service)
        self.sim.advance(60)  # one that crashes oftener than its limit allows is another matter

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 40.0, 200.0]))
    def wait(self, seconds: float) -> None:
        self.sim.advance(seconds)

    @invariant()
    def nobody_is_asked_about_what_is_resolved(self) -> None:
        assert self.asked_after == []


TestContract = Contract.TestCase
TestContract.settings = run_settings(max_examples=25, stateful_step_count=25, deadline=None)
