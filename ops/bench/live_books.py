"""Books kept from made-up frames: decoded and applied in memory, and through a socket and both actors."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final

import msgspec
import uvloop

from actors.prices import metrics
from actors.prices.books import level_size
from actors.prices.live.board import Board
from actors.prices.live.frames import decode_frame
from config.settings import Endpoints
from messages.units import MICROS
from ops.bench import market_frames, nautilus_books
from ops.bench.blaster import Blaster
from ops.bench.collecting import settled
from ops.bench.market_frames import TICKS, BookState, MadeStream
from ops.bench.nautilus_books import NautilusBooks
from ops.bench.price_house import price_house, until
from ops.bench.rounds import Rounds
from ops.bench.stub_venue import StubVenue

SEED: Final = 7
SHARD: Final = "live-0"
NEVER_NS: Final = 10**18
BUSY_FRAMES_PER_S: Final = 1_100
"""What the 200 busiest outcomes of the venue bring (polymarket-wire.md, section 2)."""
DONE_S: Final = 30.0
SLOWEST_PER_S: Final = 1_000.0
"""A run that takes longer than at this rate has lost a frame."""


def measure(frame_count: int, market_count: int, rounds: int) -> Rounds:
    """Return the rates of all ways in turns, and their ratios."""
    made = market_frames.stream(frame_count, market_count, SEED, _now_ms())
    found = Rounds()
    venue = StubVenue(market_count, SEED)
    try:
        with contextlib.ExitStack() as stack:
            theirs = None
            if not nautilus_books.absence():
                theirs = stack.enter_context(contextlib.closing(NautilusBooks(made)))
            for _ in range(rounds):
                _round(made, theirs, venue.endpoints, found)
    finally:
        venue.stop()
    return found


def _round(made: MadeStream, theirs: NautilusBooks | None, endpoints: Endpoints, found: Rounds) -> None:
    bare_s = _bare_s(made.frames)
    ours_s = _board_s(made)
    if theirs is not None:
        theirs_s = theirs.seconds()
        found.add(nautilus_updates_per_s=made.updates / theirs_s, nautilus_ratio=theirs_s / ours_s)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        channel_s = runner.run(_channel_s(made, endpoints))
    frames = len(made.frames)
    found.add(
        book_updates_per_s=made.updates / ours_s,
        book_frame_us=ours_s / frames * 1e6,
        book_busy_share=BUSY_FRAMES_PER_S * ours_s / frames,
        bare_decode_ratio=bare_s / ours_s,
        channel_updates_per_s=made.updates / channel_s,
        channel_frame_us=channel_s / frames * 1e6,
        channel_busy_share=BUSY_FRAMES_PER_S * channel_s / frames,
    )


def _bare_s(frames: list[bytes]) -> float:
    """Return the computing of decoding the frames' JSON and nothing else."""
    with settled():
        began_s = time.process_time()
        for frame in frames:
            msgspec.json.decode(frame)
        return time.process_time() - began_s


def _board_s(made: MadeStream) -> float:
    """Return the computing of decoding and applying the frames. Raises `RuntimeError` for wrong books."""
    level_size.cache_clear()  # the frames of the last round are these
    board = Board(NEVER_NS, NEVER_NS)
    board.up(SHARD, 0)
    for token in made.tokens:
        board.add(token, SHARD, 0)
    now_ms = _now_ms()
    with settled():
        began_s = time.process_time()
        for frame in made.frames:
            board.take(SHARD, decode_frame(frame).events, 1, now_ms)
        took_s = time.process_time() - began_s
    for token, state in made.books():
        seat = board.seat(token)
        book = seat.book.freeze(0) if seat is not None else None
        if book is None or (dict(book.bids), dict(book.asks)) != _in_micros(state):
            raise RuntimeError(f"the live book of {token} was {book}, expected {state}")
    return took_s


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _in_micros(state: BookState) -> tuple[dict[int, int], dict[int, int]]:
    bids, asks = (
        {price * MICROS // TICKS: size * MICROS // 100 for price, size in side.items()}
        for side in (state.bids, state.asks)
    )
    return bids, asks


async def _channel_s(made: MadeStream, endpoints: Endpoints) -> float:
    """Return the computing of this process until all frames have come through a socket and are applied."""
    level_size.cache_clear()
    blaster = Blaster(made.frames)
    try:
        condition_ids = tuple(market.condition_id for market in made.markets)
        here: Any = msgspec.structs.replace(endpoints, market_ws_url=blaster.url)
        async with price_house(here, condition_ids, live=True) as house:
            awaited = _events() + len(made.frames)
            with settled():
                began_s = time.process_time()
                house.carry()
                await until(lambda: _events() >= awaited, DONE_S + len(made.frames) / SLOWEST_PER_S)
                took_s = time.process_time() - began_s
            if house.live_books() != len(made.tokens):
                raise RuntimeError(f"{house.live_books()} books were live, expected {len(made.tokens)}")
            return took_s
    finally:
        blaster.stop()


def _events() -> float:
    """Return how many events of the market channel this process has applied."""
    (family,) = metrics.LIVE_EVENTS.collect()
    return next(each.value for each in family.samples if each.name.endswith("_total"))
