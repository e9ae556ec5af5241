"""Runs a suite over many seeds: `run.py --suite copy --seeds 1000 --first 1`.

What goes wrong in a run is drawn from its seed, or given as a plan. A seed that fails prints what went wrong,
the command that repeats exactly that run, and the smallest fault plan found that fails in the same way.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1]), str(HERE.parent / "support")]

import calm  # noqa: E402
import copying  # noqa: E402
import day  # noqa: E402
import detection  # noqa: E402
import edges  # noqa: E402
import following  # noqa: E402
import pricing  # noqa: E402
import structlog  # noqa: E402

from supervisor.simulation import FaultPlan, run_twice, shrink  # noqa: E402

NO_FAULTS = "none"


@dataclass(frozen=True, slots=True)
class Suite:
    """How a seed is run, and what goes wrong in it if nothing else is said.

    `run` takes a seed, a plan, and whether the digest of its result is to cover what messages say.
    """

    run: Callable[[int, FaultPlan, bool], Any]
    planned: Callable[[int], FaultPlan]


SUITES: dict[str, Suite] = {
    "calm": Suite(calm.run, calm.planned),
    "chain": Suite(following.run, following.planned),
    "copy": Suite(copying.run, copying.planned),
    "day": Suite(day.run, day.planned),
    "detection": Suite(detection.run, detection.planned),
    "detection-full": Suite(
        partial(detection.run, size=detection.FULL), partial(detection.planned, size=detection.FULL)
    ),
    "edges": Suite(edges.run, edges.planned),
    "prices": Suite(pricing.run, pricing.planned),
}


def repetition(suite: str, seed: int, plan: FaultPlan | None = None) -> str:
    """Return the command that repeats exactly the run of a seed, with its own plan or another."""
    command = f"make simulate SUITE={suite} SEEDS=1 FIRST={seed}"
    if plan is None:
        return command
    written = (str(plan) or NO_FAULTS).replace("$", "$$")  # make would take a single one for its own
    return f"{command} PLAN={shlex.quote(written)}"


def read_plan(text: str) -> FaultPlan:
    """Return the plan of a command line: its text, `@` and the path of a file with it, or `none`."""
    if text.startswith("@"):
        text = Path(text[1:]).read_text()
    return FaultPlan() if text == NO_FAULTS else FaultPlan.parse(text)


def run_seed(name: str, seed: int, given: FaultPlan | None, *, twice: bool) -> bool:
    """Run a seed and say what came of it; True if it held."""
    suite = SUITES[name]
    plan = suite.planned(seed) if given is None else given
    try:
        if twice:
            result, again = run_twice(lambda: suite.run(seed, plan, True))
            assert result.digest == again.digest, f"two runs of one seed differ: {result} and {again}"
        else:
            result = suite.run(seed, plan, False)
    except Exception:
        traceback.print_exc()
        print(f"seed {seed} failed; repeat it with: {repetition(name, seed, given)}", flush=True)
        tell_shrunk(name, seed, plan)
        return False
    print(f"seed {seed} held: {result}", flush=True)
    return True


def tell_shrunk(name: str, seed: int, plan: FaultPlan) -> None:
    """Look for the smallest plan that fails in the same way, and say how to run it."""
    if not plan:
        return
    shrunk = shrink(lambda smaller: SUITES[name].run(seed, smaller, False), plan)
    if shrunk is None:
        print("it does not fail again: something in it is not decided by the seed; try TWICE=1")
        return
    print(f"of its {len(plan)} faults {len(shrunk.plan)} are enough, by {shrunk.runs} runs: {shrunk.error}")
    print(f"repeat that with: {repetition(name, seed, shrunk.plan)}", flush=True)


def main() -> int:
    """Return 0 if every seed held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=sorted(SUITES), default="copy")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--plan", type=read_plan, help="what goes wrong, @file, or none; default: by seed")
    parser.add_argument("--twice", action="store_true", help="run each seed twice, and compare")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    seeds = range(options.first, options.first + options.seeds)
    held = sum(run_seed(options.suite, seed, options.plan, twice=options.twice) for seed in seeds)
    print(f"{held} of {options.seeds} seeds held")
    return 0 if held == options.seeds else 1


if __name__ == "__main__":
    sys.exit(main())
