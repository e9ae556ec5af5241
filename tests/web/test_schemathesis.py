"""The API against its own document, by machine: the valid is answered as documented, the rest refused."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from price_script import EveryMarket, known_answers

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.timeout(300)
async def test_nothing_is_answered_otherwise_than_documented(house, tmp_path, monkeypatch):
    house.script["answers"] = EveryMarket(known_answers())
    inspector = house.base.inspector
    look_twice = inspector.top_over
    monkeypatch.setattr(inspector, "top_over", lambda window_s, by, n: look_twice(min(window_s, 0.01), by, n))
    await house.becomes(200)
    tested = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(CONFIG)),
        *("run", f"{house.url}/openapi.json"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await tested.communicate())[0].decode()
    assert tested.returncode == 0, said
    tried = re.search(r"(\d+) generated, (\d+) passed", said)
    assert tried is not None, said
    assert int(tried[1]) == int(tried[2]) > 500
