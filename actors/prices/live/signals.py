"""Between the price service and the sockets of the market channel."""

from __future__ import annotations

from actors.prices.live.events import Event
from messages.base import Message
from messages.ids import TokenId


class Carry(Message, frozen=True, kw_only=True, gc=False):
    """To a socket: carry these tokens from now on, and no others.

    `anew` are those among them to be subscribed to again, because nothing comes of them.
    """

    token_ids: tuple[TokenId, ...]
    anew: tuple[TokenId, ...] = ()


class Reopen(Message, frozen=True, kw_only=True, gc=False):
    """To a socket: what comes is not to be believed; leave it for a new one."""

    reason: str


class ShardStarted(Message, frozen=True, kw_only=True, gc=False):
    """From a socket's new incarnation: it carries nothing until it is told what."""

    shard: str


class ShardUp(Message, frozen=True, kw_only=True, gc=False):
    """A socket is open and has subscribed to all it is to carry."""

    shard: str


class ShardDown(Message, frozen=True, kw_only=True, gc=False):
    """A socket is gone."""

    shard: str
    reason: str


class ShardFrame(Message, frozen=True, kw_only=True, gc=False):
    """What came in one frame. `gap` says that some of it could not be read: a change may be missing."""

    shard: str
    events: tuple[Event, ...]
    mono_ns: int
    at_ms: int
    """When it came by the wall clock, epoch milliseconds."""
    gap: bool = False
