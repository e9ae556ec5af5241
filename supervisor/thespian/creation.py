"""Making the actors that Thespian's own calls ask for: plain ones, and supervised ones by their class."""

from __future__ import annotations

import importlib
import inspect
import logging
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from thespian.actors import ChildActorExited, InvalidActorSpecification, NoCompatibleSystemForActor

from supervisor.actor import SupervisedActor
from supervisor.core.cell import Cell
from supervisor.core.spawning import spawn_child
from supervisor.errors import SupervisorError
from supervisor.policy import Restart

if TYPE_CHECKING:
    from supervisor.base import AsyncioSystemBase

log: Final = logging.getLogger("supervisor")

_SHUTDOWN_S: Final = 5.0


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
    if issubclass(cls, SupervisedActor):
        restart = Restart.TRANSIENT if parent.parent is None else Restart.PERMANENT
        address = spawn_child(parent, cls, name, None, restart=restart, shutdown_s=_SHUTDOWN_S, mailbox=None)
        cell = address.cell
    else:
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
    except (ImportError, SupervisorError):
        raise
    except Exception as error:
        log.warning("%s: its child could not be created: %s", parent.path, type(error).__name__)
        address = system.dead_address(f"{parent.prefix}stillborn")
        parent.put(ChildActorExited(address), system.systemAddress)
        return address


def _class_of(system: AsyncioSystemBase, specification: Any, source_hash: str | None) -> Any:
    if not isinstance(specification, str):
        return specification
    module_name, _, class_name = specification.rpartition(".")
    if not module_name:
        raise InvalidActorSpecification(specification)
    if source_hash:
        return system.sources.find_class(source_hash, module_name, class_name)
    return getattr(importlib.import_module(module_name), class_name)


def _check_capabilities(cls: Any, capabilities: dict[str, Any], requirements: Any) -> None:
    check = getattr(cls, "actorSystemCapabilityCheck", None)
    if check is not None and not check(capabilities, requirements or {}):
        raise NoCompatibleSystemForActor(cls, "No compatible ActorSystem: this one lacks a capability")


def _make(cls: Any, capabilities: dict[str, Any], requirements: Any) -> Any:
    offered = {"capabilities": capabilities, "requirements": requirements}
    return cls(**{name: offered[name] for name in _init_names(cls) if name in offered})


@cache
def _init_names(cls: Any) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(cls.__init__).parameters)
    except (TypeError, ValueError):
        return ()
