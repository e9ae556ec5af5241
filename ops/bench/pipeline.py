"""From the socket to the order: how fast, how late, how big.

    python -m ops.bench.pipeline [--json] [--frames N] [--seconds S]

- `frames_per_s`: trade-stream frames through a real socket, decoder, filter and 1,000 leaders (one frame
  in twenty is a leader's), with the stores and portfolios behind them replaced by a counter.
- `bare_loop_ratio`: that rate divided by the rate of a bare loop that decodes the same frames from memory
  and looks the wallet up; measured in the same run, in turns.
- `frame_to_order_p50_ms`, `_p99_ms`: the whole daemon against the local venue, durable intent included.
- `frame_to_commit_ratio`: the median above divided by the median of one bare commit on the same database.
- `crowded_…`: the same with six times the trades, nearly all of them leaders'.
- `rss_mb`: resident memory of that daemon with 1,000 leaders and `markets_awake` markets.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import time
from typing import Any

import click
import structlog
import uvloop

from ops.bench import daemon_run, frames, throughput

ROUNDS = 3
LEADERS = 1_000
MARKETS = 500


@click.command()
@click.option("--frames", "frame_count", default=40_000, show_default=True, help="Frames a round.")
@click.option("--seconds", default=20.0, show_default=True, help="How long the whole daemon runs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def main(frame_count: int, seconds: float, as_json: bool) -> None:
    """Measure the pipeline."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    result = {**_throughput(frame_count), **asyncio.run(daemon_run.measure(LEADERS, MARKETS, seconds))}
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name:32} {value:,.3f}" if isinstance(value, float) else f"{name:32} {value:,}")


def _throughput(frame_count: int) -> dict[str, Any]:
    leaders = frames.wallets(LEADERS, seed=1)
    made = frames.frames(frame_count, leaders, MARKETS, seed=2, now_s=int(time.time()))
    bare, piped = [], []
    for _ in range(ROUNDS):
        bare.append(throughput.bare_loop(made, leaders))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            piped.append(runner.run(throughput.pipeline(made, leaders)))
    return {
        "frames": frame_count,
        "leaders": LEADERS,
        "frames_per_s": statistics.median(piped),
        "bare_loop_frames_per_s": statistics.median(bare),
        "bare_loop_ratio": statistics.median(a / b for a, b in zip(piped, bare, strict=True)),
    }


if __name__ == "__main__":
    main()
