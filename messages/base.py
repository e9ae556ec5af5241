"""What every message is: a frozen struct, and whether losing it would lose money."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact or a command between actors. Immutable: a send shares it, nobody copies it."""

    carries_money: ClassVar[bool] = False
    """Whether the runtime must refuse any mailbox policy that could lose it."""


class MoneyMessage(Message, frozen=True, kw_only=True, gc=False):
    """A trade, intent, order or fill: no mailbox that handles it may be declared lossy."""

    carries_money: ClassVar[bool] = True
