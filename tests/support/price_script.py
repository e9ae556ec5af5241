"""A price service by script: it knows a few markets, and answers by the letter of the contract."""

from __future__ import annotations

from typing import Any

import msgspec
from examples import NO, NOON_NS, SHARE, YES, book, market

from messages.markets import BookAnswer, BookQuery, Market, Resolution, Tier
from messages.prices import (
    DemandQuery,
    DemandState,
    EffectivePriceAnswer,
    EffectivePriceQuery,
    FollowPrices,
    FreshQuery,
    MarketDemand,
    PriceAnswer,
    PriceMoved,
    PriceQuery,
    PricesAnswer,
    PricesQuery,
)
from supervisor import Mailbox, Overflow, SupervisedActor, handles


def condition_of(number: int) -> str:
    return f"0x{number:064x}"


RAIN, OLD, PAID, SILENT, LEGACY = (condition_of(number) for number in range(1, 6))
NOBODY = condition_of(999)
MS = 1_000_000
RAIN_MARKET = market(condition_id=RAIN, prices=(520_000, 480_000))


def answer(**changes: Any) -> PriceAnswer:
    """Rain at 0.52, as it was a quarter of a second ago."""
    fields: dict[str, Any] = {
        "condition_id": RAIN,
        "market": RAIN_MARKET,
        "prices": (520_000, 480_000),
        "as_of_ns": NOON_NS,
        "age_ms": 250,
        "stale": False,
        "source": "market_ws",
        "tier": Tier.T3,
        "market_as_of_ns": NOON_NS - 5_000 * MS,
        "market_age_ms": 5_250,
    } | changes
    return PriceAnswer(**fields)


def market_of(condition_id: str, **changes: Any) -> Market:
    return market(condition_id=condition_id, **changes)


class PriceScript(SupervisedActor):
    """Answers from `args["answers"]` (by condition id); says unknown of others; `args["silent"]`: nothing.

    What is older than a minute is refused at T1. `args["asked"]` has every question in order, and
    `args["follows"]` whatever was followed.
    """

    mailbox = Mailbox(capacity=10_000, overflow=Overflow.REFUSE)

    @handles(PriceQuery)
    def on_price(self, message, sender):
        self._answer(sender, message, self._about(message.condition_id, message))

    @handles(PricesQuery)
    def on_prices(self, message, sender):
        answers = tuple(self._about(one, message) for one in message.condition_ids)
        self._answer(sender, message, PricesAnswer(answers=answers))

    @handles(BookQuery)
    def on_book(self, message, sender):
        age_ms, stale = 40, _is_stale(message, 40)
        fields = {"token_id": message.token_id, "stale": stale, "source": "market_ws", "age_ms": age_ms}
        self._answer(
            sender,
            message,
            self.args["books"].get(message.token_id)
            or BookAnswer(book=book(token_id=message.token_id), **fields),
        )

    @handles(EffectivePriceQuery)
    def on_effective(self, message, sender):
        filled = min(message.size, 1_000 * SHARE)
        level = 500_000 if message.side == "BUY" else 490_000
        self._answer(
            sender,
            message,
            self.args["walks"].get(message.token_id)
            or EffectivePriceAnswer(
                token_id=message.token_id,
                side=message.side,
                size=message.size,
                filled=filled,
                notional=filled * level // SHARE,
                average=level,
                best=level,
                worst=level,
                as_of_ns=NOON_NS,
                age_ms=40,
                stale=_is_stale(message, 40),
                source="market_ws",
            ),
        )

    @handles(DemandQuery)
    def on_demand(self, message, sender):
        rain = MarketDemand(
            condition_id=RAIN,
            question="Will it rain?",
            tier=Tier.T1,
            held=True,
            followed=False,
            last_requested_at_ns=NOON_NS,
            requests=7,
            live=2,
            source="market_ws",
            age_ms=250,
        )
        old = MarketDemand(
            condition_id=OLD,
            question="Will it snow?",
            tier=None,
            held=True,
            followed=False,
            last_requested_at_ns=0,
            requests=0,
            live=0,
            source="",
            age_ms=-1,
        )
        self._answer(sender, message, DemandState(markets=(rain, old)))

    @handles(FollowPrices)
    def on_follow(self, message, sender):
        self.args["follows"].append(message.condition_ids)
        self.args["follower"] = sender
        for condition_id in message.condition_ids:
            self.send(
                sender,
                PriceMoved(answer=self._about(condition_id, PriceQuery(condition_id="", tier=Tier.T3))),
            )

    @handles(PriceMoved)
    def on_moved(self, message, sender):
        """From a test: what the follower is to be told."""
        self.send(self.args["follower"], message)

    def _answer(self, sender, question, said):
        self.args["asked"].append(question)
        if not self.args["silent"]:
            self.send(sender, said)

    def _about(self, condition_id, message):
        known = self.args["answers"].get(condition_id)
        tier = message.tier or Tier.T3
        if known is None:
            return answer(
                condition_id=condition_id,
                market=None,
                prices=(),
                as_of_ns=0,
                age_ms=0,
                stale=True,
                source="",
                tier=tier,
                market_as_of_ns=0,
                market_age_ms=0,
                error="no host knows it",
                unknown=True,
            )
        resolved = known.market is not None and known.market.resolution is Resolution.RESOLVED
        changes = {"tier": tier, "stale": not resolved and (known.stale or _is_stale(message, known.age_ms))}
        if message.tier is Tier.T1 and known.age_ms > 60_000 and not resolved:
            changes |= {"prices": (), "refused": True, "stale": True, "error": "the prices are a day old"}
        return msgspec.structs.replace(known, **changes)


