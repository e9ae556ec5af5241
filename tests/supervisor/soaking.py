"""The soak at full length: `soaking.py --messages 1000000`, in virtual time and on a real loop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tracemalloc
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parents[1])]

from soak import Left, soak  # noqa: E402

from supervisor import AsyncioSystemBase  # noqa: E402
from supervisor.simulation import Simulation  # noqa: E402


async def _real(messages: int) -> Left:
    base = AsyncioSystemBase(seed=1)
    left = await soak(base, messages, seed=1)
    await base.stop()
    return left


def _simulated(messages: int) -> Left:
    with Simulation(seed=1) as sim:
        return sim.await_(soak(sim.base, messages, seed=1))


def main() -> int:
    """Return 0 if nothing piled up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    messages = parser.parse_args().messages
    logging.disable(logging.CRITICAL)
    failed = False
    for where, run in (("virtual time", _simulated), ("a real loop", lambda n: asyncio.run(_real(n)))):
        tracemalloc.start()
        left = run(messages)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        failed |= bool(left.grown)
        print(f"{where}: {left.handled:,} handled, {left.restarts:,} restarts, peak {peak / 1e6:.1f} MB")
        print(f"  grown: {left.grown or 'nothing'}; kept at rest: {left.structures}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
