"""Runs a suite over many seeds: `run.py --suite copy --seeds 1000 --first 1`.

A seed that fails prints what went wrong and the command that repeats exactly that run.
"""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import copying  # noqa: E402
import edges  # noqa: E402
import structlog  # noqa: E402

SUITES: dict[str, Callable[[int], Any]] = {"copy": copying.run, "edges": edges.run}


def repetition(suite: str, seed: int) -> str:
    """Return the command that repeats exactly the run of a seed."""
    return f"make simulate SUITE={suite} SEEDS=1 FIRST={seed}"


def main() -> int:
    """Return 0 if every seed held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=sorted(SUITES), default="copy")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    failed = 0
    for seed in range(options.first, options.first + options.seeds):
        try:
            result = SUITES[options.suite](seed)
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f"seed {seed} failed; repeat it with: {repetition(options.suite, seed)}")
        else:
            print(f"seed {seed} held: {result}")
    print(f"{options.seeds - failed} of {options.seeds} seeds held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
