"""The actor runtime: Thespian's actors in thousands in one process on asyncio, supervised and simulated.

Start with `SupervisedActor` and `AsyncioSystemBase`; `README.md` is the guide, `supervisor.simulation` runs
the same actors in virtual time. Knows nothing of what the actors are for.
"""

from supervisor.abilities.behaviours import Behaviour, Otherwise
from supervisor.abilities.breakers import Breaker, BreakerInfo
from supervisor.abilities.circuit import BreakerPolicy, BreakerState
from supervisor.abilities.pipes import Pipe
from supervisor.actor import SupervisedActor
from supervisor.address import CellAddress
from supervisor.attempts import Attempts
from supervisor.base import AsyncioSystemBase
from supervisor.clock import Clock
from supervisor.core.restarts import RestartBudgetState
from supervisor.dispatch import handles
from supervisor.errors import (
    AskError,
    AskTimeout,
    BadActorClass,
    BadFaultPlan,
    BadHandler,
    BadTrace,
    BehavioursNested,
    BlockingCall,
    BreakerOpen,
    DeadActor,
    Deadlock,
    DuplicateHandler,
    Escalated,
    HandlerCrashed,
    InjectedCrash,
    InspectionError,
    LimitReached,
    LoopBusy,
    LossyMailbox,
    MailboxOverflow,
    MutableMessage,
    NameTaken,
    NoMailbox,
    NoMessage,
    NoSuchActor,
    NoSuchBehaviour,
    NotControllable,
    NotHandled,
    NotInHandler,
    NotRunning,
    NotSimulated,
    Refused,
    RootFailed,
    SourcesOff,
    StashFull,
    SupervisorError,
    SystemStopped,
    UncopyableMessage,
    WorkersBusy,
    WrongThread,
)
from supervisor.inspection.deadletters import DeadLetter, DropReason
from supervisor.inspection.detail import ActorDetail, PipeInfo, RestartInfo, TimerInfo, Waiting
from supervisor.inspection.inspector import Holding, Inspector
from supervisor.inspection.journal import Action
from supervisor.inspection.letters import LetterInfo
from supervisor.inspection.measures import LagHistogram, LoopLag, SlowHandler
from supervisor.inspection.outcome import Outcome
from supervisor.inspection.top import TopEntry
from supervisor.inspection.totals import DropCount, KindTotals, Totals
from supervisor.inspection.trace import Sent, Trace, TraceEvent, TraceInfo
from supervisor.inspection.tree import ActorInfo
from supervisor.mailbox import Mailbox, Overflow
from supervisor.policy import Backoff, ExitReason, Restart, RestartBudget, Strategy, Supervision
from supervisor.settling import settle
from supervisor.signals import BreakerChanged, Terminated
from supervisor.thespian.options import Dispatcher, PlainActors

__all__ = [
    "Action",
    "ActorDetail",
    "ActorInfo",
    "AskError",
    "AskTimeout",
    "AsyncioSystemBase",
    "Attempts",
    "Backoff",
    "BadActorClass",
    "BadFaultPlan",
    "BadHandler",
    "BadTrace",
    "Behaviour",
    "BehavioursNested",
    "BlockingCall",
    "Breaker",
    "BreakerChanged",
    "BreakerInfo",
    "BreakerOpen",
    "BreakerPolicy",
    "BreakerState",
    "CellAddress",
    "Clock",
    "DeadActor",
    "DeadLetter",
    "Deadlock",
    "Dispatcher",
    "DropCount",
    "DropReason",
    "DuplicateHandler",
    "Escalated",
    "ExitReason",
    "HandlerCrashed",
    "Holding",
    "InjectedCrash",
    "InspectionError",
    "Inspector",
    "KindTotals",
    "LagHistogram",
    "LetterInfo",
    "LimitReached",
    "LoopBusy",
    "LoopLag",
    "LossyMailbox",
    "Mailbox",
    "MailboxOverflow",
    "MutableMessage",
    "NameTaken",
    "NoMailbox",
    "NoMessage",
    "NoSuchActor",
    "NoSuchBehaviour",
    "NotControllable",
    "NotHandled",
    "NotInHandler",
    "NotRunning",
    "NotSimulated",
    "Otherwise",
    "Outcome",
    "Overflow",
    "Pipe",
    "PipeInfo",
    "PlainActors",
    "Refused",
    "Restart",
    "RestartBudget",
    "RestartBudgetState",
    "RestartInfo",
    "RootFailed",
    "Sent",
    "SlowHandler",
    "SourcesOff",
    "StashFull",
    "Strategy",
    "SupervisedActor",
    "Supervision",
    "SupervisorError",
    "SystemStopped",
    "Terminated",
    "TimerInfo",
    "TopEntry",
    "Totals",
    "Trace",
    "TraceEvent",
    "TraceInfo",
    "UncopyableMessage",
    "Waiting",
    "WorkersBusy",
    "WrongThread",
    "handles",
    "settle",
]
