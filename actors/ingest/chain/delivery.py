"""From what was sighted to the leaders' mailboxes: whatever a log leaves out is found out first.

A part of the chain's actor that runs inside its handlers. It asks for three things and no more: a token's
market, once for each token; a block's time and a log's place only where the node left them out.
What cannot be had is reported as missed, so that the poller brings the trade.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from actors.ingest.chain import fills, outcomes, wire
from actors.ingest.chain.fills import Outcome
from actors.ingest.chain.intake import ChainIntake, Sighted, Unplaced
from actors.ingest.chain.node import Node
from actors.ingest.chain.outcomes import Outcomes
from actors.ingest.chain.waiting import WAITING_MAX, Item, Need, TimeNeeded, TokenNeeded, Waiting
from actors.ingest.chain.wire import Log
from actors.ingest.errors import Drift, Malformed, SocketLost
from messages.base import Message
from messages.ids import TokenId, TxHash, Wallet
from messages.trades import FillsConfirmed, FillsRetracted
from supervisor import SupervisedActor

ASK_TIMEOUT_S: Final = 10.0
ASK_AGAIN_S: Final = 1.0
ASKS_MAX: Final = 2
"""How often the price service is asked for a token before the poller is sent for the trade instead."""

log = structlog.get_logger("ingest")


class TokenFound(Message, frozen=True, kw_only=True):
    """A token's market is known."""

    token_id: TokenId
    outcome: Outcome


class TimeFound(Message, frozen=True, kw_only=True):
    """A block's time is known."""

    block_hash: str
    made_s: int


class NotFound(Message, frozen=True, kw_only=True):
    """What a fill needs is not to be had, and why."""

    need: Need
    error: Exception


class ReceiptCame(Message, frozen=True, kw_only=True):
    """The logs of a transaction, each with its place; without any if they were not to be had."""

    wallet: Wallet
    logs: tuple[Log, ...] = ()
    error: Exception | None = None


