"""From the socket to the order: how fast, how late, how big.

    python -m ops.bench.pipeline [--json] [--frames N] [--seconds S]

- `frames_per_s`: trade-stream frames through a real socket, decoder, filter and 1,000 leaders (one frame
  in twenty is a leader's), with the stores and portfolios behind them replaced by a counter.
- `bare_loop_ratio`: the computing that a frame takes in a bare loop, which decodes it from memory and looks
  the wallet up, divided by what it takes here; measured in the same run, in turns.
- `frame_to_order_p50_ms`, `_p99_ms`: the whole daemon against the local venue, durable intent included.
- `frame_to_commit_ratio`: the median above divided by the median of one bare commit on the same database.
- `crowded_…`: the same with six times the trades, nearly all of them leaders'.
- `rss_mb`: resident memory of that daemon with 1,000 leaders and `markets_awake` markets.
"""

from __future__ import annotations

import asyncio
import logging

import click
import structlog

from ops.bench import daemon_run, throughput
from ops.bench.showing import show

LEADERS = 1_000


@click.command()
@click.option("--frames", "frame_count", default=40_000, show_default=True, help="Frames a round.")
@click.option("--seconds", default=20.0, show_default=True, help="How long the whole daemon runs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def main(frame_count: int, seconds: float, as_json: bool) -> None:
    """Measure the pipeline."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    result = {
        **throughput.measure(frame_count, LEADERS),
        **asyncio.run(daemon_run.measure(LEADERS, throughput.MARKETS, seconds)),
    }
    show(result, as_json=as_json)


if __name__ == "__main__":
    main()
