"""Commands as an ordinary user: as ourselves, unless we are root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from processes import environment

import ops

NOBODY = 65534
_CHECK = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import ops.cli'], check=True)"


def as_ordinary_user(*args: str, home: Path, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody whose home this is; skips where nobody can be that."""
    prefix, paths = _somebody()
    if prefix:
        os.chown(home, NOBODY, NOBODY)
    extra = {"PYTHONPATH": paths} if paths else {}
    return subprocess.run(
        [*prefix, "-P", "-m", "ops.cli", *args] if prefix else [sys.executable, "-P", "-m", "ops.cli", *args],
        capture_output=True,
        text=True,
        env=environment(HOME=str(home), TMPDIR=str(home), **extra),
        cwd=home,
        timeout=timeout_s,
        check=False,
    )


@cache
def _somebody() -> tuple[tuple[str, ...], str]:
    """How to become somebody who can run our code: a prefix with an interpreter, and its search path.

    This interpreter may live in root's home, which is closed to others; then another one of the same
    version does, with the packages of this one.
    """
    if os.geteuid() != 0:
        return (), ""
    if shutil.which("setpriv") is None:
        pytest.skip("to become an ordinary user takes setpriv")
    become = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    code = Path(ops.__file__ or "").parents[1]
    packages = os.pathsep.join([str(code), *(path for path in sys.path if path.endswith("site-packages"))])
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    other = shutil.which(name, path="/usr/bin:/usr/local/bin")
    for python, paths in ((sys.executable, ""), (other, packages)):
        if python is None:
            continue
        env = environment(**({"PYTHONPATH": paths} if paths else {}))
        tried = subprocess.run(
            [*become, python, "-c", _CHECK], cwd="/", env=env, capture_output=True, check=False
        )
        if tried.returncode == 0:
            return (*become, python), paths
    pytest.skip("an ordinary user cannot enter where the interpreter or this code lives")
