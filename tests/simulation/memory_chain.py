"""A chain in memory with nodes that tell of it: blocks, reorganisations, subscriptions, over JSON-RPC.

Nothing of ours but the encoding of an event is used to make what a node says, and nothing at all to know what
is true.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from aiohttp import web
from eth_abi import encode

EXCHANGE: Final = "0xe111180000d2663c0091e4f400237545b87b996b"
FILLED: Final = "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee"
_TYPES: Final = ("uint8", "uint256", "uint256", "uint256", "uint256", "bytes32", "bytes32")

Row = tuple[str, str, str, int, int, int]
"""Wallet, token, side, shares, USDC, and the number among equal ones of the transaction."""


Filters = dict[str, dict[str, Any] | None]
"""Subscriptions by name: what logs are wanted, or None for heads."""


def topic(address: str) -> str:
    return "0x" + "0" * 24 + address[2:]


@dataclass(frozen=True)
class Fill:
    """One order's part in a match."""

    owner: str
    taker: str
    side: int
    token: str
    shares: int
    usdc: int

    def log(self) -> dict[str, Any]:
        """Return what the exchange emits."""
        gave, got = (self.usdc, self.shares) if self.side == 0 else (self.shares, self.usdc)
        data = encode(_TYPES, (self.side, int(self.token), gave, got, 0, bytes(32), bytes(32)))
        topics = [FILLED, "0x" + "0e" * 32, topic(self.owner), topic(self.taker)]
        return {"address": EXCHANGE, "topics": topics, "data": "0x" + data.hex()}


@dataclass(frozen=True)
class Transaction:
    """Some matches that are settled together."""

    hash: str
    fills: tuple[Fill, ...]

    def rows(self) -> list[Row]:
        """Return what its fills are, twins numbered."""
        seen: Counter[Any] = Counter()
        rows = []
        for one in self.fills:
            content = (one.owner, one.token, ("BUY", "SELL")[one.side], one.shares, one.usdc)
            seen[content] += 1
            rows.append((*content, seen[content]))
        return rows


@dataclass(frozen=True)
class Block:
    """A block; its hash says everything that is in it and before it."""

    number: int
    parent: str
    made_s: int
    transactions: tuple[Transaction, ...]

    @property
    def hash(self) -> str:
        text = f"{self.number} {self.parent} {self.made_s} {[one.hash for one in self.transactions]}"
        return "0x" + hashlib.sha256(text.encode()).hexdigest()

    def head(self) -> dict[str, Any]:
        return {
            "number": hex(self.number),
            "hash": self.hash,
            "parentHash": self.parent,
            "timestamp": hex(self.made_s),
        }

    def logs(self, *, removed: bool) -> list[dict[str, Any]]:
        """Return its logs as a node sends them."""
        place = {
            "blockHash": self.hash,
            "blockNumber": hex(self.number),
            "blockTimestamp": hex(self.made_s),
            "removed": removed,
        }
        all_fills = [(one.hash, fill) for one in self.transactions for fill in one.fills]
        return [
            fill.log() | place | {"transactionHash": tx, "logIndex": hex(index)}
            for index, (tx, fill) in enumerate(all_fills)
        ]


@dataclass
class MemoryChain:
    """The blocks that stand, and who hears of changes."""

    blocks: list[Block] = field(default_factory=list)
    listeners: list[Callable[[list[Block], list[Block]], None]] = field(default_factory=list)

    def grow(self, made_s: int, transactions: list[Transaction], depth: int = 0) -> list[Transaction]:
        """Replace the last `depth` blocks by as many and one more, the first with these transactions; return
        what lost its block."""
        depth = min(depth, max(0, len(self.blocks) - 1))
        gone = self.blocks[len(self.blocks) - depth :]
        del self.blocks[len(self.blocks) - depth :]
        fresh = []
        for number in range(depth + 1):
            parent = self.blocks[-1] if self.blocks else None
            block = Block(
                number=parent.number + 1 if parent else 100,
                parent=parent.hash if parent else "0x" + "00" * 32,
                made_s=made_s,
                transactions=tuple(transactions) if number == 0 else (),
            )
            self.blocks.append(block)
            fresh.append(block)
        for tell in self.listeners:
            tell(gone, fresh)
        return [one for block in gone for one in block.transactions]

    def standing(self) -> dict[str, list[Row]]:
        """Return what truly happened, by transaction."""
        return {one.hash: one.rows() for block in self.blocks for one in block.transactions}


