"""Loguru for the whole process: one JSON file per service, the trace bound from context, no secret, a live view.

One sink puts each record on one bounded queue; one thread writes. A log call never touches a disk or a terminal, and a full
disk does not stop the bot. A process has one log, as Loguru does: what is shared here is that log, nothing else.
"""

from __future__ import annotations

import logging
import sys
import threading
import uuid
from collections.abc import Callable
from contextvars import ContextVar, Token
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from loguru import logger

from aristobot.log_writer import LiveLines, LogWriter, Rotation
from aristobot.redaction import Redactor
from aristobot.settings import Settings

if TYPE_CHECKING:
    from loguru import Record

#: They say at INFO what concerns nobody, or whole URLs with their signatures.
NOISY = (
    "aiohttp", "alembic", "asyncio", "ccxt", "engineio", "httpcore", "httpx", "multipart", "python_multipart",
    "socketio", "sqlalchemy", "urllib3", "uvicorn", "watchfiles", "websockets",
)  # fmt: skip
_SHARED_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_service: ContextVar[str] = ContextVar("service", default="aristobot")
_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
_user_id: ContextVar[uuid.UUID | None] = ContextVar("user_id", default=None)
_redactor = Redactor()


def new_trace_id() -> str:
    """A fresh trace id: 32 hexadecimal characters."""
    return uuid.uuid4().hex


def current_trace_id() -> str:
    """The trace id that lines logged here would carry; empty outside any."""
    return _trace_id.get()


def hide(*secrets: str) -> None:
    """Register secret values: they are masked in every line written from now on."""
    _redactor.hide(*secrets)


def masked(text: str) -> str:
    """`text` as the logs would show it, for error texts that go to a screen."""
    return _redactor.clean(text)


def secrets_in(text: str) -> tuple[str, ...]:
    """The registered secrets that stand in a text, for whoever is about to send it away."""
    return _redactor.found(text)


class log_context:  # noqa: N801  # used like a function, as the context managers of the standard library are
    """Everything logged inside, by this task and the tasks and threads it starts, carries what is given; None changes nothing."""

    __slots__ = ("_given", "_tokens")
    _tokens: tuple[Token[str], Token[str], Token[uuid.UUID | None]]

    def __init__(self, *, service: str | None = None, trace_id: str | None = None, user_id: uuid.UUID | None = None) -> None:
        self._given = (service, trace_id, user_id)

    def __enter__(self) -> None:
        service, trace_id, user_id = self._given
        self._tokens = (
            _service.set(_service.get() if service is None else service),
            _trace_id.set(_trace_id.get() if trace_id is None else trace_id),
            _user_id.set(_user_id.get() if user_id is None else user_id),
        )

    def __exit__(self, *_: object) -> None:
        service, trace_id, user_id = self._tokens
        _user_id.reset(user_id)
        _trace_id.reset(trace_id)
        _service.reset(service)


class LogBinding:
    """The log context of a reader that takes one event after another, where no `with` block can stand."""

    def __init__(self) -> None:
        self._before: tuple[str, uuid.UUID | None] | None = None

    def bind(self, *, trace_id: str, user_id: uuid.UUID | None) -> None:
        """From here on lines carry this trace and this user (None: nobody)."""
        if self._before is None:
            self._before = (_trace_id.get(), _user_id.get())
        _trace_id.set(trace_id)
        _user_id.set(user_id)

    def release(self) -> None:
        """Back to what was bound before."""
        if self._before is not None:
            before, self._before = self._before, None
            _trace_id.set(before[0])
            _user_id.set(before[1])


class Logs:
    """The running log of the process: `lines` for the live view, `flush`, `close`."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._excepthooks = (sys.excepthook, threading.excepthook)
        self._root = (list(logging.root.handlers), logging.root.level)

    @property
    def lines(self) -> LiveLines:
        """The last 2,000 lines, numbered."""
        return self._writer.lines

    @property
    def dropped(self) -> int:
        """How many lines were lost to a full queue or a full disk."""
        return self._writer.dropped

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._writer.folder

    def listen(self, do: Callable[[], None]) -> None:
        """Call `do` in the writer's thread whenever new lines are there; it must be short, and there is one such listener."""
        self._writer.on_line = do

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until all that was logged stands in the files; False when that took longer."""
        return self._writer.flush(seconds)

    def close(self) -> None:
        """Write what is left, and give standard logging and the exception hooks back."""
        logger.remove()
        self._writer.stop()
        sys.excepthook, threading.excepthook = self._excepthooks
        logging.root.handlers[:], logging.root.level = self._root


def start(settings: Settings, *, console: bool = True) -> Logs:
    """Open the log of the process in `<data folder>/logs`."""
    hide(settings.database_password)
    rotation = Rotation(
        max_bytes=settings.log_rotation_bytes,
        every_seconds=settings.log_rotation_seconds,
        keep=settings.log_retention,
        keep_seconds=settings.log_retention_seconds,
    )
    writer = LogWriter(settings.data_dir / "logs", rotation, _redactor, console=console)
    logs = Logs(writer)
    writer.start()
    logger.remove()
    logger.configure(patcher=_bind_context)
    # diagnose=False: Loguru's pretty tracebacks print the value of every variable, keys included
    logger.add(writer.put, level=settings.log_level, format=_exception_only, backtrace=False, diagnose=False, colorize=False)
    _intercept_stdlib(settings.log_level)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    return logs


def _bind_context(record: Record) -> None:
    extra = record["extra"]
    extra.setdefault("service", _service.get())
    extra.setdefault("trace_id", _trace_id.get())
    extra.setdefault("user_id", _user_id.get())


def _exception_only(_: Record) -> str:
    return "{exception}"  # the message itself is in the record; this text is all that the sink needs besides


def _intercept_stdlib(level: str) -> None:
    known = logging.getLevelNamesMapping().get(level, logging.DEBUG if level == "TRACE" else logging.INFO)
    logging.root.handlers[:] = [_ToLoguru()]
    logging.root.setLevel(known)
    for name in list(logging.root.manager.loggerDict):  # uvicorn and others bring their own handlers
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    for name in NOISY:
        logging.getLogger(name).setLevel(max(known, logging.WARNING))


class _ToLoguru(logging.Handler):
    """Hands what the standard library logs to Loguru, as said by whoever said it."""

    def emit(self, record: logging.LogRecord) -> None:
        def as_its_speaker(line: Record) -> None:
            line["name"], line["function"], line["line"] = record.name, record.funcName or "", record.lineno

        level: str | int = record.levelname if record.levelname in _SHARED_LEVELS else record.levelno
        logger.patch(as_its_speaker).opt(exception=record.exc_info).log(level, "{}", record.getMessage())


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logger.opt(exception=(kind, error, trace)).critical("Uncaught exception")


def _log_uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    name = caught.thread.name if caught.thread else "unknown"
    error = (caught.exc_type, caught.exc_value, caught.exc_traceback)
    logger.opt(exception=error).error("Uncaught exception in thread {}", name)
