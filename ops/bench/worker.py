"""A process that runs one contestant: a line with a workload and its sizes in, a line with its figures out.

python -m ops.bench.worker remora
"""

from __future__ import annotations

import gc
import importlib
import logging
import sys

from ops.bench.workloads import Workload

UNSUPPORTED = "unsupported"


def main() -> None:
    """Serve until the input ends."""
    logging.disable(logging.CRITICAL)
    workloads: dict[str, Workload] = importlib.import_module(f"ops.bench.contestants.{sys.argv[1]}").WORKLOADS
    for line in sys.stdin:
        name, *sizes = line.split()
        workload = workloads.get(name)
        if workload is None:
            print(UNSUPPORTED, flush=True)
            continue
        gc.collect()
        print(*workload(*map(int, sizes)), flush=True)


if __name__ == "__main__":
    main()
