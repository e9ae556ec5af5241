"""A real EVM node on loopback: anvil, from the npm package `@foundry-rs/anvil`.

$REMORA_ANVIL or an anvil on the path is used if there is one; else npm installs this version once, into the
virtual environment. Where neither is possible the tests that need it are skipped, but not in continuous
integration.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

VERSION: Final = "1.7.1"
START_S: Final = 20.0

_PROGRAM: Final = "node_modules/@foundry-rs/anvil-*/bin/anvil"


class NoAnvilError(RuntimeError):
    """There is no anvil, and it could not be installed."""


def program() -> Path:
    """Return where anvil is. Raises `NoAnvilError` saying what is missing."""
    named = os.environ.get("REMORA_ANVIL") or shutil.which("anvil")
    if named:
        return Path(named)
    home = Path(sys.prefix) / f"anvil-{VERSION}"
    if not home.exists():
        _install(home)
    found = next(home.glob(_PROGRAM), None)
    if found is None:
        raise NoAnvilError(f"{home} holds no anvil for this platform: remove it, and set $REMORA_ANVIL")
    return found


def _install(home: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoAnvilError("anvil is not installed, and there is no npm to install it with")
    fresh = Path(tempfile.mkdtemp(prefix=f"{home.name}-", dir=home.parent))
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--no-save")
    try:
        done = subprocess.run(
            [
                npm,
                "install",
                *quiet,
                "--cache",
                str(fresh / "cache"),
                "--prefix",
                str(fresh),
                f"@foundry-rs/anvil@{VERSION}",
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode != 0:
            last = " / ".join(done.stderr.strip().splitlines()[-3:])
            raise NoAnvilError(f"npm could not install anvil: {last}")
        shutil.rmtree(fresh / "cache", ignore_errors=True)
        try:
            fresh.rename(home)
        except OSError:
            if not home.exists():  # another process may have been quicker
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


class Anvil:
    """A running node of chain 137; its url takes HTTP and WebSocket alike."""

    def __init__(self, folder: Path) -> None:
        self._output = folder / "anvil.log"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [str(program()), "--port", "0", "--chain-id", "137", "--accounts", "1"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.address = self._listening()

    def _listening(self) -> str:
        until = time.monotonic() + START_S
        while time.monotonic() < until and self._process.poll() is None:
            _, found, rest = self._output.read_text().partition("Listening on ")
            if found and "\n" in rest:
                return rest.split()[0]
            time.sleep(0.01)
        self.stop()
        raise NoAnvilError(f"anvil did not start: {self._output.read_text()[-500:]}")

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
