"""Subscriptions of one connection, kept in step with the set of watched wallets, without a gap."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from actors.ingest import metrics
from actors.ingest.chain.filters import Change, Roster, drift_filter, fills_filter
from actors.ingest.chain.generations import CHAIN_ID
from actors.ingest.chain.node import Node
from actors.ingest.errors import Malformed, RpcRefused, SocketLost
from messages.ids import Wallet


class Subscriptions:
    """What was subscribed to at one node."""

    def __init__(self, node: Node, log: Any, *, wallets_per_filter: int, watches_drift: bool) -> None:
        self._node = node
        self._log = log
        self._roster = Roster(wallets_per_filter)
        self._watches_drift = watches_drift
        self._ids: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return sum(len(ids) for ids in self._ids.values())

    async def begin(self) -> None:
        """See that it is the right chain, and subscribe to new heads. Raises `SocketLost`."""
        try:
            chain = await self._node.text("eth_chainId")
            if chain != hex(CHAIN_ID):
                raise SocketLost(f"it is of chain {chain:.20}, expected {hex(CHAIN_ID)} (Polygon)")
            await self._node.text("eth_subscribe", "newHeads")
        except (RpcRefused, Malformed) as error:
            raise SocketLost(str(error)) from error

    async def follow(self, wanted: Set[Wallet]) -> None:
        """Watch for exactly these wallets. Raises `SocketLost`.

        A new filter is confirmed before the one that it replaces is dropped: in between both bring the same
        logs, each of which has a place in the chain to tell it by.
        """
        changes = self._roster.changes(wanted)
        while changes:
            change = changes.pop(0)
            try:
                fresh = await self._subscribe(change.wallets) if change.wallets else []
            except RpcRefused as refused:
                self._smaller(change, refused)
                changes = self._roster.changes(wanted)
                continue
            dropped, self._ids[change.number] = self._ids.get(change.number, []), fresh
            self._roster.done(change)
            metrics.WALLETS_SUBSCRIBED.set(len(self._roster.wallets))
            for each in dropped:
                await self._unsubscribe(each)

    async def _subscribe(self, wallets: tuple[Wallet, ...]) -> list[str]:
        ids = [await self._one(fills_filter(wallets))]
        if self._watches_drift:
            try:
                ids.append(await self._one(drift_filter(wallets)))
            except RpcRefused as refused:
                if refused.is_throttle:
                    raise SocketLost(str(refused)) from refused
                self._watches_drift = False
                self._log.warning(
                    "the node takes no filter without an address; an exchange that Remora does not know "
                    "will not show here",
                    reason=str(refused),
                )
        return ids

    async def _one(self, filter_: dict[str, Any]) -> str:
        try:
            return await self._node.text("eth_subscribe", "logs", filter_)
        except Malformed as error:
            raise SocketLost(str(error)) from error

    def _smaller(self, change: Change, refused: RpcRefused) -> None:
        """A node may take fewer wallets in a filter than we like. Raises `SocketLost` if that is not it."""
        if refused.is_throttle or len(change.wallets) == 1:
            raise SocketLost(str(refused)) from refused
        self._roster.wallets_max = max(1, len(change.wallets) // 2)
        self._log.warning(
            "the node refused a filter; trying with fewer wallets in each",
            reason=str(refused),
            wallets=self._roster.wallets_max,
        )

    async def _unsubscribe(self, subscription: str) -> None:
        try:
            await self._node.call("eth_unsubscribe", subscription)
        except RpcRefused as refused:  # it brings repetitions at worst
            self._log.info("a subscription could not be dropped", reason=str(refused))
