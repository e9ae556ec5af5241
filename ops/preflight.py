"""What is looked at before anything starts: the state directory, the lock, the port, the upstreams."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.settings import Endpoints, Web
from ops.exits import CannotGoOn, Exit

LOCK_NAME: Final = "remora.lock"
CONNECT_TIMEOUT_S: Final = 5.0


def prepare_state_dir(text: str) -> Path:
    """Return the state directory, made if missing and proven writable. Raises `CannotGoOn`."""
    path = Path(text).expanduser()
    path = path if path.is_absolute() else Path.cwd() / path
    try:
        path.mkdir(mode=0o755, parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except (FileExistsError, NotADirectoryError) as error:
        file = next(one for one in (path, *path.parents) if one.exists())
        raise CannotGoOn(
            Exit.STATE,
            f"the state directory {path} cannot be made: {file} is a file, not a directory. "
            "Set state_dir to another place, or move that file away.",
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(path: Path, error: OSError) -> CannotGoOn:
    return CannotGoOn(
        Exit.STATE,
        f"the state directory {path} cannot be written: {error.strerror} ({error.filename}). "
        "Make it writable for this user or set state_dir to another place.",
    )


@contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Hold the state directory's lock; the system frees it however the process ends.

    Raises `CannotGoOn` if another process holds it: two engines on one book would double every order.
    """
    path = state_dir / LOCK_NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        # As it is where another user ran Remora here: the directory is shared, the lock is theirs.
        raise _unwritable(state_dir, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise CannotGoOn(
                Exit.STATE,
                f"another Remora (pid {holder}) runs on {state_dir}. "
                "Stop it, or give this one a state_dir of its own.",
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def listen(web: Web) -> socket.socket:
    """Return the listening socket of the web side. Raises `CannotGoOn` if the port cannot be had."""
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((web.host, web.port))
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise CannotGoOn(
            Exit.PORT,
            f"cannot listen on {web.host} port {web.port}: {error.strerror}. "
            "Set web.port to a free port (0 takes any), or stop what listens there.",
        ) from error
    return listener


def _upstreams(endpoints: Endpoints) -> list[tuple[str, int]]:
    """Return host and port of every upstream, each once."""
    parts = [
        urlsplit(url)
        for url in (
            endpoints.rtds_url,
            endpoints.data_url,
            endpoints.gamma_url,
            endpoints.clob_url,
            endpoints.market_ws_url,
            *endpoints.polygon_urls,
        )
    ]
    return sorted(
        {
            (part.hostname or "", part.port or (443 if part.scheme in ("https", "wss") else 80))
            for part in parts
        }
    )


async def _reason(host: str, port: int) -> str:
    """Return why `host` cannot be connected to, or an empty text."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return f"no answer within {CONNECT_TIMEOUT_S:.0f} s"
    except socket.gaierror as error:
        return f"its name cannot be resolved ({error.strerror})"
    except OSError as error:
        return error.strerror or str(error)
    writer.close()
    return ""


async def require_network(endpoints: Endpoints) -> dict[str, str]:
    """Return the upstreams that no connection could be made to, as `host port`, each with the reason.

    Raises `CannotGoOn` when none of them can be reached.
    """
    upstreams = _upstreams(endpoints)
    found = await asyncio.gather(*(_reason(host, port) for host, port in upstreams))
    reasons = {
        f"{host} port {port}": reason for (host, port), reason in zip(upstreams, found, strict=True) if reason
    }
    if len(reasons) < len(upstreams):
        return reasons
    listed = "\n".join(f"  {host}: {reason}" for host, reason in reasons.items())
    raise CannotGoOn(
        Exit.NETWORK,
        f"could not reach any upstream:\n{listed}\n"
        "Check this machine's network (DNS, firewall, proxy). Without one, `remora demo` works offline.",
    )
