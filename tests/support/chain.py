"""Trades scripted on a real chain: what exchanges emit, from their own addresses, in blocks of our making."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import aiohttp
from anvil import Anvil
from eth_abi import encode
from eth_account import Account
from eth_utils import function_signature_to_4byte_selector, keccak, to_checksum_address
from vyper import compile_code

SHARE: Final = 1_000_000
BUY, SELL = 0, 1

V1 = "0x4bfb41d5b3570defd03c39a9a4d8de6bd8b8982e"
V2 = "0xe111180000d2663c0091e4f400237545b87b996b"
V2_NEG_RISK = "0xe2222d279d744050d28e00520010520000310f59"
V3 = "0xe3333700ca9d93003f00f0f71f8515005f6c00aa"
UNKNOWN = "0xe444440000000000000000000000000000000004"

_CONTRACTS: Final = Path(__file__).parent / "contracts"
_ORDER: Final = "(bytes32,address,uint8,uint256,uint256,uint256,uint256)"
_MATCH: Final = f"match_orders({_ORDER},{_ORDER}[])"
_SAY: Final = "say(bytes32,bytes32,bytes32,bytes32,bytes)"
_ETHER: Final = 10**18
_GAS: Final = 10_000_000

numbers = itertools.count(1)


@dataclass(frozen=True)
class Order:
    """An order's part in a match: `owner` bought or sold `shares` (1e-6) of `token` for `usdc` (1e-6)."""

    owner: str
    side: int
    token: str
    shares: int
    usdc: int
    fee: int = 0

    def encoded(self) -> tuple[bytes, str, int, int, int, int, int]:
        """Return it as the contracts take it, under a hash of its own."""
        gave, got = (self.usdc, self.shares) if self.side == BUY else (self.shares, self.usdc)
        order_hash = next(numbers).to_bytes(32)
        return order_hash, self.owner, self.side, int(self.token), gave, got, self.fee


@cache
def code(name: str) -> str:
    """Return a contract as it lies on a chain, compiled from its source."""
    source = (_CONTRACTS / f"{name}.vy").read_text()
    return str(compile_code(source, output_formats=["bytecode_runtime"])["bytecode_runtime"])


class Chain:
    """A node with an exchange at each known address, and one at an address that nobody knows."""

    def __init__(self, anvil: Anvil, session: aiohttp.ClientSession) -> None:
        self.anvil = anvil
        self._session = session
        self._key = Account.from_key(keccak(b"whoever settles"))
        self.raw: dict[str, str] = {}
        """Every transaction as it was sent, by its hash."""

    @property
    def url(self) -> str:
        return f"ws://{self.anvil.address}"

    async def prepare(self) -> None:
        """Put the contracts where they belong, and give the sender something to pay with."""
        await self.rpc("anvil_setBalance", self._key.address, hex(1000 * _ETHER))
        await self.rpc("anvil_setCode", V1, code("exchange_by_assets"))
        for address in (V2, V2_NEG_RISK, V3, UNKNOWN):
            await self.rpc("anvil_setCode", address, code("exchange_by_side"))

    async def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of a request over HTTP."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with self._session.post(f"http://{self.anvil.address}", json=request) as answer:
            document = await answer.json()
        if "error" in document:
            raise RuntimeError(f"{method}: {json.dumps(document['error'])}")
        return document["result"]

    async def match(self, taker: Order, *makers: Order, exchange: str = V2) -> str:
        """Have an exchange match orders; return the transaction, which is in a block by then unless held."""
        orders = encode([_ORDER, f"{_ORDER}[]"], [taker.encoded(), [maker.encoded() for maker in makers]])
        return await self._send(exchange, function_signature_to_4byte_selector(_MATCH) + orders)

    async def say(self, exchange: str, topics: Iterable[bytes], data: bytes) -> str:
        """Have an exchange emit anything at all, with four topics."""
        call = encode(["bytes32"] * 4 + ["bytes"], [*topics, data])
        return await self._send(exchange, function_signature_to_4byte_selector(_SAY) + call)

    async def hold(self) -> None:
        """Put no more transactions into blocks until `mine`."""
        await self.rpc("evm_setAutomine", False)

    async def mine(self, blocks: int = 1) -> None:
        """Make blocks of what waits."""
        await self.rpc("anvil_mine", hex(blocks))

    async def reorganise(self, depth: int, *again: str) -> None:
        """Replace the last `depth` blocks; the first new one holds these transactions again, no other any."""
        await self.rpc("anvil_reorg", depth, [[self.raw[tx], 0] for tx in again])

    async def _send(self, to: str, data: bytes) -> str:
        nonce = await self.rpc("eth_getTransactionCount", self._key.address, "pending")
        signed = self._key.sign_transaction(
            {
                "to": to_checksum_address(to),
                "data": data,
                "nonce": int(nonce, 16),
                "gas": _GAS,
                "gasPrice": 10**10,
                "chainId": 137,
                "value": 0,
            }
        )
        raw = "0x" + signed.raw_transaction.hex().removeprefix("0x")
        tx = str(await self.rpc("eth_sendRawTransaction", raw))
        self.raw[tx] = raw
        return tx
