"""Making the actors that Thespian's own calls ask for: plain ones, and supervised ones by their class."""

from __future__ import annotations

import importlib
import inspect
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import (
    ActorSystemException,
    ChildActorExited,
    InvalidActorSpecification,
    NoCompatibleSystemForActor,
)

from supervisor.core.cell import Cell
from supervisor.core.spawning import check_depth, is_supervised, spawn_child
from supervisor.errors import BadActorClass, NameTaken, NotRunning, SupervisorError
from supervisor.policy import Restart

if TYPE_CHECKING:
    from supervisor.base import AsyncioSystemBase

log: Final = logging.getLogger("supervisor")

_SHUTDOWN_S: Final = 5.0
_CLASSES_MAX: Final = 1_000
"""Classes whose `__init__` is remembered; those of unloaded sources are forgotten in time."""


def create(
    system: AsyncioSystemBase,
    parent: Cell,
    specification: Any,
    requirements: Any,
    global_name: str | None,
    source_hash: str | None,
) -> Any:
    """Create an actor and return its address, or that of the one registered under the global name.

    Raises what the class or its `__init__` raises.
    """
    registered = system.registry.owner(global_name)
    if registered is not None:
        return registered.address
    cls = _class_of(system, specification, source_hash)
    _check_capabilities(cls, system.capabilities, requirements)
    name = f"{cls.__name__}-{next(system.registry.serials)}"
    if is_supervised(cls):
        restart = Restart.TRANSIENT if parent.parent is None else Restart.PERMANENT
        address = spawn_child(parent, cls, name, None, restart=restart, shutdown_s=_SHUTDOWN_S, mailbox=None)
        cell = address.cell
    else:
        check_depth(parent)
        cell = system.plain_cell_class(cls)(system, parent, name, cls, source_hash)
        actor = _make(cls, system.capabilities, requirements)
        actor._myRef = cell
        cell.actor = actor
        if parent.children is None:
            parent.children = {}
        parent.children[name] = cell
        address = cell.address
    if global_name:
        system.registry.add_name(global_name, cell)
    return address


def create_child(
    system: AsyncioSystemBase,
    parent: Cell,
    specification: Any,
    requirements: Any,
    global_name: str | None,
    source_hash: str | None,
) -> Any:
    """Create a child for an actor; a failure is reported to it as the child's exit, as in Thespian."""
    if parent.is_leaving:
        return system.dead_address(f"{parent.prefix}exiting")
    try:
        return create(system, parent, specification, requirements, global_name, source_hash)
    except (ImportError, BadActorClass, NameTaken):
        raise
    except Exception as error:
        explained = isinstance(error, ActorSystemException | SupervisorError)
        why = str(error) if explained else type(error).__name__
        log.warning("%s: its child could not be created: %s", parent.path, why)
        address = system.dead_address(f"{parent.prefix}stillborn")
        parent.put(ChildActorExited(address), system.systemAddress)
        return address


def _class_of(system: AsyncioSystemBase, specification: Any, source_hash: str | None) -> Any:
    if not isinstance(specification, str):
        return _checked(specification)
    module_name, _, class_name = specification.rpartition(".")
    if not module_name:
        raise InvalidActorSpecification(specification)
    if source_hash:
        return _checked(system.sources.find_class(source_hash, module_name, class_name))
    return _checked(getattr(importlib.import_module(module_name), class_name))


def _checked(cls: Any) -> Any:
    if isinstance(cls, type) and callable(getattr(cls, "receiveMessage", None)):
        return cls
    what = cls.__qualname__ if isinstance(cls, type) else f"an instance of {type(cls).__qualname__}"
    raise InvalidActorSpecification(what, "expected a class of actors, or its name with its module")


def _check_capabilities(cls: Any, capabilities: dict[str, Any], requirements: Any) -> None:
    check = getattr(cls, "actorSystemCapabilityCheck", None)
    if check is not None and not check(capabilities, requirements or {}):
        raise NoCompatibleSystemForActor(cls, "No compatible ActorSystem: this one lacks a capability")


def _make(cls: Any, capabilities: dict[str, Any], requirements: Any) -> Any:
    offered = {"capabilities": capabilities, "requirements": requirements}
    try:
        return cls(**{name: offered[name] for name in _init_names(cls) if name in offered})
    except AttributeError as error:
        if error.name != "_myRef":
            raise
        raise NotRunning(
            f"{cls.__qualname__}.__init__ does an actor operation; none is possible before the first "
            "message, for Thespian makes the object an actor only afterwards"
        ) from error


@lru_cache(maxsize=_CLASSES_MAX)
def _init_names(cls: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(cls.__init__).parameters)
    except (TypeError, ValueError):
        return ()
