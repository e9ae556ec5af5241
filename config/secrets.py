"""Taking secrets out of text before anyone sees it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

HIDDEN: Final = "***"

_USER_PASSWORD: Final = re.compile(r"(?P<user>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#:@]*):[^\s/?#]*@")
_NAMED_PASSWORD: Final = re.compile(r"(?P<key>\b(?:ssl)?password=)[^\s&#]*", re.IGNORECASE)


def redact(text: str) -> str:
    """Return `text` with the password of every URL and connection string in it replaced.

    A password with an unescaped slash makes no valid URL; `config.limits.Url` refuses it unseen.
    """
    if "://" not in text and "=" not in text:
        return text
    return _NAMED_PASSWORD.sub(rf"\g<key>{HIDDEN}", _USER_PASSWORD.sub(rf"\g<user>:{HIDDEN}@", text))


def without_key(url: str) -> str:
    """Return a URL with everything but scheme, host and port replaced: providers put keys anywhere else."""
    parts = urlsplit(url)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return shown if url.rstrip("/") == shown else f"{shown}/{HIDDEN}"
