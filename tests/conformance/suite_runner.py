"""Runs Thespian's own test-suite on one base or several, and holds each run to `expected.yaml`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import expectation

HERE = Path(__file__).resolve().parent
BASES = (expectation.LOOP, "threads", expectation.REFERENCE)

TEST_TIMEOUT_S = {expectation.REFERENCE: 180}
"""It handles one message at a time in the whole system, whatever blocks."""
DEFAULT_TEST_TIMEOUT_S = 60
RUN_TIMEOUT_S = 600


def run_suite(base: str, workers: int, arguments: list[str]) -> dict[str, str]:
    """Run the suite on a base and return what became of each test."""
    with tempfile.TemporaryDirectory() as scratch:
        outcomes = Path(scratch) / "outcomes.json"
        path = os.pathsep.join([str(HERE), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
        command = [
            *(sys.executable, "-m", "pytest", "-c", str(HERE / "suite.ini"), "--pyargs", "thespian.test"),
            *("--base", base, "--outcomes", str(outcomes)),
            *("--timeout", str(TEST_TIMEOUT_S.get(base, DEFAULT_TEST_TIMEOUT_S))),
            *("--numprocesses", str(workers), "--dist", "worksteal"),
            *arguments,
        ]
        environment = {**os.environ, "PYTHONPATH": path}
        subprocess.run(command, cwd=scratch, env=environment, timeout=RUN_TIMEOUT_S, check=False)
        if not outcomes.exists():
            return {}
        found: dict[str, str] = json.loads(outcomes.read_text(encoding="utf-8"))
        return found


def main() -> int:
    """Return 0 if every run was as expected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", choices=BASES, action="append", help="default: loop and threads")
    parser.add_argument("--workers", type=int, default=8, help="the tests sleep more than they work")
    options, pytest_arguments = parser.parse_known_args()
    expected = expectation.load()
    held = True
    for base in options.base or [expectation.LOOP, "threads"]:
        print(f"Thespian's suite on {base}:", flush=True)
        outcomes = run_suite(base, options.workers, pytest_arguments)
        complaints = expected.complaints(base, outcomes)
        totals = sorted(Counter(outcomes.values()).items())
        counts = ", ".join(f"{count} {outcome}" for outcome, count in totals)
        print(f"{base}: {counts or 'nothing ran'}; {'not ' if complaints else ''}as expected", flush=True)
        for complaint in complaints:
            print(f"  {complaint}", flush=True)
        held = held and not complaints
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