class MemoryNode:
    """One node: it repeats itself, mixes the order of heads and logs, and may keep removed logs to itself."""

    def __init__(self, chain: MemoryChain, random: Random) -> None:
        self._chain = chain
        self._random = random
        self._says_removed = random.random() < 0.5
        self._repeats = random.choice((0.0, 0.0, 0.3))
        self._subscriptions: dict[web.WebSocketResponse, Filters] = {}
        self._outbox: asyncio.Queue[tuple[web.WebSocketResponse, str]] = asyncio.Queue()
        self._numbers = 0
        chain.listeners.append(self._tell)

    async def serve(self, host: str) -> web.AppRunner:
        """Listen on port 80 of a host."""
        app = web.Application()
        app.router.add_get("/", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, host, 80).start()
        self._sender = asyncio.create_task(self._send())
        return runner

    async def _send(self) -> None:
        while True:
            socket, frame = await self._outbox.get()
            if not socket.closed:
                await socket.send_str(frame)

    async def _answer(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        mine = self._subscriptions[socket] = {}
        async for message in socket:
            call = json.loads(message.data)
            reply = {"jsonrpc": "2.0", "id": call["id"], "result": self._result(call, mine)}
            self._outbox.put_nowait((socket, json.dumps(reply)))
        del self._subscriptions[socket]
        return socket

    def _result(self, call: dict[str, Any], mine: Filters) -> Any:
        match call["method"], call["params"]:
            case "eth_chainId", _:
                return "0x89"
            case "eth_subscribe", [kind, *filters]:
                self._numbers += 1
                name = hex(self._numbers)
                mine[name] = filters[0] if kind == "logs" else None
                return name
            case "eth_getBlockByNumber", [number, _]:
                found = [block for block in self._chain.blocks if block.number == int(number, 16)]
                return found[0].head() if found else None
            case "eth_getTransactionReceipt", [tx]:
                logs = [log for block in self._chain.blocks for log in block.logs(removed=False)]
                theirs = [log for log in logs if log["transactionHash"] == tx]
                return {"logs": theirs} if theirs else None
            case "eth_unsubscribe", [name]:
                return mine.pop(name, None) is not None
        raise AssertionError(f"a node was asked {call}")

    def _tell(self, gone: list[Block], fresh: list[Block]) -> None:
        for socket, mine in self._subscriptions.items():
            if self._says_removed:
                for block in reversed(gone):
                    self._tell_logs(socket, mine, block.logs(removed=True))
            for block in fresh:
                logs_first = self._random.random() < 0.5
                if logs_first:
                    self._tell_logs(socket, mine, block.logs(removed=False))
                for name, filter_ in mine.items():
                    if filter_ is None:
                        self._put(socket, name, block.head())
                if not logs_first:
                    self._tell_logs(socket, mine, block.logs(removed=False))

    def _tell_logs(self, socket: web.WebSocketResponse, mine: Filters, logs: list[dict[str, Any]]) -> None:
        for log in logs:
            for name, filter_ in mine.items():
                if filter_ is not None and _fits(filter_, log):
                    self._put(socket, name, log)
                    if self._random.random() < self._repeats:
                        self._put(socket, name, log)

    def _put(self, socket: web.WebSocketResponse, name: str, result: dict[str, Any]) -> None:
        notice = {"method": "eth_subscription", "params": {"subscription": name, "result": result}}
        self._outbox.put_nowait((socket, json.dumps(notice)))


def _fits(filter_: dict[str, Any], log: dict[str, Any]) -> bool:
    """Return whether a node would send this log for this filter, by the rules of eth_subscribe."""
    addresses = filter_.get("address")
    if addresses is not None and log["address"] not in addresses:
        return False
    return all(
        wanted is None or seen in (wanted if isinstance(wanted, list) else [wanted])
        for wanted, seen in zip(filter_.get("topics", []), log["topics"], strict=False)
    )
