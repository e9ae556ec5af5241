"""The run queue: which actor handles its next message, in slices of about a millisecond of the loop.

Nothing an actor or a message does may stop it. It never looks into a message, only at its type.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from supervisor.core.queues import Item
from supervisor.errors import WrongThread
from supervisor.inspection.measures import Measures

if TYPE_CHECKING:
    from supervisor.core.cell import Cell

SLICE_S: Final = 0.001
"""A slice delays every coroutine of the process, several times over until one has finished."""
TURN_MESSAGES_MAX: Final = 16
"""What one actor handles before the next has its turn."""
SAMPLE_S: Final = 0.00025
"""Whoever handles a message when about so much time in handlers has gone by is charged with it. To add up
each handler's own time would cost every message what so costs one in hundreds."""
GOLDEN: Final = 0.6180339887498949
"""Its multiples spread evenly over a whole without ever repeating."""


class Scheduler:
    """Ready actors in the order they became ready, an actor's messages in the order they came."""

    ready: Any
    """Cells with something to do; each at most once."""
    idle: bool
    """Whether no slice is scheduled, so that who makes a cell ready must `wake`."""
    now: float
    """The loop's time, as of the last message handled or wake; what stamps messages."""
    current: Item | None
    """The message being handled, None between handlers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, measures: Measures) -> None:
        self.loop = loop
        self.measures = measures
        self.ready = deque()
        self.idle = True
        self.thread: int | None = None
        """The loop's, None until that is known."""
        self.clock: Callable[[], float] = time.monotonic
        self.now = self.clock()
        self.woken_at = self.now
        self.current = None
        self.cell: Cell | None = None
        self._caller: FrameType | None = None
        self._sample_s = min(SAMPLE_S, measures.slow_s / 2)
        self._sample_in_s = self._sample_s
        self._sampled_at = self.now
        self._share = 0.0
        self._unsampled_s = 0.0

    def wake(self) -> None:
        """Have a slice run soon; needed when a cell became ready while idle.

        Raises `WrongThread`: a loop that is idle would not notice.
        """
        if threading.get_ident() != self.thread:
            raise WrongThread(
                f"sent from {threading.current_thread().name}, which is not the thread of the target's loop; "
                "use base.tell(), or return the value from run_in_thread()"
            )
        self.idle = False
        self.now = self.woken_at = self.clock()
        self.loop.call_soon(self.run_slice)

    def let_go(self, error: BaseException) -> None:
        """Clear, when they have ended, the frames that called those of an error that is kept.

        They are the loop's own, and may hold all timers there were.
        """
        frames = error.__traceback__
        caller = frames.tb_frame.f_back if frames is not None else None
        if caller is not None and caller is not self._caller:
            self._caller = caller
            self.loop.call_soon(_clear, caller)

    def run_slice(self) -> None:
        """Handle messages for about a millisecond, then let the loop's other work have its turn."""
        ready = self.ready
        clock = self.clock
        now = self.now = clock()
        self.measures.note_lag(now - self.woken_at)
        deadline = now + SLICE_S
        self._sampled_at = now - self._unsampled_s
        due = self._sampled_at + self._sample_in_s
        try:
            while ready and now < deadline:
                cell: Cell = ready.popleft()
                self.cell = cell
                if cell.attention and not cell.attend():
                    if cell.congested:
                        cell.ease()
                    continue
                queue = cell.queue
                left = TURN_MESSAGES_MAX
                while True:
                    message, sender, _ = self.current = queue.popleft()
                    try:
                        cell.handlers[type(message)](cell.actor, message, sender)
                    except KeyboardInterrupt:
                        ready.append(cell)
                        raise
                    except BaseException as error:
                        before = now
                        now = self.now = clock()
                        if now >= due:
                            due = self._sample(cell, before)
                        cell.crashed(error, self.current)
                        now = self.now = clock()
                        break
                    left -= 1
                    before = now
                    now = self.now = clock()
                    if now >= due:
                        due = self._sample(cell, before)
                    if queue and (not left or now >= deadline):
                        ready.append(cell)
                        break
                    if cell.attention:
                        if not cell.attend():
                            break
                        queue = cell.queue  # the actor may have slept and woken
                    elif not queue:
                        cell.scheduled = False
                        break
                cell.handled += TURN_MESSAGES_MAX - left
                if cell.congested:
                    cell.ease()
        finally:
            # The traceback of a crash that is kept for inspection leads here: it must not hold actors.
            cell = queue = message = sender = None  # type: ignore[assignment]
            self.current = None
            self.cell = None
            self._unsampled_s = now - self._sampled_at
            if ready:
                self.woken_at = now
                self.loop.call_soon(self.run_slice)
            else:
                self.idle = True

    def _sample(self, cell: Cell, began: float) -> float:
        """Charge whoever handled a message when a sample was due with the time since the one before it.

        Return when the next is due: at uneven distances, lest an even load always meet the same actor. Who
        takes longer than that is charged in full, and named if it was slow.
        """
        now = self.now
        item = self.current
        if now - began > self.measures.slow_s and item is not None:
            self.measures.note_slow(cell, item, now - began)
        due = self._sampled_at + self._sample_in_s
        at = due if now - due < self._sample_s / 2 else now
        cell.busy_s += at - self._sampled_at
        self._sampled_at = at
        self._share = (self._share + GOLDEN) % 1.0
        self._sample_in_s = self._sample_s * (0.5 + self._share)
        return at + self._sample_in_s


def _clear(frame: FrameType | None) -> None:
    while frame is not None:
        try:
            frame.clear()
        except RuntimeError:  # it still runs, and so do all above it
            return
        frame = frame.f_back
