"""Detection with ten thousand leaders in one process: how fast, how steady, how big.

    python -m ops.bench.detection [--json] [--leaders N] [--frames N] [--rate R] [--seconds S]

- `frames_per_s`: trade-stream frames through a real socket, decoder, filter and the leaders (one frame in
  twenty is a leader's), with the stores and portfolios behind them replaced by a counter.
- `bare_loop_ratio`: the computing that a frame takes in a bare loop, which decodes it from memory and looks
  the wallet up, divided by what it takes here; measured in the same run, in turns.
- `steady_…`: the same at a fixed rate: the share of leaders' trades that were accepted, how late after they
  were read, and which share of a processor it took.
- `bytes_per_leader`: by how much the resident memory of a process of its own grows with each leader watched;
  `bytes_per_trade_known`: and with each trade that a leader remembers.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from typing import Any

import click
import structlog
import uvloop

from ops.bench import frames, leader_memory, throughput
from ops.bench.showing import show


@click.command()
@click.option("--leaders", default=10_000, show_default=True, help="Leaders watched.")
@click.option("--frames", "frame_count", default=40_000, show_default=True, help="Frames a round.")
@click.option("--rate", default=1_000.0, show_default=True, help="Frames a second of the steady run.")
@click.option("--seconds", default=10.0, show_default=True, help="How long the steady run lasts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def main(leaders: int, frame_count: int, rate: float, seconds: float, as_json: bool) -> None:
    """Measure detection."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    figures = {
        **throughput.measure(frame_count, leaders),
        **_steady(leaders, rate, seconds),
        **leader_memory.measure(leaders),
    }
    show(figures, as_json=as_json)


def _steady(leaders: int, rate: float, seconds: float) -> dict[str, Any]:
    wallets = frames.wallets(leaders, seed=1)
    made = frames.frames(int(rate * seconds), wallets, throughput.MARKETS, seed=3, now_s=int(time.time()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        passed = runner.run(throughput.pipeline(made, wallets, rate))
    tail = statistics.quantiles(passed.lags_ms, n=100)
    return {
        "steady_frames_per_s": passed.frames_per_s,
        "steady_accepted_share": passed.accepted / passed.expected,
        "steady_lag_p50_ms": tail[49],
        "steady_lag_p99_ms": tail[98],
        "steady_processor_share": passed.processor_s / passed.seconds,
    }


if __name__ == "__main__":
    main()
