"""Asks the Data API for one page of a wallet's activity. One request, one answer: it never asks again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from actors.ingest import activity
from actors.ingest.activity import Page
from actors.ingest.errors import Malformed, PageFailed, PageRefused, Throttled
from actors.ingest.reach import unreached
from messages.ids import Wallet

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""A thousand rows are about one megabyte."""

_SAID_MAX: Final = 200


class Pages:
    """The activity route of one Data API."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, *, rows: int, timeout_s: float) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._rows = rows
        self._timeout_s = timeout_s

    async def fetch(self, wallet: Wallet, start_s: int, end_s: int, cursor: str | None) -> Page:
        """Return a page of the wallet's activity since `start_s`, oldest first. Raises `PageError`.

        The CDN keeps an answer by its whole URL for fifteen seconds, and a process that was killed may have
        asked a moment ago: `end_s`, in the future, is what makes the URL one that nobody asked before.
        """
        parameters = {
            "user": wallet,
            "start": str(start_s),
            "end": str(end_s),
            "sort_direction": "ASC",
            "limit": str(self._rows),
        }
        if cursor is not None:
            parameters["cursor"] = cursor
        try:
            async with self._session.get(
                f"{self._base_url}/v2/activity",
                params=parameters,
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                allow_redirects=False,
            ) as answer:
                if answer.status != 200:
                    raise await self._refusal(answer)
                return activity.page(await self._body(answer))
        except Malformed as error:
            raise PageFailed(f"{self._base_url} sent something else than a page: {error}") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise PageFailed(unreached(self._base_url, error, self._timeout_s)) from error

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in answer.content.iter_any():
            size += len(part)
            if size > BODY_BYTES_MAX:
                raise PageFailed(f"{self._base_url} sent more than {BODY_BYTES_MAX} bytes as one page")
            parts.append(part)
        return b"".join(parts)

    async def _refusal(self, answer: aiohttp.ClientResponse) -> Exception:
        status = answer.status
        retry_after = answer.headers.get("Retry-After")
        if status == 429 or (status == 503 and retry_after is not None):
            return Throttled(
                f"{self._base_url} answered {status}", seconds(retry_after, answer.headers.get("Date"))
            )
        if status >= 500 or status == 408:
            return PageFailed(f"{self._base_url} answered {status}")
        said = (await answer.content.read(_SAID_MAX)).decode("utf-8", "replace")
        return PageRefused(f"{self._base_url} refused the request with {status}: {said}")


def seconds(retry_after: str | None, date: str | None = None) -> float:
    """Return a Retry-After in seconds; a date is measured from the answer's own, and nonsense asks for 0."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(date or "")
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0
