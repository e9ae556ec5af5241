"""Market data: what a cached price costs, in process and over HTTP, and how fast books are kept live.

    python -m ops.bench.prices [--json] [--hits N] [--http-hits N] [--frames N] [--markets N] [--rounds N]

Figures are medians of rounds in which all ways take turns; `spread` holds the least and the most of each.
Computing is the processor time of this process; venue, socket servers and HTTP clients have their own.

- `hit_us`: the computing from an actor's `PriceQuery` to the handled `PriceAnswer`, 64 questions under way,
  with live books behind it; `hit_row_us` with only a row of Gamma's, `hit_ask_us` with `await self.ask`.
- `hit_ratio`, `hit_row_ratio`: what an actor takes that looks a constant answer up in a dict (`bare_hit_us`),
  divided by that.
- `http_hits_per_s`: GET /api/polymarket/price of a live market through the web actor, on 8 kept connections;
  `http_hit_us` the server's computing for one. Who asks the same within 50 ms shares an answer.
- `http_ratio`: the computing for one hit of a bare aiohttp handler with a constant body of the same size on
  the same loop (`http_bare_hits_per_s`), divided by `http_hit_us`.
- `http_unshared_hit_us`, `http_unshared_ratio`: the same at tier T1, where every one asks the price service.
- `book_updates_per_s`: level changes and whole books, decoded from memory and applied, a second of computing;
  `book_frame_us` by frame, `book_busy_share` of a processor at 1,100 frames a second, the venue's busiest.
- `channel_…`: the same through a WebSocket, the actor that reads it and the price service.
- `bare_decode_ratio`: the computing of a bare `msgspec.json.decode` of the frames, divided by that of
  decoding them into exact numbers and applying them.
- `nautilus_ratio`: `book_updates_per_s` divided by that of NautilusTrader 1.221's data client
  (`nautilus_updates_per_s`) on the same frames: `nautilus_books` says what it does, and how it takes part.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import click
import structlog

from ops.bench import live_books, nautilus_books, price_hits, price_pages
from ops.bench.rounds import Rounds


@click.command()
@click.option("--hits", default=20_000, show_default=True, help="Questions a round in process.")
@click.option("--http-hits", default=5_000, show_default=True, help="Requests a round.")
@click.option("--frames", default=20_000, show_default=True, help="Frames of the market channel a round.")
@click.option("--markets", default=100, show_default=True, help="Markets, of two outcomes each.")
@click.option("--rounds", default=5, show_default=True, help="Of how many rounds the median counts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def main(hits: int, http_hits: int, frames: int, markets: int, rounds: int, as_json: bool) -> None:
    """Measure market data."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    parts = (
        price_hits.measure(hits, markets, rounds),
        price_pages.measure(http_hits, markets, rounds),
        live_books.measure(frames, markets, rounds),
    )
    reason = nautilus_books.absence()
    _show(parts, {"nautilus": reason} if reason else {}, as_json=as_json)


def _show(parts: tuple[Rounds, ...], absent: Mapping[str, str], *, as_json: bool) -> None:
    medians = {name: value for part in parts for name, value in part.medians().items()}
    spreads = {name: value for part in parts for name, value in part.spreads().items()}
    if as_json:
        click.echo(json.dumps({**medians, "spread": spreads, "left_out": absent}))
        return
    for name, value in medians.items():
        least, most = spreads[name]
        click.echo(f"{name:32} {value:14,.3f}   {least:,.3f} to {most:,.3f}")
    for name, reason in absent.items():
        click.echo(f"{name} is left out: {reason}")


if __name__ == "__main__":
    main()
