"""Small pieces that the HTTP surfaces share."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from ops.venue.decimals import numbers


def json_answer(document: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON answer; decimals go out as numbers, digit for digit."""
    return web.Response(
        body=numbers.encode(document), status=status, headers=headers, content_type="application/json"
    )


async def read_json(request: web.Request) -> Any:
    """Return the request's JSON body, or None for anything that is not JSON."""
    try:
        return msgspec.json.decode(await request.read())
    except msgspec.MsgspecError:
        return None


def flag(text: str | None) -> bool | None:
    """Return a boolean query value; None where it is absent."""
    return None if text is None else text.lower() in ("true", "1")
