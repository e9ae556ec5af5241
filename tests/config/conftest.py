"""A configuration written for one test, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from config.loading import Loaded, load
from config.problems import ConfigError, Problem


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "remora.yaml"


@pytest.fixture
def loaded(file: Path) -> Callable[..., Loaded]:
    """Write the text to a file and load it; nothing of the machine's own environment plays along."""

    def load_text(text: str, environ: Mapping[str, str] | None = None, sets: Sequence[str] = ()) -> Loaded:
        file.write_text(text)
        return load(file, environ or {}, sets)

    return load_text


@pytest.fixture
def refused(loaded: Callable[..., Loaded]) -> Callable[..., tuple[Problem, ...]]:
    """The same for a configuration that must be refused: everything that is wrong with it."""

    def problems_of(*arguments: object) -> tuple[Problem, ...]:
        with pytest.raises(ConfigError) as caught:
            loaded(*arguments)
        return caught.value.problems

    return problems_of
