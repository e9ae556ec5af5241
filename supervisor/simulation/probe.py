"""A stand-in for a collaborator in simulations: records what it is sent, answers what it was told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from supervisor.abilities import links
from supervisor.actor import SupervisedActor
from supervisor.dispatch import handles
from supervisor.errors import Refused
from supervisor.mailbox import Mailbox, Overflow
from supervisor.signals import BreakerChanged

if TYPE_CHECKING:
    from supervisor.core.system import System

_Message = TypeVar("_Message")


class Probe:
    """The handle of a recording actor; its fields are the test's to read."""

    address: Any
    messages: list[Any]
    """What came and was not taken yet, in order."""
    senders: list[Any]
    """The sender of each of these."""

    def __init__(self, system: System, name: str) -> None:
        self._system = system
        self.name = name
        self.messages = []
        self.senders = []
        self._answers: dict[type, Callable[[Any], Any]] = {}

    def take(self, message_type: type[_Message]) -> _Message:
        """Remove and return the first recorded message of that type; a missing one is an AssertionError."""
        for index, message in enumerate(self.messages):
            if isinstance(message, message_type):
                del self.messages[index], self.senders[index]
                return message
        seen = ", ".join(type(each).__name__ for each in self.messages) or "nothing"
        raise AssertionError(f"{self.name} was sent no {message_type.__name__}, but {seen}")

    def take_all(self, message_type: type[_Message]) -> list[_Message]:
        """Remove and return all recorded messages of that type."""
        taken: list[_Message] = []
        while any(isinstance(each, message_type) for each in self.messages):
            taken.append(self.take(message_type))
        return taken

    def clear(self) -> None:
        """Forget what was recorded."""
        self.messages.clear()
        self.senders.clear()

    def answers(self, message_type: type[_Message], answer: Callable[[_Message], Any]) -> None:
        """Answer each message of exactly that type from now on; it is recorded all the same."""
        self._answers[message_type] = answer

    def send(self, address: Any, message: Any) -> None:
        """Send a message as if the collaborator had."""
        self._system.target_of(address).accept(message, self.address)

    def watch(self, address: Any) -> None:
        """Be sent `Terminated` when that actor has ended."""
        links.watch(self.address.cell, address)

    def record(self, message: Any, sender: Any) -> Any:
        """Take note of a message and return the answer to it, None for none."""
        self.messages.append(message)
        self.senders.append(sender)
        answer = self._answers.get(type(message))
        return answer(message) if answer is not None else None


class ProbeActor(SupervisedActor):
    """The actor of a probe; takes messages of every type."""

    mailbox: ClassVar[Mailbox] = Mailbox(capacity=1_000_000, overflow=Overflow.REFUSE)

    @handles(Refused, BreakerChanged)
    def on_notice(self, message: Refused | BreakerChanged, sender: Any) -> None:
        """Never called; declares that such notices are wanted."""

    def receiveMessage(self, msg: Any, sender: Any) -> None:
        answer = self.args.record(msg, sender)
        if answer is not None:
            self.send(sender, answer)
