"""A pytest plugin that runs Thespian's own tests, as they are in its package, on a base of choice.

Thespian's test modules take the fixture `asys` and the function `similar_asys` from `thespian.test`; both are
replaced there before those modules are loaded. Neither Thespian nor the base is patched.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import expectation
import pytest
import thespian.test
from thespian.actors import ActorSystem

from supervisor import AsyncioSystemBase, Dispatcher, PlainActors

CAPABILITIES = {"Foo Allowed": True, "Cows Allowed": True, "Dogs Allowed": True, "dog": "food"}
"""What Thespian gives to the system of its own fixture."""

THREADS_MAX = 100
"""As many as the tests have handlers that block at once."""

OWN_NAME = "asyncioSystemBase"

NEVER_ON_ONE_SYSTEM = "test_HAConvention.py"
"""Builds its own systems, by name and four at a time, to skip each test if they are of one process."""


def _on(dispatcher: Dispatcher) -> Callable[[dict[str, Any]], Any]:
    plain = PlainActors(dispatcher=dispatcher, threads_max=THREADS_MAX, load_sources=True)
    return lambda capabilities: AsyncioSystemBase(capabilities=capabilities, plain=plain)


BASES: dict[str, Callable[[dict[str, Any]], Any]] = {
    expectation.LOOP: _on(Dispatcher.LOOP),
    "threads": _on(Dispatcher.THREAD),
    expectation.REFERENCE: lambda capabilities: expectation.REFERENCE,
}

_BASE = pytest.StashKey[str]()
_EXPECTED = pytest.StashKey[expectation.Expectation]()


def name_of(node_id: str) -> str:
    """Return the name of a test without the directories before it, which differ between machines."""
    path, _, test = node_id.partition("::")
    return f"{Path(path).name}::{test}"


def make_system(base: str, capabilities: dict[str, Any], name: str) -> Any:
    """Return a system that the tests believe to be on the base of that name."""
    system = ActorSystem(BASES[base](dict(capabilities)), dict(capabilities), False, transientUnique=True)
    system.base_name = name
    system.port_num = None
    system.txonly = False
    system.made_on = base
    return system


@pytest.fixture
def asys(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Stand in for the fixture of the same name in `thespian.test`.

    By its name the tests ask what a base can do: as simpleSystemBase they skip what needs several processes.
    """
    base = request.config.stash[_BASE]
    goes_beyond = name_of(request.node.nodeid) in request.config.stash[_EXPECTED].beyond
    own = goes_beyond and base != expectation.REFERENCE
    system = make_system(base, CAPABILITIES, OWN_NAME if own else expectation.REFERENCE)
    yield system
    system.shutdown()


def similar_asys(
    asys: Any, in_convention: bool = True, start_wait: bool = True, capabilities: dict[str, Any] | None = None
) -> Any:
    """Stand in for the function of the same name in `thespian.test`."""
    return make_system(asys.made_on, capabilities or {}, asys.base_name)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--base", choices=sorted(BASES), default=expectation.LOOP)
    parser.addoption("--outcomes", type=Path, help="where to write what became of each test")


def pytest_configure(config: pytest.Config) -> None:
    thespian.test.asys = asys
    thespian.test.similar_asys = similar_asys
    # A test of an aborted command counts on what its child has printed being lost in a buffer.
    os.environ.pop("PYTHONUNBUFFERED", None)
    config.stash[_BASE] = config.getoption("--base")
    config.stash[_EXPECTED] = expectation.load()
    outcomes = config.getoption("--outcomes")
    if outcomes is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(outcomes))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what has an actor system, once; the rest tests other parts of Thespian, or other bases of it."""
    unwanted = config.stash[_EXPECTED].blocks if config.stash[_BASE] == expectation.LOOP else ()
    kept = []
    for item in items:
        name = name_of(item.nodeid)
        if name.startswith(NEVER_ON_ONE_SYSTEM) and name.endswith(f"[{expectation.REFERENCE}]"):
            item.add_marker(pytest.mark.skip(reason="needs several systems"))
            kept.append(item)
        elif "asys" in item.fixturenames and name not in unwanted:  # type: ignore[attr-defined]
            kept.append(item)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


class Recorder:
    """Writes down what became of each test."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != expectation.PASSED:
            name = name_of(report.nodeid)
            if self._outcomes.get(name) != "failed":
                self._outcomes[name] = report.outcome

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(json.dumps(self._outcomes), encoding="utf-8")
