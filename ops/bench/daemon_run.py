"""The whole daemon against the local venue: latency from frame to order, and memory."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import yaml

from ops.demo.options import DemoOptions
from ops.demo.processes import DaemonProcess
from ops.demo.setup import write_config
from ops.reading import database_of
from ops.venue.config import VenueConfig
from ops.venue.server import Venue

COMMITS = 200
READY_S = 60.0


async def measure(leaders: int, markets: int, seconds: float) -> dict[str, Any]:
    """Return the daemon's latency at an ordinary rate, and its memory after a crowded run."""
    usual = await _run(leaders, markets, seconds, frames_per_second=100.0, leader_share=0.3)
    # Trades gather in some markets: of a few more, about `markets` come up.
    crowded = await _run(leaders, markets * 4 // 3, seconds, frames_per_second=600.0, leader_share=0.9)
    return {
        "orders": usual["orders"],
        "frame_to_order_p50_ms": usual["p50_ms"],
        "frame_to_order_p99_ms": usual["p99_ms"],
        "bare_commit_p50_ms": usual["commit_ms"],
        "frame_to_commit_ratio": usual["p50_ms"] / usual["commit_ms"],
        "crowded_leader_trades": crowded["leader_trades"],
        "crowded_orders": crowded["orders"],
        "crowded_frame_to_order_p50_ms": crowded["p50_ms"],
        "crowded_frame_to_order_p99_ms": crowded["p99_ms"],
        "markets_awake": crowded["markets_awake"],
        "rss_mb": crowded["rss_mb"],
    }


async def _run(
    leaders: int, markets: int, seconds: float, *, frames_per_second: float, leader_share: float
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as text:
        home = Path(text)
        os.chmod(text, 0o755)
        state = home / "state"
        state.mkdir()
        config = VenueConfig(
            seed=3,
            frames_per_second=frames_per_second,
            run_seconds=seconds,
            markets=markets,
            wallets=leaders * 3,
            leaders=leaders,
            leader_share=leader_share,
            wait_for_subscriber=False,
        )
        async with Venue(config) as venue:
            options = DemoOptions(seconds=seconds, sockets=1)
            write_config(home / "bench.yaml", state, venue.urls, list(venue.leaders())[:leaders], options)
            _widen(home / "bench.yaml")
            daemon = DaemonProcess(home / "bench.yaml", state, home / "daemon.log")
            await daemon.start()
            try:
                figures = await _observe(venue, daemon, leaders, seconds)
            finally:
                await daemon.stop()
        async with database_of(state, "") as dsn:
            commit_ms = await _commit_ms(dsn)
    return {**figures, "commit_ms": commit_ms}


def _widen(path: Path) -> None:
    """Log warnings only, for lines are not what is measured here, and let no cap keep markets asleep."""
    config = yaml.safe_load(path.read_text())
    config["logs"]["level"] = "warning"
    for portfolio in config["portfolios"]:
        portfolio["cash"] = 100_000_000
        portfolio["caps"] = {
            "per_trade": 100_000,
            "per_market": 1_000_000,
            "per_event": 1_000_000,
            "per_portfolio": 100_000_000,
            "positions_max": 10_000,
            "daily_loss": 1_000_000,
        }
    path.write_text(yaml.safe_dump(config))


async def _observe(venue: Venue, daemon: DaemonProcess, leaders: int, seconds: float) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http:
        deadline = time.monotonic() + READY_S
        while True:
            ready = await _status(http, daemon)
            if ready is not None and ready["ingest"].get("leaders") == leaders:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"the daemon was not ready in {READY_S} s:\n{daemon.log_tail()}")
            await asyncio.sleep(0.2)
        venue.play()
        await asyncio.sleep(seconds + 2)
        status = await _status(http, daemon)
        async with http.get(f"{daemon.url}/metrics") as answer:
            metrics = _samples(await answer.text())
    assert status is not None
    counts = status["counts"]
    return {
        "leader_trades": counts["leader_trades"],
        "orders": sum(counts["orders"].values()),
        "markets_awake": int(metrics.get('remora_actors{kind="MarketActor"}', 0)),
        "p50_ms": counts["latency_p50_ms"],
        "p99_ms": counts["latency_p99_ms"],
        "rss_mb": metrics["remora_resident_memory_bytes"] / 1e6,
    }


async def _status(http: aiohttp.ClientSession, daemon: DaemonProcess) -> Any:
    try:
        async with http.get(f"{daemon.url}/api/status") as answer:
            return await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None


def _samples(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


async def _commit_ms(dsn: str) -> float:
    """Return the median time of one single-row commit, the floor under any durable decision."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TABLE bench_commits (at bigint)")
        took = []
        for number in range(COMMITS):
            began = time.perf_counter()
            await connection.execute("INSERT INTO bench_commits VALUES ($1)", number)
            took.append((time.perf_counter() - began) * 1000)
        return statistics.median(took)
    finally:
        await connection.close()
