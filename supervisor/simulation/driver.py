"""Running actors in virtual time: for tests that neither sleep nor flicker.

The actors and their coroutines run unchanged; only time, chance and the turn of the actors come from the
simulation. Driven from outside by ordinary synchronous code.
"""

from __future__ import annotations

from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from thespian.actors import Actor

from supervisor.clock import Clock
from supervisor.core.cell import CRASH
from supervisor.core.system import DEFAULT_BUDGET
from supervisor.mailbox import Mailbox
from supervisor.policy import Restart, RestartBudget, Supervision
from supervisor.simulation.armed import Fired
from supervisor.simulation.base import START_NS, SimulatedSystemBase
from supervisor.simulation.faults import Fault
from supervisor.simulation.plan import FaultPlan
from supervisor.simulation.probe import Probe, ProbeActor
from supervisor.simulation.record import Step

_Value = TypeVar("_Value")

_ASK_TIMEOUT_S: Final = 60.0


class Simulation:
    """A system of actors in virtual time.

    With a seed, which ready actor has its turn is drawn from it, and the same seed gives the same run;
    without one, actors have their turns in order. `faults` is what goes wrong. With `deep` the digest covers
    what messages say, not only who handled which type when. Use it as a context: its end stops the actors.
    """

    def __init__(
        self,
        seed: int | str | None = None,
        *,
        start_ns: int = START_NS,
        supervision: Supervision | None = None,
        faults: FaultPlan | None = None,
        deep: bool = False,
        restart_budget: RestartBudget | None = DEFAULT_BUDGET,
        copy_messages: bool = False,
    ) -> None:
        self.base = SimulatedSystemBase(
            seed,
            start_ns=start_ns,
            supervision=supervision,
            faults=faults,
            deep=deep,
            restart_budget=restart_budget,
            copy_messages=copy_messages,
        )
        self.loop = self.base.loop
        self.clock: Clock = self.base.clock
        self.network = self.loop.network
        self._probes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the actors in order, unharmed, and close the loop."""
        if not self.loop.is_closed():
            self.heal()
            self.loop.run_until_complete(self.base.stop())
            self.loop.give_up()
            self.loop.close()

    # --- the actors ---

    def spawn(
        self,
        cls: type[Actor],
        name: str,
        args: Any = None,
        *,
        restart: Restart = Restart.TRANSIENT,
        shutdown_s: float = 5.0,
        mailbox: Mailbox | None = None,
    ) -> Any:
        """Start a top-level actor and return its address."""
        return self.base.spawn(cls, name, args, restart=restart, shutdown_s=shutdown_s, mailbox=mailbox)

    def probe(self, name: str | None = None) -> Probe:
        """Return an actor that records what it is sent, to stand for whatever the tested one talks to."""
        self._probes += 1
        name = name or f"probe-{self._probes}"
        probe = Probe(self.base, name)
        probe.address = self.spawn(ProbeActor, name, probe)
        self.run()
        return probe

    def tell(self, address: Any, message: Any, sender: Any = None) -> None:
        """Send a message, from a probe if given; nothing is handled before `run` or `advance`."""
        source = sender.address if isinstance(sender, Probe) else sender
        self.base.deliver(address, message, source if source is not None else self.base.external.address)

    def ask(self, address: Any, message: Any, *, timeout_s: float = _ASK_TIMEOUT_S) -> Any:
        """Send a message and return the answer, moving the time as far as that takes."""
        return self.await_(self.base.ask(address, message, timeout_s=timeout_s))  # type: ignore[arg-type]

    def crash(self, address: Any) -> None:
        """Have the actor crash on its next message, which goes to the dead letters."""
        cell = address.cell
        cell.attention |= CRASH
        cell.schedule()

    # --- the time ---

    def run(self) -> None:
        """Run until nothing is runnable now; the time stays."""
        self.loop.drive(self.loop.time())

    def advance(self, seconds: float) -> None:
        """Let virtual time pass: all that becomes due on the way happens in its order."""
        if seconds < 0:
            raise ValueError(f"seconds was {seconds}, expected 0 or more")
        self.loop.drive(self.loop.time() + seconds)

    def await_(self, coroutine: Coroutine[Any, Any, _Value]) -> _Value:
        """Run a coroutine to its end, moving the time as far as that takes. Raises `Deadlock`."""
        return self.loop.run_until_complete(coroutine)

    # --- what goes wrong ---

    def heal(self) -> None:
        """Do no harm from now on: what is held back arrives, who is paused goes on.

        The clock stays as it is, and broken connections stay broken.
        """
        if self.base.faults is not None:
            self.base.faults.heal()

    def step_clock(self, by_s: float) -> None:
        """Have the wall clock jump, ahead or back; monotonic time and timers do not notice."""
        self.base.clock.step(by_s)

    @property
    def fired(self) -> list[Fired]:
        """The faults of the plan that came about, with when and where they first did."""
        return self.base.faults.fired() if self.base.faults is not None else []

    @property
    def unfired(self) -> list[Fault]:
        """The faults of the plan that nothing came of."""
        return self.base.faults.unfired() if self.base.faults is not None else []

    # --- what happened ---

    @property
    def trace(self) -> list[Step]:
        """The last messages handled: when, by whom, of which type."""
        return self.base.record.trace()

    @property
    def handled(self) -> int:
        """How many messages were handled."""
        return self.base.record.steps

    @property
    def digest(self) -> str:
        """A hash over all messages handled; the same seed and input give the same."""
        return self.base.record.digest()
