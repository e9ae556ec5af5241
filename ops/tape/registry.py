"""Importers by name. Another one is a function of the same shape and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from ops.tape.errors import ImportFailed
from ops.tape.leader_fills import import_leader_fills
from ops.tape.summary import ImportSummary

Importer = Callable[[Path, Path], ImportSummary]

IMPORTERS: Final[Mapping[str, Importer]] = {"leader-fills": import_leader_fills}


def find_importer(name: str) -> Importer:
    """Return the importer of that name. Raises `ImportFailed` naming those there are."""
    importer = IMPORTERS.get(name)
    if importer is None:
        raise ImportFailed(f"no importer is called {name!r}; there are: {', '.join(sorted(IMPORTERS))}")
    return importer
