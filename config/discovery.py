"""Which file is read, and its text.

`--config FILE`, else $REMORA_CONFIG, else the first of ./remora.yaml, ~/.config/remora/remora.yaml and
/etc/remora/remora.yaml that exists, else none. A file that was named must be there; one that was found
must be readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.origins import Origin, OriginKind
from config.overrides import CONFIG_VARIABLE
from config.problems import ConfigUnreadable, problem_at

FILE_BYTES_MAX: Final = 1024 * 1024
NAME: Final = "remora.yaml"
SYSTEM_FILE: Final = Path("/etc/remora") / NAME


def find(named: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file to read, or None where there is none and the defaults hold."""
    if named is not None:
        return named
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE]).expanduser()
    places = [Path(NAME)]
    if environ.get("HOME"):
        places.append(Path(environ["HOME"]) / ".config" / "remora" / NAME)
    return next((place for place in (*places, SYSTEM_FILE) if _exists(place)), None)


def read(path: Path) -> str:
    """Return the file's text. Raises `ConfigUnreadable` with what stands in the way."""
    origin = Origin(OriginKind.FILE, f"{path}")
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError as error:
        hint = "name another with --config, or leave it out to run on the defaults"
        raise ConfigUnreadable([problem_at(origin, "", "does not exist", hint)]) from error
    except IsADirectoryError as error:
        raise ConfigUnreadable([problem_at(origin, "", "is a directory, expected a file")]) from error
    except OSError as error:
        reason = error.strerror or f"{error}"
        raise ConfigUnreadable([problem_at(origin, "", f"cannot be read: {reason}")]) from error
    if len(content) > FILE_BYTES_MAX:
        raise ConfigUnreadable([problem_at(origin, "", f"is larger than {FILE_BYTES_MAX} bytes")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        place = Origin(OriginKind.FILE, f"{path}", line)
        raise ConfigUnreadable([problem_at(place, "", "is not UTF-8 text")]) from error


def _exists(path: Path) -> bool:
    """Whether something is there, readable or not: a file that cannot be read must not pass in silence."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
