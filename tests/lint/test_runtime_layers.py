"""The modules of the runtime import each other in one direction: each knows those below it only."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest
from grimp import Layer

SPINE = (
    Layer("simulation"),
    Layer("base"),
    Layer("outside"),
    Layer("core.system", "inspection.inspector", independent=False),
    Layer("actor", "inspection.control", "inspection.detail", independent=False),
    Layer("abilities.asking", "abilities.links", "thespian.creation"),
    Layer("core.spawning", "core.supervised"),
    Layer("tables", "core.supervision"),
    Layer("core.lifecycle"),
    Layer("core.cell"),
    Layer("core.scheduler", "core.overflow"),
    Layer("core.queues"),
    Layer("signals"),
    Layer("policy", "mailbox", "errors", "address", "clock"),
)
"""From what a program starts with down to plain values."""


def circle(graph: grimp.ImportGraph) -> list[str]:
    """Return modules each of which imports the next when it is loaded or run, the first also last."""
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


@pytest.fixture(scope="module")
def runtime() -> grimp.ImportGraph:
    """What imports what in the runtime, imports inside functions included and those for types left out."""
    return grimp.build_graph("supervisor", exclude_type_checking_imports=True, cache_dir=None)


def test_no_modules_of_the_runtime_import_each_other_in_a_circle(runtime: grimp.ImportGraph) -> None:
    assert circle(runtime) == []


def test_a_module_of_the_runtime_imports_what_is_below_it_only(runtime: grimp.ImportGraph) -> None:
    assert runtime.find_illegal_dependencies_for_layers(SPINE, containers={"supervisor"}) == set()


def test_a_circle_and_an_import_upwards_would_be_noticed(runtime: grimp.ImportGraph) -> None:
    runtime.add_import(importer="supervisor.errors", imported="supervisor.core.cell")
    assert {"supervisor.errors", "supervisor.core.cell"} <= set(circle(runtime))
    assert runtime.find_illegal_dependencies_for_layers(SPINE, containers={"supervisor"})
