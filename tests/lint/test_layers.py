"""The rules of the house hold, and what watches over them would notice if they did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def _copy(into: Path) -> Path:
    """Copy the packages and their rules, to break them there."""
    for package in ("actors", "config", "messages", "ops", "supervisor"):
        shutil.copytree(ROOT / package, into / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", into)
    return into


def _run(command: str, *arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / command, *arguments], cwd=at, capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.parametrize(
    ("package", "line", "contract"),
    [
        ("messages", "import config.settings", "imports go down only"),
        ("config", "import supervisor", "imports go down only"),
        ("actors/leader", "import ops.logs", "imports go down only"),
        ("supervisor", "import messages.ids", "the runtime stands alone"),
        ("messages", "import supervisor", "the vocabulary stands alone"),
        ("actors/leader", "import actors.market", "actors never import each other"),
        ("actors/market", "import actors.tree", "actors never import each other"),
        ("ops/venue", "from messages.units import MICROS", "the venue shares only the record envelope"),
        ("ops/venue", "import ops.logs", "the venue shares only the record envelope"),
        ("ops/venue", "import supervisor", "the venue shares only the record envelope"),
    ],
)
def test_an_import_against_the_layers_is_noticed(tmp_path, package, line, contract):
    house = _copy(tmp_path)
    (house / package / "intruder.py").write_text(f"{line}\n")

    result = _run("lint-imports", "--no-cache", at=house)

    assert result.returncode != 0
    assert any(row.startswith(contract) and "BROKEN" in row for row in result.stdout.splitlines()), (
        result.stdout
    )


@pytest.mark.parametrize(
    "line",
    ["time.time()", "time.monotonic_ns()", "datetime.datetime.now()", "random.random()", "uuid.uuid4()"],
)
def test_an_actor_with_a_clock_or_dice_of_its_own_is_noticed(tmp_path, line):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in ("actors/leader", "ops"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "module.py").write_text(f"import {line.split('.')[0]}\n\n{line}\n")

    result = _run(
        "ruff", "check", "--no-cache", "--select=TID251", "--output-format=concise", ".", at=tmp_path
    )

    assert result.stdout.count("TID251") == 1
    assert "actors/leader/module.py:3" in result.stdout


def test_the_actors_run_on_the_runtimes_clock():
    result = _run("ruff", "check", "--no-cache", "--select=TID251", "actors", at=ROOT)

    assert result.returncode == 0, result.stdout
