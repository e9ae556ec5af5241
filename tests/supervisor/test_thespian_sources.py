"""Actor sources are loaded as in Thespian, by leave of an authority, and only by a base that was told to."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from thespian.actors import (
    Actor,
    ActorExitRequest,
    ActorSystem,
    ActorTypeDispatcher,
    InvalidActorSourceHash,
    LoadedSource,
    PoisonMessage,
    UnloadedSource,
    ValidatedSource,
)

from supervisor import AsyncioSystemBase, PlainActors, SourcesOff
from supervisor.thespian import sources

SOON = timedelta(seconds=10)

GREETER = """
from thespian.actors import Actor, ActorExitRequest
from words import GREETING

class Greeter(Actor):
    def receiveMessage(self, msg, sender):
        if msg == 'nest':
            self.send(self.createActor('greeter.Greeter'), ('for', sender))
        elif isinstance(msg, tuple):
            self.send(msg[1], 'nested ' + GREETING)
        elif isinstance(msg, str):
            self.send(sender, GREETING + ' ' + msg)
"""


def archive(greeting: str) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr("greeter.py", GREETER)
        made.writestr("words.py", f"GREETING = {greeting!r}")
    content.seek(0)
    return content


class Authority(ActorTypeDispatcher):  # type: ignore[misc]
    """Validates what begins like a zip file, and reports that it was asked."""

    def receiveMsg_str(self, msg: str, sender: Any) -> None:
        self.outside = sender
        self.registerSourceAuthority()
        self.send(sender, "registered")

    def receiveMsg_ValidateSource(self, msg: Any, sender: Any) -> None:
        data = msg.sourceData
        self.send(sender, ValidatedSource(msg.sourceHash, data if data.startswith(b"PK") else None))
        self.send(self.outside, "asked")


class Watcher(Actor):  # type: ignore[misc]
    def receiveMessage(self, msg: Any, sender: Any) -> None:
        if isinstance(msg, bool):
            self.outside = sender
            self.notifyOnSourceAvailability(msg)
            self.send(sender, "watching")
        elif isinstance(msg, LoadedSource | UnloadedSource):
            self.send(self.outside, (type(msg).__name__, msg.sourceHash))


@pytest.fixture
def system() -> Iterator[Any]:
    base = AsyncioSystemBase(plain=PlainActors(load_sources=True))
    found = ActorSystem(base, transientUnique=True)
    yield found
    found.shutdown()


@pytest.fixture
def trusting(system: Any) -> Any:
    assert system.ask(system.createActor(Authority), "register", SOON) == "registered"
    return system


def load(system: Any, source: Any) -> str:
    source_hash: str = system.loadActorSource(source)
    assert system.listen(SOON) == "asked"
    return source_hash


def test_a_class_of_a_loaded_source_lives_and_imports_from_it(trusting: Any) -> None:
    source_hash = load(trusting, archive("hello"))
    greeter = trusting.createActor("greeter.Greeter", sourceHash=source_hash)
    assert trusting.ask(greeter, "world", SOON) == "hello world"
    assert "greeter" not in sys.modules


def test_children_are_looked_up_in_the_source_of_their_parent(trusting: Any) -> None:
    source_hash = load(trusting, archive("hello"))
    greeter = trusting.createActor("greeter.Greeter", sourceHash=source_hash)
    assert trusting.ask(greeter, "nest", SOON) == "nested hello"


def test_two_versions_of_a_source_live_side_by_side(trusting: Any) -> None:
    greeters = [
        trusting.createActor("greeter.Greeter", sourceHash=load(trusting, archive(greeting)))
        for greeting in ("hello", "good day")
    ]
    answers = [trusting.ask(greeter, "sir", SOON) for greeter in greeters]
    assert answers == ["hello sir", "good day sir"]


def test_a_source_is_read_from_a_path_too(trusting: Any, tmp_path: Path) -> None:
    path = tmp_path / "greeter.zip"
    path.write_bytes(archive("hello").read())
    source_hash = load(trusting, str(path))
    assert trusting.createActor("greeter.Greeter", sourceHash=source_hash) is not None


def test_without_an_authority_nothing_is_loaded(system: Any) -> None:
    source_hash = system.loadActorSource(archive("hello"))
    with pytest.raises(InvalidActorSourceHash):
        system.createActor("greeter.Greeter", sourceHash=source_hash)


@pytest.mark.parametrize("content", [b"not validated", b"PK but no zip file"])
def test_what_is_rejected_or_broken_is_not_loaded(trusting: Any, content: bytes) -> None:
    source_hash = load(trusting, io.BytesIO(content))
    with pytest.raises(InvalidActorSourceHash):
        trusting.createActor("greeter.Greeter", sourceHash=source_hash)


def test_nobody_but_the_authority_can_validate(trusting: Any) -> None:
    class Forger(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            if isinstance(msg, bytes):
                self.send(trusting._systemBase.systemAddress, ValidatedSource("forged", msg))
                self.send(sender, "sent")

    assert trusting.ask(trusting.createActor(Forger), archive("hello").read(), SOON) == "sent"
    with pytest.raises(InvalidActorSourceHash):
        trusting.createActor("greeter.Greeter", sourceHash="forged")


def test_an_unloaded_source_is_forgotten_with_its_modules_and_its_actors_live_on(trusting: Any) -> None:
    source_hash = load(trusting, archive("hello"))
    greeter = trusting.createActor("greeter.Greeter", sourceHash=source_hash)
    trusting.unloadActorSource(source_hash)
    assert not [name for name in sys.modules if source_hash in name]
    assert trusting.ask(greeter, "world", SOON) == "hello world"
    with pytest.raises(InvalidActorSourceHash):
        trusting.createActor("greeter.Greeter", sourceHash=source_hash)


def test_a_shutdown_unloads_what_was_loaded(trusting: Any) -> None:
    source_hash = load(trusting, archive("hello"))
    trusting.createActor("greeter.Greeter", sourceHash=source_hash)
    trusting.shutdown()
    assert not [name for name in sys.modules if source_hash in name]
    assert not [finder for finder in sys.meta_path if getattr(finder, "srcHash", None) == source_hash]


def test_who_watches_is_told_of_what_is_loaded_what_comes_and_what_goes(trusting: Any) -> None:
    first = load(trusting, archive("hello"))
    watcher = trusting.createActor(Watcher)
    assert {trusting.ask(watcher, True, SOON), trusting.listen(SOON)} == {"watching", ("LoadedSource", first)}

    second = trusting.loadActorSource(archive("good day"))
    assert {trusting.listen(SOON), trusting.listen(SOON)} == {"asked", ("LoadedSource", second)}
    trusting.unloadActorSource(first)
    assert trusting.listen(SOON) == ("UnloadedSource", first)


def test_who_ended_or_stopped_watching_is_told_no_more(trusting: Any) -> None:
    ended, stopped = trusting.createActor(Watcher), trusting.createActor(Watcher)
    for watcher in (ended, stopped):
        trusting.ask(watcher, True, SOON)
    trusting.ask(stopped, False, SOON)
    trusting.tell(ended, ActorExitRequest())
    load(trusting, archive("hello"))
    assert trusting.ask(stopped, False, SOON) == "watching", "or a notice would have come first"
    assert not [key for key in trusting._systemBase.drops() if key[1] == "LoadedSource"]


def test_the_number_of_sources_is_bounded(trusting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCES_MAX", 1)
    first, second = (load(trusting, archive(greeting)) for greeting in ("hello", "good day"))
    assert trusting.createActor("greeter.Greeter", sourceHash=first) is not None
    with pytest.raises(InvalidActorSourceHash):
        trusting.createActor("greeter.Greeter", sourceHash=second)


def test_a_base_that_was_not_told_to_loads_nothing() -> None:
    class Loader(Actor):  # type: ignore[misc]
        def receiveMessage(self, msg: Any, sender: Any) -> None:
            if msg == "load":
                self.loadActorSource(archive("hello"))
            elif msg == "register":
                self.registerSourceAuthority()
            elif msg == "watch":
                self.notifyOnSourceAvailability()

    system = ActorSystem(AsyncioSystemBase(), transientUnique=True)
    with pytest.raises(SourcesOff, match="load_sources=True"):
        system.loadActorSource(archive("hello"))
    loader = system.createActor(Loader)
    for order in ("load", "register", "watch"):
        answer = system.ask(loader, order, SOON)
        assert isinstance(answer, PoisonMessage)
        assert "SourcesOff" in answer.details
    with pytest.raises(InvalidActorSourceHash):
        system.createActor("greeter.Greeter", sourceHash="of nothing")
    system.shutdown()
