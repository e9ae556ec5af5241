"""Why a host was not reached, in words for its operator. The words do not change while the cause does not."""

from __future__ import annotations

import socket

import aiohttp


def unreached(url: str, error: BaseException, timeout_s: float) -> str:
    """Return `could not reach URL (cause)`."""
    return f"could not reach {url} ({_cause(error, timeout_s)})"


def _cause(error: BaseException, timeout_s: float) -> str:
    match error:
        case aiohttp.WSServerHandshakeError() | aiohttp.ClientResponseError():
            return f"it answered HTTP {error.status}"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "TLS failure"
        case aiohttp.ClientConnectorError():
            return _os_cause(error.os_error)
        case TimeoutError():
            return f"no answer within {timeout_s:g} s"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection"
        case OSError():
            return _os_cause(error)
        case _:
            return type(error).__name__


def _os_cause(error: OSError) -> str:
    match error:
        case socket.gaierror():
            return "DNS failure"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionResetError() | BrokenPipeError():
            return "connection reset"
        case _:
            return error.strerror or type(error).__name__
