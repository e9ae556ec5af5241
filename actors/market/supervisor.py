"""The markets' supervisor: wakes a market on its first message, lets idle ones sleep."""

from __future__ import annotations

from dataclasses import dataclass

from thespian.actors import ActorAddress

from actors.market.actor import MarketActor, MarketArgs, MarketIdle
from config.settings import Breaker, Guards
from messages.decisions import CopyProposed
from messages.directory import Directory
from messages.ids import ConditionId, PortfolioId
from messages.orders import MarketOutcomeReported
from supervisor import Mailbox, Overflow, SupervisedActor, Supervision, Terminated, handles


@dataclass(frozen=True, slots=True)
class MarketsArgs:
    """What every market is given."""

    guards: dict[PortfolioId, Guards]
    breaker: Breaker
    directory: Directory


class Markets(SupervisedActor):
    """Routes by condition id. A market that is going to sleep is let finish; what comes for it meanwhile
    waits here and wakes it again."""

    mailbox = Mailbox(capacity=200_000, overflow=Overflow.HALT)
    supervision = Supervision(restarts_max=10, period_s=60, per_child=True)

    args: MarketsArgs

    def started(self) -> None:
        self.markets: dict[ConditionId, ActorAddress] = {}
        self.stopping: dict[ConditionId, list[tuple[object, ActorAddress]]] = {}

    def snapshot(self) -> dict[str, object]:
        return {"awake": len(self.markets), "falling_asleep": len(self.stopping)}

    @handles(CopyProposed)
    def on_proposed(self, message: CopyProposed, sender: ActorAddress) -> None:
        self._route(message.trade.condition_id, message, sender)

    @handles(MarketOutcomeReported)
    def on_outcome(self, message: MarketOutcomeReported, sender: ActorAddress) -> None:
        self._route(message.condition_id, message, sender)

    def _route(self, condition_id: ConditionId, message: object, sender: ActorAddress) -> None:
        held = self.stopping.get(condition_id)
        if held is not None:
            held.append((message, sender))
            return
        address = self.markets.get(condition_id)
        if address is None:
            address = self.markets[condition_id] = self._wake(condition_id)
        self.forward(address, message, sender)

    def _wake(self, condition_id: ConditionId) -> ActorAddress:
        address = self.spawn(
            MarketActor,
            condition_id,
            MarketArgs(
                condition_id=condition_id,
                guards=self.args.guards,
                breaker=self.args.breaker,
                directory=self.args.directory,
            ),
        )
        self.watch(address)
        return address

    @handles(MarketIdle)
    def on_idle(self, message: MarketIdle, sender: ActorAddress) -> None:
        address = self.markets.pop(message.condition_id, None)
        if address is not None:
            self.stopping[message.condition_id] = []
            self.stop_child(address)

    @handles(Terminated)
    def on_terminated(self, message: Terminated, sender: ActorAddress) -> None:
        condition_id = message.path.rpartition("/")[2]
        self.markets.pop(condition_id, None)
        for waiting, first_sender in self.stopping.pop(condition_id, []):
            self._route(condition_id, waiting, first_sender)
