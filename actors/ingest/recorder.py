"""Writes leaders' frames down as they came, for replay. It must never be the reason that anything waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog
from thespian.actors import ActorAddress

from actors.ingest import metrics
from actors.ingest.recent import RecentSet
from actors.ingest.reports import FrameTaken
from actors.ingest.tape import Tape
from messages.base import Message
from messages.envelope import Envelope
from supervisor import Mailbox, Overflow, SupervisedActor, handles

SOURCE: Final = "rtds.activity"
FLUSH_S: Final = 0.25
WAITING_MAX: Final = 20_000
"""Frames that wait for a slow disk; more are left out and counted."""
KEYS_KEPT: Final = 16_384

log = structlog.get_logger("recorder")


@dataclass(frozen=True, slots=True)
class RecorderArgs:
    """Where recordings go and which run they are of."""

    folder: Path
    run_id: str


class _Flush(Message, frozen=True):
    pass


class _Written(Message, frozen=True, kw_only=True):
    frames: int
    error: str = ""


class Recorder(SupervisedActor):
    """One tape of what all sockets brought: each trade once, from the socket that was first."""

    mailbox = Mailbox(capacity=20_000, overflow=Overflow.DROP_NEWEST)

    args: RecorderArgs

    def started(self) -> None:
        self.tape = Tape(self.args.folder, self.args.run_id)
        self.keys: RecentSet[int] = RecentSet(KEYS_KEPT)
        self.waiting: list[Envelope] = []
        self.seq = 0
        self.is_writing = False
        self.error = ""

    def stopped(self) -> None:
        if self.error or self.is_writing:
            return
        problem = _write(self.tape, self.waiting, is_last=True).error
        if problem:
            log.error("the last frames were not recorded", error=problem, frames=len(self.waiting))

    def snapshot(self) -> dict[str, object]:
        return {"frames": self.seq, "waiting": len(self.waiting), "error": self.error}

    @handles(FrameTaken)
    def on_frame(self, message: FrameTaken, sender: ActorAddress) -> None:
        if self.keys.seen(message.key):
            return
        if self.error or len(self.waiting) >= WAITING_MAX:
            metrics.UNRECORDED.inc()
            return
        self.seq += 1
        # A tape has a line per record, and JSON may be spread over several.
        frame = msgspec.json.format(message.frame, indent=-1) if b"\n" in message.frame else message.frame
        self.waiting.append(
            Envelope(
                run_id=self.args.run_id,
                seq=self.seq,
                at=message.at_ns,
                monotonic_ns=message.monotonic_ns,
                source=SOURCE,
                payload=msgspec.Raw(frame),
            )
        )
        if len(self.waiting) == 1 and not self.is_writing:
            self.timer("flush", FLUSH_S, _Flush())

    @handles(_Flush)
    def on_flush(self, message: _Flush, sender: ActorAddress) -> None:
        batch, self.waiting = self.waiting, []
        self.is_writing = True
        self.pipe(asyncio.to_thread(_write, self.tape, batch), into=lambda written: written)

    @handles(_Written)
    def on_written(self, message: _Written, sender: ActorAddress) -> None:
        self.is_writing = False
        if message.error:
            self._give_up(message)
        else:
            metrics.RECORDED.inc(message.frames)
            if self.waiting:
                self.timer("flush", FLUSH_S, _Flush())

    def _give_up(self, written: _Written) -> None:
        self.error = written.error
        metrics.UNRECORDED.inc(written.frames + len(self.waiting))
        self.waiting = []
        log.error(
            "recording is off until the next start; trading goes on",
            folder=str(self.args.folder),
            error=written.error,
        )


def _write(tape: Tape, envelopes: list[Envelope], *, is_last: bool = False) -> _Written:
    try:
        if envelopes:
            tape.write(envelopes)
        if is_last:
            tape.close()
    except OSError as error:
        return _Written(frames=len(envelopes), error=error.strerror or str(error))
    return _Written(frames=len(envelopes))
