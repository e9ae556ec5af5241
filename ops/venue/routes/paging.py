"""Query and envelope of the Data API v2: what the parameters mean, and one page of rows."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from ops.venue.ledger import Row

_LIMIT_DEFAULT: Final = 100
_LIMIT_MAX: Final = 1000
_CONDITIONS_MAX: Final = 20
_WALLET: Final = re.compile(r"0x[0-9a-f]{40}\Z")


class BadParameter(Exception):
    """A parameter the route refuses."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A request's parameters, checked; snake_case and camelCase mean the same."""

    user: str | None
    conditions: frozenset[str]
    side: str | None
    start: int
    end: int | None
    ascending: bool
    limit: int
    after: tuple[int, int] | None
    parameters: dict[str, str]


def read_query(request: web.Request) -> Query:
    """Return what a request asks for. Raises `BadParameter`."""
    given = {_snake(key): value for key, value in request.query.items()}
    if "offset" in given:
        raise BadParameter("offset", "offset is not supported; page with cursor")
    user = given.get("user")
    if user is not None and not _WALLET.match(user.lower()):
        raise BadParameter("user", "user must be a 0x-prefixed address of 40 hex digits")
    text = given.get("condition") or given.get("condition_id") or ""
    conditions = frozenset(filter(None, text.split(",")))
    if len(conditions) > _CONDITIONS_MAX:
        raise BadParameter("condition", f"at most {_CONDITIONS_MAX} conditions")
    side = given.get("side")
    if side is not None and side not in ("BUY", "SELL"):
        raise BadParameter("side", "side must be BUY or SELL")
    return Query(
        user=None if user is None else user.lower(),
        conditions=conditions,
        side=side,
        start=_number(given, "start", 0),
        end=_number(given, "end", 0) or None,
        ascending=_direction(given) == "ASC",
        limit=_limit(given),
        after=_cursor(given.get("cursor")),
        parameters=given,
    )


def page(rows: Sequence[Row], query: Query) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows of one page, in order, and the envelope's `pagination`."""
    ordered = sorted(rows, key=_position, reverse=not query.ascending)
    if query.after is not None:
        after = query.after
        ordered = [
            row for row in ordered if (_position(row) > after if query.ascending else _position(row) < after)
        ]
    shown = ordered[: query.limit]
    has_more = len(ordered) > query.limit
    return shown, {
        "limit": query.limit,
        "offset": 0,
        "has_more": has_more,
        "next_cursor": _encode(_position(shown[-1])) if has_more else None,
    }


def _position(row: Row) -> tuple[int, int]:
    return (row.timestamp, row.seq)


def _encode(position: tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(f"{position[0]}.{position[1]}".encode()).decode()


def _cursor(text: str | None) -> tuple[int, int] | None:
    if not text:
        return None
    try:
        seconds, seq = base64.urlsafe_b64decode(text).decode().split(".")
        return (int(seconds), int(seq))
    except (ValueError, binascii.Error) as error:
        raise BadParameter("cursor", "cursor is not one of ours") from error


def _limit(given: dict[str, str]) -> int:
    limit = _number(given, "limit", _LIMIT_DEFAULT)
    if not 1 <= limit <= _LIMIT_MAX:
        raise BadParameter("limit", f"limit must be between 1 and {_LIMIT_MAX}")
    return limit


def _direction(given: dict[str, str]) -> Literal["ASC", "DESC"]:
    text = given.get("sort_direction", "DESC").upper()
    if text == "ASC":
        return "ASC"
    if text == "DESC":
        return "DESC"
    raise BadParameter("sort_direction", "sort_direction must be ASC or DESC")


def _number(given: dict[str, str], key: str, default: int) -> int:
    text = given.get(key)
    if text is None:
        return default
    if not text.isdigit():
        raise BadParameter(key, f"{key} must be a whole number")
    return int(text)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", key).lower()