class Delivery:
    """The way of each wallet's fills from the chain to its leader.

    `give_up` is told which wallet's trade was not delivered, and why.
    """

    def __init__(
        self,
        actor: SupervisedActor,
        feed: str,
        prices: Any,
        intake: ChainIntake,
        give_up: Callable[[Wallet, Exception], None],
    ) -> None:
        self.leaders: Mapping[Wallet, Any] = {}
        self.node: Node | None = None
        self.active: set[Wallet] = set()
        """Who traded since this was last emptied."""
        self._actor = actor
        self._feed = feed
        self._prices = prices
        self._intake = intake
        self._give_up = give_up
        self._outcomes = Outcomes()
        self._waiting = Waiting()
        self._space = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether no more should be read before some of what waits has gone."""
        return len(self._waiting) >= WAITING_MAX

    async def space(self) -> None:
        """Return when there is room again."""
        while self.is_full:
            self._space.clear()
            await self._space.wait()

    def put(self, wallet: Wallet, item: Item) -> None:
        """Send an item to the wallet's leader, as soon as all before it are sent and nothing is missing."""
        self._waiting.put(wallet, item)
        self._advance(wallet)

    def look_up(self, unplaced: Unplaced) -> None:
        """Ask for the receipt that says what a log left out; it comes as `ReceiptCame`."""
        self._actor.pipe(
            self._receipt(unplaced),
            into=lambda came: came,
            failed=lambda error: ReceiptCame(wallet=unplaced.wallet, error=_reason(error)),
        )

    def token_found(self, message: TokenFound) -> None:
        """Go on with the fills that waited for a token."""
        self._outcomes.learn(message.token_id, message.outcome)
        self._go_on(TokenNeeded(message.token_id))

    def time_found(self, message: TimeFound) -> None:
        """Go on with the fills that waited for a block's time."""
        self._intake.learn_time(message.block_hash, message.made_s)
        self._go_on(TimeNeeded(message.block_hash))

    def not_found(self, message: NotFound) -> None:
        """Give up the first fill of each wallet that waits for this, and go on with those behind it."""
        for wallet in self._waiting.settled(message.need):
            item = self._waiting.first(wallet)
            if isinstance(item, Sighted) and self._missing(item) == message.need:
                self._waiting.pop(wallet)
                self._give_up(wallet, message.error)
            self._advance(wallet)

    def _go_on(self, need: Need) -> None:
        for wallet in self._waiting.settled(need):
            self._advance(wallet)

    def _advance(self, wallet: Wallet) -> None:
        """Send what is at the front of a wallet's queue, up to what has to wait."""
        leader = self.leaders.get(wallet)
        while (item := self._waiting.first(wallet)) is not None:
            if leader is not None and not self._send(leader, item):
                return
            self._waiting.pop(wallet)
        if not self.is_full:
            self._space.set()

    def _send(self, leader: Any, item: Item) -> bool:
        """Send an item to its leader and return True, or find out what is missing."""
        if isinstance(item, FillsRetracted | FillsConfirmed):
            self._actor.send(leader, item)
            return True
        outcome, block_s = self._outcomes.get(item.fill.token_id), self._intake.block_s(item.log)
        if outcome is None or block_s is None:
            self._find_out(item)
            return False
        report = fills.report(
            item.fill,
            item.log,
            outcome,
            feed=self._feed,
            occurrence=item.occurrence,
            block_s=block_s,
            seen_at_ns=item.at_ns,
            seen_mono_ns=item.mono_ns,
        )
        self._intake.reported(block_s, item.at_ns)
        self.active.add(item.fill.owner)
        self._actor.send(leader, report)
        return True

    def _missing(self, item: Sighted) -> Need | None:
        """Return what has to be known before this fill can be sent, None for nothing."""
        if self._outcomes.get(item.fill.token_id) is None:
            return TokenNeeded(item.fill.token_id)
        if self._intake.block_s(item.log) is None:
            return TimeNeeded(item.log.block_hash or "")
        return None

    def _find_out(self, item: Sighted) -> None:
        need = self._missing(item)
        if need is None or not self._waiting.needs(item.fill.owner, need):
            return
        self._actor.pipe(
            self._token(need.token_id) if isinstance(need, TokenNeeded) else self._time(need.block_hash),
            into=lambda found: found,
            failed=lambda error: NotFound(need=need, error=_reason(error)),
        )

    async def _token(self, token_id: TokenId) -> TokenFound:
        for attempt in range(1, ASKS_MAX + 1):
            try:
                return TokenFound(token_id=token_id, outcome=await outcomes.find(token_id, self._ask))
            except Drift:
                raise
            except Exception as error:
                if attempt == ASKS_MAX:
                    raise
                log.info("a token's market was not found yet", token_id=token_id, reason=str(error))
            await asyncio.sleep(ASK_AGAIN_S)
        raise AssertionError("the last attempt returns or raises")

    async def _ask(self, question: Message) -> Any:
        return await self._actor.ask(self._prices, question, timeout_s=ASK_TIMEOUT_S)

    async def _time(self, block_hash: str) -> TimeFound:
        head = wire.head(await self._connected().call("eth_getBlockByHash", block_hash, False))
        return TimeFound(block_hash=block_hash, made_s=head.made_s)

    async def receipt(self, tx: TxHash, wallet: Wallet) -> tuple[Log, ...]:
        """Return a wallet's logs of a transaction, none if it is in no block.

        Raises `SocketLost`, `RpcRefused` and `Malformed`.
        """
        result = await self._connected().call("eth_getTransactionReceipt", tx)
        if bytes(result) == b"null":
            return ()
        logs = wire.receipt_logs(result)
        if not all(log.is_placed for log in logs):
            raise Malformed("receipt", "logs without their place", "block hash, block number and log index")
        return tuple(log for log in logs if fills.owner_of(log) == wallet)

    async def _receipt(self, unplaced: Unplaced) -> ReceiptCame:
        logs = await self.receipt(unplaced.tx, unplaced.wallet)
        if not logs:
            raise LookupError(f"transaction {unplaced.tx} has no receipt")
        return ReceiptCame(wallet=unplaced.wallet, logs=logs)

    def _connected(self) -> Node:
        if self.node is None:
            raise SocketLost("no node is connected")
        return self.node


def _reason(error: BaseException) -> Exception:
    return error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
