"""What holds for every message, whoever adds one."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import msgspec
import pytest

import messages
from messages.decisions import SKIP_MEANINGS, SkipReason
from messages.orders import TERMINAL_STATES, OrderState

STRUCTS = sorted(
    {
        kind
        for module in pkgutil.iter_modules(messages.__path__)
        for _, kind in inspect.getmembers(importlib.import_module(f"messages.{module.name}"), inspect.isclass)
        if issubclass(kind, msgspec.Struct) and kind.__module__.startswith("messages.")
    },
    key=lambda kind: (kind.__module__, kind.__name__),
)


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_every_struct_is_frozen(kind):
    assert kind.__struct_config__.frozen


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_every_struct_says_what_it_is(kind):
    assert re.match(r"[A-Z].*[.?:]", (kind.__doc__ or "").strip(), re.DOTALL)


def test_every_skip_reason_has_a_meaning_and_a_label():
    assert set(SKIP_MEANINGS) == set(SkipReason)
    assert all(reason.value == f"SKIP_{reason.name}" for reason in SkipReason)
    assert len(set(SKIP_MEANINGS.values())) == len(SkipReason)


def test_an_order_state_is_terminal_exactly_when_nothing_can_follow():
    assert {state for state in OrderState if state.terminal} == TERMINAL_STATES
    assert not TERMINAL_STATES & {
        OrderState.CREATED,
        OrderState.PLACED,
        OrderState.PENDING,
        OrderState.PARTIAL,
    }
