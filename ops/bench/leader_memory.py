"""What a watched leader costs in memory: a process that watches many, and says by how much it grew.

    python -m ops.bench.leader_memory 10000

Leaders with their actors, and the poller that has a turn for each of them; first before any trade, then after
some trades of each. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import structlog

from actors.ingest import rtds
from actors.ingest.poller import Poller, PollerArgs
from config.settings import Ingest
from ops.bench import frames, throughput
from ops.bench.workloads import resident_bytes

WARM: Final = 100
"""Leaders of a first system, for what is paid once: imports, allocator, metrics."""
TRADES_EACH: Final = 5


def measure(leaders: int) -> dict[str, Any]:
    """Return the figures of a fresh process."""
    command = (sys.executable, "-m", "ops.bench.leader_memory", str(leaders))
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, Any] = json.loads(said)
    return figures


async def _grown(leaders: int) -> dict[str, Any]:
    warm, crowd = frames.wallets(WARM, seed=1), frames.wallets(leaders, seed=2)
    await _trade(await _watch(warm), warm)
    before = resident_bytes()
    followed = await _watch(crowd)
    watched = resident_bytes()
    await _trade(followed, crowd)
    traded = resident_bytes()
    return {
        "bytes_per_leader": (watched - before) / leaders,
        "bytes_per_trade_known": (traded - watched) / (leaders * TRADES_EACH),
    }


async def _watch(wallets: list[str]) -> throughput.Followed:
    """Follow them, and have a poller told of them; it has no turn while the store takes nothing."""
    followed = await throughput.follow(wallets)
    args = PollerArgs(ingest=followed.counter, url="http://localhost:1", settings=Ingest())
    poller = followed.base.spawn(Poller, "poller", args)
    followed.base.tell(poller, followed.watched)
    await asyncio.sleep(0.2)
    return followed


async def _trade(followed: throughput.Followed, wallets: list[str]) -> None:
    done = asyncio.Event()
    followed.args.expected, followed.args.done = len(wallets) * TRADES_EACH, done.set
    for made in _frames(wallets):
        report = rtds.fill(made, feed="stream-0", seen_at_ns=time.time_ns(), seen_mono_ns=time.monotonic_ns())
        followed.base.tell(followed.watched.addresses[report.wallet], report)
        await asyncio.sleep(0)
    await done.wait()
    followed.args.lags_ms.clear()


def _frames(wallets: list[str]) -> Iterator[bytes]:
    """Return frames of each wallet, in transactions of their own."""
    shapes = frames.frames(frames.LEADER_EVERY, ["0x0"], 1, seed=3, now_s=int(time.time()))
    shape = json.loads(shapes[0])
    for turn in range(TRADES_EACH):
        for number, wallet in enumerate(wallets):
            shape["payload"] |= {
                "proxyWallet": wallet,
                "asset": f"{10**75 + turn * 1_000 + number % 1_000}",
                "transactionHash": f"0x{turn * len(wallets) + number:064x}",
            }
            yield json.dumps(shape).encode()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(json.dumps(asyncio.run(_grown(int(sys.argv[1])))))
