"""Taking secrets out of text before anyone sees it."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"

_USER_PASSWORD: Final = re.compile(r"(?P<user>[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#:@]*):[^\s/?#]*@")
_QUERY_PASSWORD: Final = re.compile(r"(?P<key>[?&](?:ssl)?password=)[^\s&#]*", re.IGNORECASE)


def redact(text: str) -> str:
    """Return `text` with the password of every URL in it replaced.

    A password with an unescaped slash makes no valid URL; `config.limits.Url` refuses it unseen.
    """
    if "://" not in text:
        return text
    return _QUERY_PASSWORD.sub(rf"\g<key>{HIDDEN}", _USER_PASSWORD.sub(rf"\g<user>:{HIDDEN}@", text))
