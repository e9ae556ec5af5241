"""What the edge writes down."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from actors.ingest.tape import Tape
from messages import envelope
from messages.envelope import Envelope

Frame = Callable[..., bytes]
Until = Callable[..., Awaitable[None]]


def recorded(folder: Path) -> list[Envelope]:
    return [one for path in sorted(folder.glob("recordings/*.jsonl")) for one in envelope.read(path)]


def one(seq: int) -> Envelope:
    return Envelope(run_id="r", seq=seq, at=5, source="rtds.activity", payload=msgspec.Raw(b'{"a":1}'))


async def ready(running: Any, until: Until, sockets: int) -> None:
    running.watch(int(time.time()))
    await until(lambda: len(running.venue.sockets) == sockets and len(running.venue.asked) > 0)
    await asyncio.sleep(0.05)


async def test_each_trade_of_a_leader_is_recorded_once_as_it_came(
    house: Any, venue: Any, frame: Frame, until: Until, tmp_path: Path
) -> None:
    running = house(recording=True, sockets=3)
    await ready(running, until, 3)
    twins = [frame(envelope={"timestamp": n}) for n in (1, 2)]
    pretty = json.dumps(json.loads(frame(size=3)), indent=2)

    await venue.send(*twins, frame(proxyWallet="0x" + "99" * 20), *twins, pretty)

    await until(lambda: len(recorded(tmp_path)) == 3)
    found = recorded(tmp_path)
    assert [bytes(record.payload) for record in found[:2]] == twins
    assert json.loads(bytes(found[2].payload)) == json.loads(pretty)
    assert [record.seq for record in found] == [1, 2, 3]
    assert {(record.run_id, record.source) for record in found} == {("run1", "rtds.activity")}
    assert all(record.at > 0 and record.monotonic_ns > 0 for record in found)


async def test_nothing_is_recorded_unless_wanted(
    house: Any, venue: Any, frame: Frame, until: Until, tmp_path: Path
) -> None:
    running = house()
    await ready(running, until, 1)
    await venue.send(frame())
    await until(lambda: len(running.fills) == 1)
    assert not (tmp_path / "recordings").exists()


async def test_a_disk_that_takes_nothing_ends_the_recording_and_not_the_trading(
    house: Any, venue: Any, frame: Frame, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Tape, envelopes: list[Envelope]) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Tape, "write", full)
    running = house(recording=True)
    await ready(running, until, 1)
    with capture_logs() as logs:
        for number in range(3):
            await venue.send(frame(size=number + 1))
            await until(lambda number=number: len(running.fills) == number + 1)  # type: ignore[misc]
            await asyncio.sleep(0.3)

    errors = [entry for entry in logs if entry["log_level"] == "error"]
    assert len(errors) == 1
    assert errors[0]["error"] == "No space left on device"


async def test_what_waits_is_written_at_the_end(
    house: Any, venue: Any, frame: Frame, until: Until, tmp_path: Path
) -> None:
    running = house(recording=True)
    await ready(running, until, 1)
    await venue.send(frame())
    await until(lambda: len(running.fills) == 1)
    await running.base.stop()
    assert len(recorded(tmp_path)) == 1


def test_files_are_rotated_and_bounded(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    tape = Tape(folder, "r", file_bytes_max=300, files_max=3)
    for seq in range(1, 31):
        tape.write([one(seq)])
    tape.close()
    files = sorted(folder.iterdir())
    assert len(files) == 3
    assert all(path.stat().st_size < 500 for path in files)
    sequences = [record.seq for path in files for record in envelope.read(path)]
    assert sequences == list(range(sequences[0], 31))


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    for seq in (1, 2):
        tape = Tape(tmp_path, "r")
        tape.write([one(seq)])
        tape.close()
    assert len(list(tmp_path.iterdir())) == 2
