"""The bench of detection measures what it says, on a small scale."""

from __future__ import annotations

import json

from click.testing import CliRunner

from ops.bench.detection import main


def test_every_figure_is_there_and_no_trade_is_lost():
    words = ["--leaders", "60", "--frames", "800", "--rate", "400", "--seconds", "0.5", "--json"]
    said = CliRunner().invoke(main, words, catch_exceptions=False)
    figures = json.loads(said.output.splitlines()[-1])
    assert figures["steady_accepted_share"] == 1
    assert figures["bare_loop_ratio"] > 0
    assert figures["frames_per_s"] > figures["steady_frames_per_s"] > 0
    assert {"bytes_per_leader", "bytes_per_trade_known", "steady_lag_p99_ms"} <= figures.keys()
