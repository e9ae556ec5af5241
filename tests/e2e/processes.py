"""The venue and the daemon as their users start them, and how to wait for what they do."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import psutil
import yaml

T = TypeVar("T")

REMORA = (sys.executable, "-P", "-m", "ops.cli")
PATIENCE_S = 60.0
"""Much longer than anything here takes: the machine may be busy with other tests."""

NEARLY_EVERYTHING = {
    "max_live_lag_s": 3600,
    "max_price_move": 0.05,
    "price_wait_s": 60,
    "book_age_ms_max": 60_000,
    "market_age_ms_max": 600_000,
}
"""Guards that do not depend on how fast this machine is today: what is copied is the tape's affair."""

_http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would change a daemon's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REMORA_")} | changes


def remora(
    *args: str, timeout_s: float = PATIENCE_S, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*REMORA, *args],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=dict(env) if env is not None else environment(),
        cwd=cwd,
        check=False,
    )


def until(
    look: Callable[[], T], what: str, timeout_s: float = PATIENCE_S, said: Callable[[], str] = str
) -> T:
    """Return what `look` returns as soon as that is true."""
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline, (
            f"not within {timeout_s:.0f} s: {what}; last seen: {seen}\n{said()}"
        )
        time.sleep(0.05)
    return seen


def fetch(url: str, data: bytes | None = None, method: str | None = None) -> Any:
    """Return the JSON that a URL answers."""
    request = urllib.request.Request(url, data=data, method=method)
    with _http.open(request, timeout=10) as answer:
        return json.load(answer)