def _is_stale(message: FreshQuery, age_ms: int) -> bool:
    return message.age_ms_max is not None and age_ms > message.age_ms_max


def known_answers() -> dict[str, PriceAnswer]:
    """One fresh, one that only old prices are known of, one that has paid, one of which nothing is known, and
    one of those that were closed without prices."""
    paid = market_of(PAID, question="Did it?", resolution=Resolution.RESOLVED, payouts=(1_000_000, 0))
    return {
        RAIN: answer(),
        OLD: answer(
            condition_id=OLD,
            market=market_of(OLD, question="Will it snow?", token_ids=("333", "444")),
            age_ms=86_400_000,
            stale=True,
            source="store",
            error="gamma: no answer in 1.5 s",
        ),
        PAID: answer(condition_id=PAID, market=paid, prices=(1_000_000, 0), source="gamma"),
        SILENT: answer(
            condition_id=SILENT,
            market=None,
            prices=(),
            as_of_ns=0,
            age_ms=0,
            stale=True,
            source="",
            market_as_of_ns=0,
            market_age_ms=0,
            error="gamma: no answer in 1.5 s",
        ),
        LEGACY: answer(
            condition_id=LEGACY,
            market=market_of(LEGACY, prices=(0, 0), resolution=Resolution.CLOSED),
            prices=(),
            as_of_ns=0,
            age_ms=0,
        ),
    }


class EveryMarket(dict[str, PriceAnswer]):
    """Knows of every id something, by its last digit: one of the examples, or nothing at all."""

    def get(self, condition_id: str, default: Any = None) -> Any:
        known = super().get(condition_id)
        examples = list(known_answers().values())
        place = int(condition_id[-1], 16) % 8
        if known is not None or place >= len(examples):
            return known
        example = examples[place]
        market = example.market and msgspec.structs.replace(example.market, condition_id=condition_id)
        return msgspec.structs.replace(example, condition_id=condition_id, market=market)


def script() -> dict[str, Any]:
    """What a `PriceScript` is given; a test changes it while it runs."""
    return {"answers": known_answers(), "books": {}, "walks": {}, "asked": [], "follows": [], "silent": False}


__all__ = ["NO", "YES", "PriceScript", "answer", "condition_of", "script"]
