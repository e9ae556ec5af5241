"""Structured logs: one pipeline for structlog and for the standard library's logging, to stderr.

Configured once, by the process that runs. Every line carries the run's id, a level, a UTC time and
whatever was bound where the work began (`structlog.contextvars`). No line may hold a secret: the last
step before rendering takes passwords out of URLs and hides values whose key says that they are secret.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.secrets import HIDDEN, redact

SECRET_KEYS: Final = frozenset(
    {
        "api_key",
        "api_secret",
        "authorization",
        "cookie",
        "mnemonic",
        "passphrase",
        "password",
        "private_key",
        "secret",
        "seed_phrase",
        "signing_key",
    }
)
DEPTH_MAX: Final = 4
"""Containers nested deeper are logged as text."""

_SECRET_ENDINGS: Final = tuple(f"_{name}" for name in sorted(SECRET_KEYS))

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
)
"""What structlog's events and the standard library's records have done to them alike."""

HANDLER_NAME: Final = "remora"

QUIET_LOGGERS: Final = ("aiohttp.access", "asyncio")
"""Chatter of libraries at INFO and below; their warnings are logged."""


def configure(level: str, format: str, run_id: str, stream: TextIO | None = None) -> None:
    """Send all logging to `stream` (stderr) at `level`, as `console`, `json` or what `auto` finds fitting.

    The words are those that `config.settings.Logs` allows. Called again it replaces what it set before.
    """
    stream = sys.stderr if stream is None else stream
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _without_leftovers, *_SHARED],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _binding(run_id),
                hide_secrets,
                _renderer(format, stream),
            ],
        )
    )
    root = logging.getLogger()
    for old in [known for known in root.handlers if known.name == HANDLER_NAME]:
        root.removeHandler(old)
    handler.name = HANDLER_NAME
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


def _without_leftovers(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Drop what another handler's formatter left on the record: it says the event again."""
    for name in ("message", "asctime"):
        event.pop(name, None)
    return event


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take secrets out of an event: by key, and the passwords of URLs out of every text."""
    return {key: _clean(key, value, DEPTH_MAX) for key, value in event.items()}


def _clean(key: str, value: Any, depth: int) -> Any:
    if _is_secret(key):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if depth and isinstance(value, Mapping):
        return {f"{name}": _clean(f"{name}", item, depth - 1) for name, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item, depth - 1) for item in value]
    # What a renderer would write by itself must pass here first: a settings object shows its database URL.
    return redact(f"{value}" if isinstance(value, BaseException) else f"{value!r}")


def _is_secret(key: str) -> bool:
    name = key.lower().replace("-", "_")
    return name in SECRET_KEYS or name.endswith(_SECRET_ENDINGS)


def _binding(run_id: str) -> Processor:
    """Return the step that names the run, on every thread and task, whatever their context holds."""

    def bind(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("run_id", run_id)
        return event

    return bind


def _renderer(format: str, stream: TextIO) -> Processor:
    """Return the last step. Tracebacks stay plain: rich ones print local variables, secrets among them."""
    if format == "console" or (format == "auto" and stream.isatty()):
        return structlog.dev.ConsoleRenderer(
            colors=stream.isatty() and "NO_COLOR" not in os.environ,
            exception_formatter=structlog.dev.plain_traceback,
        )
    return structlog.processors.JSONRenderer()