class Venue:
    """The local venue, held until `play`."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [*REMORA, "venue", "--port", "0", "--hold", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(),
        )
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        self.urls: dict[str, str] = said["urls"]

    def play(self) -> None:
        """Start the play clock."""
        fetch(f"{self.urls['control']}/start", b"")

    def faults(self, *faults: dict[str, Any]) -> None:
        """Let these go wrong from now on, and nothing else."""
        fetch(f"{self.urls['control']}/faults", json.dumps({"faults": faults}).encode())

    def status(self) -> dict[str, Any]:
        """How far it has played."""
        answer: dict[str, Any] = fetch(f"{self.urls['control']}/status")
        return answer

    def legs(self, wallets: list[str] | None = None) -> list[dict[str, Any]]:
        """Every leg that was played, of these wallets or of all."""
        legs = fetch(f"{self.urls['control']}/truth")["legs"]
        return [leg for leg in legs if wallets is None or leg["wallet"] in wallets]

    def wait_played(self, count: int) -> None:
        """Wait until so many legs were played."""
        until(lambda: self.status()["trades_played"] >= count, f"{count} legs played")

    def wait_finished(self) -> None:
        """Wait until everything was played."""
        until(lambda: self.status()["finished"], "play finished")

    def leaders(self, limit: int = 3) -> list[str]:
        """The wallets worth following."""
        wallets: list[str] = fetch(f"{self.urls['control']}/leaders?limit={limit}")["leaders"]
        return wallets

    def settings(self) -> dict[str, Any]:
        """What a daemon is told that is to copy from here."""
        caps = {"per_market": 50_000, "per_event": 50_000, "per_portfolio": 100_000}
        return {
            "endpoints": {
                f"{name}_url": self.urls[name] for name in ("rtds", "clob", "gamma", "data", "market_ws")
            },
            "ingest": {
                "sockets": 3,
                "silence_s": 3,
                "reconnect_first_s": 0.1,
                "reconnect_max_s": 1,
                "poll_interval_s": 5,
                "poll_settle_s": 3,
            },
            "leaders": self.leaders(),
            "portfolios": [
                {
                    "id": "bold",
                    "cash": 100_000,
                    "ratio": 0.1,
                    "caps": caps | {"per_trade": 5_000},
                    "guards": NEARLY_EVERYTHING,
                },
                {
                    "id": "timid",
                    "cash": 100_000,
                    "ratio": 0.05,
                    "caps": caps | {"per_trade": 6},
                    "guards": NEARLY_EVERYTHING,
                },
            ],
            "execution": {"intent_age_s_max": 3600, "resume_age_s_max": 3600},
            "reconciliation": {"interval_s": 2},
            "web": {"port": 0},
            "logs": {"format": "json"},
        }

    def end(self) -> None:
        """End it."""
        _end(self.process)


class Daemon:
    """The daemon on a configuration and a state directory of its own, started as often as one likes."""

    def __init__(self, home: Path, settings: dict[str, Any]) -> None:
        home.mkdir(mode=0o755)
        self.state = home / "state"
        self.config = home / "remora.yaml"
        self.log = home / "daemon.log"
        self.settings = {"state_dir": str(self.state)} | settings
        self.portfolios = len(self.settings["portfolios"])
        self.config.write_text(yaml.safe_dump(self.settings))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        """Start it and wait until every socket is subscribed."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*REMORA, "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
            )
        if wait:
            self.until(self.is_listening, "the daemon listens to the trade stream")

    def until(self, look: Callable[[], T], what: str, timeout_s: float = PATIENCE_S) -> T:
        """Wait for something, and show the log if it does not happen."""
        return until(look, what, timeout_s, self.log_tail)

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def is_listening(self) -> bool:
        """Whether all its sockets are subscribed, its database takes writes, and its leaders are followed."""
        assert self.is_alive(), f"the daemon ended with {self.exit_code()}:\n{self.log_tail()}"
        status = self.status()
        feeds = status.get("ingest", {}).get("feeds", ())
        streams = [feed for feed in feeds if feed["feed"] != "poller"]
        if not streams or not all(feed["connected"] for feed in streams) or not status["store"]["available"]:
            return False
        return bool(status["ingest"]["leaders"] or not status["leaders"])

    def url(self) -> str | None:
        """Where this process of it answers, None until it does."""
        with contextlib.suppress(OSError, ValueError):
            said = json.loads((self.state / "web.json").read_text())
            if self.process is not None and said["pid"] == self.process.pid:
                return str(said["url"])
        return None

    def status(self) -> dict[str, Any]:
        """What it says of itself, empty while it does not answer."""
        url = self.url()
        if url is None:
            return {}
        try:
            answer: dict[str, Any] = fetch(f"{url}/api/status")
        except OSError:
            return {}
        return answer

    def counts(self) -> dict[str, Any]:
        """The counted part of its status, empty while it cannot count."""
        counts: dict[str, Any] = self.status().get("counts", {})
        return {} if "error" in counts else counts

    def feeds(self) -> dict[str, dict[str, Any]]:
        """Its sources by name."""
        return {feed["feed"]: feed for feed in self.status().get("ingest", {}).get("feeds", ())}

    def is_settled(self, trades: int) -> bool:
        """Whether it has taken in so many trades, decided on each everywhere, and ended every order."""
        counts = self.counts()
        if not counts or counts["leader_trades"] < trades:
            return False
        decided = counts["intents"] + sum(counts["skips"].values())
        ended = sum(counts["orders"].get(state, 0) for state in ("FILLED", "CANCELLED", "REJECTED", "LOST"))
        return bool(decided == counts["leader_trades"] * self.portfolios and ended == counts["intents"])

    def wait_settled(self, trades: int) -> None:
        """Wait until nothing is under way any more."""
        self.until(lambda: self.is_settled(trades), f"{trades} trades decided, every order at its end")

    def kill(self) -> None:
        """Kill it with -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = 30) -> int:
        """Tell it to stop and return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def exit_code(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def wait_exit(self, timeout_s: float = PATIENCE_S) -> int:
        assert self.process is not None
        return self.process.wait(timeout_s)

    def postmaster(self) -> psutil.Process | None:
        """Its embedded database server, if one runs."""
        return postmaster_of(self.state)

    def log_lines(self) -> list[dict[str, Any]]:
        """Its log, a dictionary a line; what is no JSON is under `event`."""
        lines = []
        for line in self.log.read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                lines.append({"event": line, "plain": True})
        return lines

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log's lines about one event."""
        return [line for line in self.log_lines() if line["event"] == name]

    def log_tail(self, lines: int = 25) -> str:
        """The end of the log."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def assert_no_traceback(self) -> None:
        """Whatever happened was anticipated."""
        text = self.log.read_text(errors="replace")
        assert "Traceback" not in text, text[text.index("Traceback") - 500 :][:4000]

    def end(self) -> None:
        """End it and its database, whatever state they are in."""
        if self.process is not None:
            _end(self.process)
        server = self.postmaster()
        if server is not None:
            server.send_signal(signal.SIGINT)
            with contextlib.suppress(psutil.Error):
                server.wait(10)


def postmaster_of(state: Path) -> psutil.Process | None:
    """The embedded database server of a state directory, if one runs."""
    try:
        pid = int((state / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        return process if process.name() == "postgres" else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
