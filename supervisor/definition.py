"""Checks of an actor class where it is defined, so that what cannot work never starts.

What it handles is checked by `dispatch`.
"""

from __future__ import annotations

import inspect
import math
from typing import Any, Final

from supervisor.errors import BadActorClass
from supervisor.mailbox import Mailbox
from supervisor.policy import Supervision
from supervisor.thespian.options import Dispatcher

_HOOKS: Final = ("__init__", "started", "stopped", "snapshot", "receiveMessage")


def check_class(cls: Any) -> None:
    """Raise `BadActorClass`, saying what to change."""
    _check_hooks(cls)
    _check_init(cls)
    _check_declared(cls, "mailbox", Mailbox)
    _check_declared(cls, "supervision", Supervision)
    _check_dispatcher(cls)
    idle_s = cls.passivate_after_s
    if idle_s is not None and not 0 < idle_s < math.inf:
        raise BadActorClass(
            f"{cls.__qualname__}.passivate_after_s was {idle_s}, "
            "expected a number of seconds above 0, or None"
        )


def _check_dispatcher(cls: Any) -> None:
    if isinstance(getattr(cls, "dispatcher", None), Dispatcher):
        raise BadActorClass(
            f"{cls.__qualname__} declares a dispatcher, which is for plain Thespian actors; a supervised one "
            "is on the loop and gives what blocks to run_in_thread()"
        )


def _check_hooks(cls: Any) -> None:
    for name in _HOOKS:
        if inspect.iscoroutinefunction(getattr(cls, name)):
            raise BadActorClass(
                f"{cls.__qualname__}.{name} is an async def, of which nothing would run; make it "
                "a plain def, and give what has to wait to self.pipe(coroutine, into=...)"
            )


def _check_init(cls: Any) -> None:
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if not variadic and parameter.default is parameter.empty:
            raise BadActorClass(
                f"{cls.__qualname__}.__init__ requires {parameter.name!r}; an actor is made without "
                "arguments: pass args to spawn() and read self.args in started()"
            )


def _check_declared(cls: Any, name: str, expected: type) -> None:
    value = getattr(cls, name, None)
    if value is not None and not isinstance(value, expected):
        raise BadActorClass(
            f"{cls.__qualname__}.{name} was {type(value).__name__}, expected a {expected.__name__}"
        )
