"""The actor runtime: Thespian's actors in thousands in one process on asyncio, supervised and simulated.

Start with `SupervisedActor` and `AsyncioSystemBase`; `README.md` is the guide, `supervisor.simulation` runs
the same actors in virtual time. Knows nothing of what the actors are for.
"""

from supervisor.abilities.behaviours import Behaviour, Otherwise
from supervisor.abilities.pipes import Pipe
from supervisor.actor import SupervisedActor
from supervisor.address import CellAddress
from supervisor.base import AsyncioSystemBase
from supervisor.clock import Clock
from supervisor.dispatch import handles
from supervisor.errors import (
    AskError,
    AskTimeout,
    BadActorClass,
    BadHandler,
    BehavioursNested,
    BlockingCall,
    DeadActor,
    Deadlock,
    DuplicateHandler,
    Escalated,
    InjectedCrash,
    LossyMailbox,
    MailboxOverflow,
    MutableMessage,
    NameTaken,
    NoMailbox,
    NoSuchBehaviour,
    NotInHandler,
    NotRunning,
    Refused,
    RootFailed,
    StashFull,
    SupervisorError,
)
from supervisor.inspection.deadletters import DeadLetter, DropReason
from supervisor.inspection.measures import LoopLag, SlowHandler
from supervisor.inspection.tree import ActorInfo
from supervisor.mailbox import Mailbox, Overflow
from supervisor.policy import Backoff, ExitReason, Restart, Strategy, Supervision
from supervisor.signals import Terminated

__all__ = [
    "ActorInfo",
    "AskError",
    "AskTimeout",
    "AsyncioSystemBase",
    "Backoff",
    "BadActorClass",
    "BadHandler",
    "Behaviour",
    "BehavioursNested",
    "BlockingCall",
    "CellAddress",
    "Clock",
    "DeadActor",
    "DeadLetter",
    "Deadlock",
    "DropReason",
    "DuplicateHandler",
    "Escalated",
    "ExitReason",
    "InjectedCrash",
    "LoopLag",
    "LossyMailbox",
    "Mailbox",
    "MailboxOverflow",
    "MutableMessage",
    "NameTaken",
    "NoMailbox",
    "NoSuchBehaviour",
    "NotInHandler",
    "NotRunning",
    "Otherwise",
    "Overflow",
    "Pipe",
    "Refused",
    "Restart",
    "RootFailed",
    "SlowHandler",
    "StashFull",
    "Strategy",
    "SupervisedActor",
    "Supervision",
    "SupervisorError",
    "Terminated",
    "handles",
]
