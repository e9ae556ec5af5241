"""Everything that can go wrong between a program and the runtime, as one tree.

    SupervisorError
    ├── BadActorClass        an actor class that cannot work; raised where it is defined or first spawned
    │   ├── NoMailbox        no mailbox declared
    │   ├── LossyMailbox     a lossy mailbox in front of a handler of money
    │   ├── MutableMessage   a handled message type whose instances can change
    │   ├── BadHandler       a method marked as a handler that cannot be one
    │   └── DuplicateHandler two handlers of one class for one message type
    ├── NotRunning           an actor operation inside `__init__`, or by an incarnation that has ended
    ├── SystemStopped        the system was shut down; also Thespian's ActorSystemFailure
    ├── SourcesOff           code was to be loaded by a base that was not told to allow it
    ├── BlockingCall         a blocking call on the loop that would have to serve it
    ├── WrongThread          something sent by an actor, or to one, from a thread that is not its loop's
    ├── NameTaken            a child of that name is alive
    ├── NoMessage            a class was to be sent in place of an instance
    ├── LimitReached         more timers, coroutines or breakers than an actor may have, or too deep a tree
    ├── NotInHandler         `stash` with no message being handled
    ├── StashFull            more put aside than the mailbox may hold
    ├── NoSuchBehaviour      `become` with what the class does not declare
    ├── BehavioursNested     too many behaviours on top of each other
    ├── WorkersBusy          too many blocking calls wait for a thread
    ├── BreakerOpen          a circuit breaker lets no call through
    ├── AskError             an ask that got no answer
    │   ├── AskTimeout       not within its time
    │   ├── Refused          the mailbox was full; also sent as a message to a refused sender
    │   ├── DeadActor        the actor is gone
    │   ├── NotHandled       the actor has no handler for it
    │   └── HandlerCrashed   the actor crashed on it
    ├── UncopyableMessage    a message that cannot be copied, where the system was told to copy each
    ├── MailboxOverflow      a mailbox declared HALT overflowed
    ├── Escalated            a child failed more often than its parent's supervision allows
    ├── RootFailed           a failure reached the top: nothing is left to restart it
    ├── InspectionError      a look or a touch from outside that could not be
    │   ├── NoSuchActor      no actor alive has that path
    │   ├── NotControllable  the actor is of a kind, or in a state, that the order does not apply to
    │   ├── BadTrace         a trace without limits, or one too many
    │   └── LoopBusy         the loop did not come to the call in time, and will not do it any more
    ├── InjectedCrash        a crash that a simulation asked for
    ├── NotSimulated         a simulation has no such thing as was asked of its loop
    ├── BadFaultPlan         a fault that cannot be read or can never come about
    └── Deadlock             simulated time cannot move: everybody waits for somebody

Texts name types and paths and never the content of a message, which may hold secrets or fail to print.
"""

from __future__ import annotations

from thespian.actors import ActorSystemFailure


class SupervisorError(Exception):
    """Root of the tree."""


class BadActorClass(SupervisorError, TypeError):
    """The class can never work as an actor; the text says what to change."""


class NoMailbox(BadActorClass):
    """The class declares no mailbox and the spawn gave none."""


class LossyMailbox(BadActorClass):
    """A mailbox that may drop stands in front of a handler of a class with `carries_money`."""


class MutableMessage(BadActorClass):
    """In-process sends share references, so what can change after the send is no message."""


class BadHandler(BadActorClass):
    """What `handles` marks could never handle a message: it is a coroutine, or takes other arguments."""


class DuplicateHandler(BadActorClass):
    """Two methods of one class claim the same message type."""


class NotRunning(SupervisorError):
    """An actor operation was tried before the actor had an address, or after its incarnation ended."""


class SystemStopped(SupervisorError, ActorSystemFailure):  # type: ignore[misc]
    """The system was shut down, so that nothing can be begun in it and nobody is left to answer."""


class SourcesOff(SupervisorError):
    """Loading actor sources is off; code that messages bring runs with all rights of the process."""


class BlockingCall(SupervisorError):
    """The call would wait for the very loop it blocks."""


class WrongThread(SupervisorError):
    """A message was sent from a thread other than the one that runs the target; the text says what to do."""


class NameTaken(SupervisorError):
    """A live child has that name already."""


class NoMessage(SupervisorError, TypeError):
    """What was to be sent is a class; most likely its brackets were forgotten."""


class LimitReached(SupervisorError):
    """The actor has as many timers, coroutines or breakers as one may have."""


class NotInHandler(SupervisorError):
    """The operation concerns the message being handled, and none is."""


class StashFull(SupervisorError):
    """The stash reached the capacity of the mailbox it was filled from."""


