"""The guides' examples run, each guide's in its order and from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SUPERVISOR = HERE.parents[1] / "supervisor"
GUIDES = sorted(str(path.relative_to(SUPERVISOR)) for path in SUPERVISOR.rglob("README.md"))


@pytest.mark.parametrize("guide", GUIDES)
def test_every_example_of_the_guide_runs(guide: str) -> None:
    text = (SUPERVISOR / guide).read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert examples
    shared: dict[str, Any] = {"__name__": "readme"}
    for example in examples:
        exec(compile(example, guide, "exec"), shared)


def test_the_guide_leads_to_all_others() -> None:
    text = (SUPERVISOR / "README.md").read_text(encoding="utf-8")
    assert [guide for guide in GUIDES if guide != "README.md" and guide not in text] == []


def test_every_test_that_shows_a_promise_exists() -> None:
    text = (SUPERVISOR / "GUARANTEES.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+\.py)`", text))
    assert named
    assert sorted(name for name in named if not (HERE / name).is_file()) == []
