"""Letting one account pass through a directory, and nobody else: a POSIX ACL entry of search alone.

Root's home is closed to everybody. When the state directory lies under it, the server's account must be
able to walk through; opening the directory to all with chmod would expose every file in it.
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import Final

_ATTRIBUTE: Final = "system.posix_acl_access"
_VERSION: Final = struct.pack("<I", 2)
_ENTRY: Final = struct.Struct("<HHI")
_NOBODY: Final = 0xFFFFFFFF
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_ORDER: Final = (_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER)
_SEARCH: Final = 1

Entry = tuple[int, int, int]
"""Tag, permissions, id."""


def grant_search(directory: Path, uid: int) -> None:
    """Let `uid` search `directory`, leaving every other entry as it is. Raises `OSError`."""
    kept = [entry for entry in _read(directory) if entry[0] != _MASK and entry[::2] != (_USER, uid)]
    entries = [*kept, (_USER, _SEARCH, uid)]
    mask = _SEARCH
    for tag, permissions, _ in kept:
        if tag in (_USER, _GROUP_OBJ, _GROUP):
            mask |= permissions
    entries.append((_MASK, mask, _NOBODY))
    entries.sort(key=lambda entry: (_ORDER.index(entry[0]), entry[2]))
    packed = _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries)
    os.setxattr(directory, _ATTRIBUTE, packed)


def _read(directory: Path) -> list[Entry]:
    try:
        packed = os.getxattr(directory, _ATTRIBUTE)
    except OSError:
        mode = directory.stat().st_mode
        return [
            (_USER_OBJ, (mode & stat.S_IRWXU) >> 6, _NOBODY),
            (_GROUP_OBJ, (mode & stat.S_IRWXG) >> 3, _NOBODY),
            (_OTHER, mode & stat.S_IRWXO, _NOBODY),
        ]
    found = list(_ENTRY.iter_unpack(packed[len(_VERSION) :]))
    mask = next((permissions for tag, permissions, _ in found if tag == _MASK), 7)
    # The old mask is applied here, so that widening it for one entry widens nothing for the others.
    return [
        (tag, permissions & mask if tag in (_USER, _GROUP_OBJ, _GROUP) else permissions, who)
        for tag, permissions, who in found
    ]
