"""What the contestants of the runtime bench do, one definition for all of them.

- `ping_pong(round_trips)`: two actors send one message to and fro. Returns seconds.
- `fan_out(actors, rounds)`: a hub sends each of many actors a message of its own, and the next round right
  after; done when every one has counted `rounds`, not counting one before the clock starts. Returns seconds.
- `pipeline(bursts, burst)`: a source sends a burst through `HOPS` actors in a chain, the next when it has
  come through. Returns seconds; a message counts once per hop.
- `latency(messages)`: one message at a time through such a chain. Returns p50 and p99 in µs.
- `spawn(actors)`: until all of them are ready for messages. Returns seconds.
- `memory(actors)`: what their process grew by. Returns bytes per actor, new and after its first message.
- `idle_memory(actors)`: what Python has allocated for them when they have had a message and then been idle
  until they gave back what they do not need. Returns bytes per actor.
- `restart(restarts)`: an actor crashes and is replaced by its supervisor, one message each. Returns seconds.
- `flood(messages, sleeps)`: so many messages wait and never get fewer, while a coroutine sleeps for
  `FLOOD_SLEEP_S` again and again. Returns p50 and p99 of how much too late it wakes, in ms.

Seconds are those of the process's own computing where one thread does it all: another process that wants the
same core does not count. pykka's and Erlang's many threads are timed by the clock on the wall, and so are
latencies and sleeps. Python's garbage collector is as Python has it, except for Remora: its programs call
`settle` once they have started, and so do its workloads. Restarts are paced by no budget here.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final

import msgspec
import psutil

HOPS: Final = 4
FLOOD_ACTORS: Final = 100
FLOOD_SLEEP_S: Final = 0.001


class News(msgspec.Struct, frozen=True):
    """What is fanned out."""

    round: int


Workload = Callable[..., tuple[float, ...]]
"""Takes sizes, returns figures."""


own_time_s: Final = time.process_time
"""What workloads of one thread are timed by."""


def percentiles_us(seconds: list[float]) -> tuple[float, float]:
    """Return the 50th and the 99th percentile in µs."""
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2] * 1e6, ordered[len(ordered) * 99 // 100] * 1e6


def resident_bytes() -> int:
    """Return what this process occupies, after a garbage collection."""
    gc.collect()
    resident: int = psutil.Process().memory_info().rss
    return resident
