"""The guide's examples run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[2] / "supervisor" / "README.md"


def test_every_example_of_the_guide_runs() -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 4
    shared: dict[str, Any] = {"__name__": "readme"}
    for example in examples:
        exec(compile(example, str(README), "exec"), shared)
