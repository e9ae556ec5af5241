"""A price service on the running loop in front of the stub venue, with every market known beforehand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

from thespian.actors import ActorAddress, ActorSystem

from actors.prices.actor import Prices, PricesArgs
from actors.prices.signals import WarmTick
from config.settings import Endpoints
from config.settings import Prices as PricesSettings
from messages.ids import ConditionId
from messages.markets import Tier
from messages.prices import PricesAnswer, PricesQuery
from supervisor import AsyncioSystemBase

QUIET: Final = {
    "warm_interval_s": 3600.0,
    "resolution_poll_s": 3600.0,
    "write_back_s": 3600.0,
    "live_verify_s": 3600.0,
    "metadata_ms_max": 3_600_000,
}
"""Settings under which nothing is asked for by itself, and rows stay good."""
READY_S: Final = 30.0
LOOK_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class PriceHouse:
    """The system, the service's address, and its markets."""

    base: AsyncioSystemBase
    prices: ActorAddress
    condition_ids: tuple[ConditionId, ...]

    def live_books(self) -> int:
        """Return how many books could be handed out."""
        shown: Any = self.base.snapshot("prices")
        trusted: int = shown["live"]["trusted"]
        return trusted

    async def until_live(self, count: int) -> None:
        """Wait until so many books are live. Raises `TimeoutError`."""
        await until(lambda: self.live_books() >= count, READY_S)

    def carry(self) -> None:
        """Have the books of what was asked for carried live from now on."""
        self.base.tell(self.prices, WarmTick())


async def until(holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds. Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what would set an event would be measured too
            await asyncio.sleep(LOOK_S)


@contextlib.asynccontextmanager
async def price_house(
    endpoints: Endpoints, condition_ids: tuple[ConditionId, ...], *, live: bool
) -> AsyncIterator[PriceHouse]:
    """Start a price service that knows these markets' rows. Raises `RuntimeError` where it learns none."""
    base = AsyncioSystemBase(loop=asyncio.get_running_loop(), name="bench")
    ActorSystem(base, transientUnique=True)
    settings = PricesSettings(**QUIET, live=live)  # type: ignore[arg-type]
    prices = base.spawn(Prices, "prices", PricesArgs(settings=settings, endpoints=endpoints))
    try:
        query = PricesQuery(condition_ids=condition_ids, tier=Tier.T2A)
        answer: PricesAnswer = await base.ask(prices, query, timeout_s=READY_S)
        if any(each.market is None for each in answer.answers):
            raise RuntimeError(f"the stub venue gave no row: {answer.answers[0].error}")
        yield PriceHouse(base, prices, condition_ids)
    finally:
        await base.stop(5.0)