class NoSuchBehaviour(SupervisorError):
    """An actor can only become what its class declares."""


class BehavioursNested(SupervisorError):
    """Behaviours were put on top of each other and not taken off again."""


class WorkersBusy(SupervisorError):
    """As many calls wait for a thread as may; the call was not begun."""


class BreakerOpen(SupervisorError):
    """The call was not made: too many before it failed. `retry_after_s` is 0 if only a trial is awaited."""

    def __init__(self, path: str, key: str, retry_after_s: float) -> None:
        until = f"for another {retry_after_s:.3g} s" if retry_after_s else "until its trial has ended"
        super().__init__(f"{path}: breaker {key!r} lets no call through {until}")
        self.path = path
        self.key = key
        self.retry_after_s = retry_after_s


class AskError(SupervisorError):
    """An ask ended without an answer."""


class AskTimeout(AskError, TimeoutError):
    """No answer came in time; whether the request was handled is unknown."""


class Refused(AskError):
    """A full mailbox turned a message away: raised from an ask, a message to any other sender.

    The refused message was not handled and is not kept: the sender decides what becomes of it.
    """

    def __init__(self, message_type: str, target: object, path: str, capacity: int) -> None:
        super().__init__(f"{message_type} refused by {path}: its mailbox holds its {capacity} messages")
        self.message_type = message_type
        self.target = target
        self.path = path
        self.capacity = capacity


class DeadActor(AskError):
    """The addressed actor has ended, or ended before it came to the message."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} has ended")
        self.path = path


class NotHandled(AskError):
    """An actor has no handler for a message: raised from an ask, a message to a sender that handles it.

    The message was not handled and is not kept; it is in the dead letters.
    """

    def __init__(self, message_type: str, target: object, path: str, why: str) -> None:
        super().__init__(f"{message_type} was not handled by {path}: {why}")
        self.message_type = message_type
        self.target = target
        self.path = path


class HandlerCrashed(AskError):
    """An actor crashed on a message: raised from an ask, a message to any other sender that handles it.

    What of the message was done before the crash is unknown; it is not tried again.
    """

    def __init__(self, message_type: str, target: object, path: str) -> None:
        super().__init__(f"{path} crashed on {message_type}")
        self.message_type = message_type
        self.target = target
        self.path = path


class UncopyableMessage(SupervisorError, TypeError):
    """The system copies every message, and this one holds what cannot be; raised where it is sent."""


class MailboxOverflow(SupervisorError):
    """A mailbox that must not overflow did."""


class Escalated(SupervisorError):
    """The failure of a child that its parent could not absorb; `__cause__` is the child's own."""

    def __init__(self, path: str, error: BaseException, limit: str) -> None:
        super().__init__(f"{path} failed {limit}: {described(error)}")
        self.path = path
        self.error = error


class RootFailed(SupervisorError):
    """A top-level actor could not be kept alive; the process should end with a non-zero status."""

    def __init__(self, path: str, error: BaseException) -> None:
        super().__init__(f"{path} failed for good: {described(error)}")
        self.path = path
        self.error = error

    @property
    def origin(self) -> BaseException:
        """What it began with, in the actor that failed first; its text is not known to hold no secrets."""
        error = self.error
        while isinstance(error, Escalated):
            error = error.error
        return error


class InspectionError(SupervisorError):
    """What was asked from outside could not be shown or done; nothing was changed."""


class NoSuchActor(InspectionError, LookupError):
    """No actor alive has that path; the text names the nearest that one has."""

    def __init__(self, path: str, near: tuple[str, ...]) -> None:
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"no actor at {path!r}{hint}")
        self.path = path
        self.near = near


class NotControllable(InspectionError):
    """The order does not apply to this actor now; the text says why."""


class BadTrace(InspectionError, ValueError):
    """A trace was asked for that could harm, or was read where it cannot be."""


class LoopBusy(InspectionError, TimeoutError):
    """The loop is held up, by the handler that the text names; the call was withdrawn."""


class InjectedCrash(SupervisorError):
    """Raised in place of handling a message because a simulation asked for it."""


class NotSimulated(SupervisorError, NotImplementedError):
    """The code asked a simulated loop for something of the machine's that is not simulated."""


class BadFaultPlan(SupervisorError, ValueError):
    """The text of a fault plan, or a number in it, makes no sense; the error says what would."""


class Deadlock(SupervisorError):
    """Nothing is ready and no timer is set, yet the program still waits."""


def described(error: BaseException) -> str:
    """Return an error's type, and its text if that is one of these, which are known to hold no secrets."""
    name = type(error).__name__
    if not isinstance(error, SupervisorError):
        return name
    try:
        return f"{name}: {error}"
    except Exception:  # one that a program derived from these, with code of its own
        return name
