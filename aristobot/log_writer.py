"""The thread that writes the logs: formats, masks, shows, rotates. The only code that touches the log files."""

from __future__ import annotations

import itertools
import json
import queue
import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aristobot.clock import SystemClock, iso_milliseconds
from aristobot.redaction import Redactor

if TYPE_CHECKING:
    from loguru import Message, Record

#: Seconds after which every service's files are looked at, also of those that say nothing any more.
SWEEP_EVERY = 3600.0

Line = dict[str, Any]
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def file_name(service: str) -> str:
    """How the files of a service are called, without their endings."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", service)[:60] or "aristobot"


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is put aside and how long it stays. Sizes in bytes, times in seconds; None means never for that reason."""

    max_bytes: int = 5_000_000
    every_seconds: int | None = None
    keep: int = 5
    keep_seconds: int | None = None

    def is_too_old(self, path: Path, at: datetime) -> bool:
        """Whether nothing was written to a file for so long that it goes. Raises OSError when it is gone already."""
        return self.keep_seconds is not None and at.timestamp() - path.stat().st_mtime > self.keep_seconds


class LiveLines:
    """The last lines, numbered, for the log view: ask for what is newer than the number you have."""

    def __init__(self, size: int = 2000) -> None:
        self._lines: deque[tuple[int, Line]] = deque(maxlen=size)
        self._numbers = itertools.count(1)

    def append(self, line: Line) -> None:
        """Add one line, already masked."""
        self._lines.append((next(self._numbers), line))

    def after(self, number: int, shows: Callable[[Line], bool]) -> tuple[int, list[Line]]:
        """The newest number, and the lines after `number` that `shows` lets through, in the order in which they were written."""
        newer = itertools.takewhile(lambda one: one[0] > number, reversed(self._lines.copy()))
        found = list(newer)
        return (found[0][0] if found else number), [line for _, line in reversed(found) if shows(line)]


class LogFile:
    """One service's file and its rotated predecessors `<name>.1.log` (the newest) to `<name>.<keep>.log`."""

    def __init__(self, folder: Path, name: str, rotation: Rotation) -> None:
        self._folder, self._name, self._rotation = folder, name, rotation
        self._file: IO[str] | None = None
        self._period = 0

    def write(self, text: str, at: datetime) -> None:
        """Append one line, putting the file aside first when its time or size is over."""
        if self._file is None:
            self._open(at)
        elif self._is_over(at, len(text)):
            self._put_aside()
            self._open(at)
        if self._file is not None:
            self._file.write(text + "\n")

    def flush(self) -> None:
        """Hand everything to the operating system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, at: datetime) -> None:
        path = self._path(0)
        if path.exists() and self._period_of(path.stat().st_mtime) != self._period_of(at.timestamp()):
            self._put_aside()
        path.touch(mode=0o600)
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace")
        self._period = self._period_of(at.timestamp())
        self._sweep(at)

    def _is_over(self, at: datetime, more: int) -> bool:
        assert self._file is not None
        return self._file.tell() + more > self._rotation.max_bytes or self._period_of(at.timestamp()) > self._period

    def _period_of(self, seconds: float) -> int:
        every = self._rotation.every_seconds
        return int(seconds // every) if every else 0

    def _put_aside(self) -> None:
        self.close()
        for number in range(self._rotation.keep, 0, -1):
            older = self._path(number - 1)
            if older.exists():
                older.replace(self._path(number))
        self._path(0).unlink(missing_ok=True)

    def _sweep(self, at: datetime) -> None:
        for path in self._folder.glob(f"{self._name}.*.log"):
            number = path.name.removeprefix(f"{self._name}.").removesuffix(".log")
            too_many = number.isdecimal() and int(number) > self._rotation.keep
            if number.isdecimal() and (too_many or self._rotation.is_too_old(path, at)):
                path.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / (f"{self._name}.{number}.log" if number else f"{self._name}.log")


class LogWriter(threading.Thread):
    """Takes records from any thread through a bounded queue and writes them; what does not fit is counted, and said later."""

    def __init__(
        self,
        folder: Path,
        rotation: Rotation,
        redactor: Redactor,
        *,
        console: bool = True,
        size: int = 20_000,
        sweep_every: float = SWEEP_EVERY,
    ) -> None:
        super().__init__(name="logs", daemon=True)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lines = LiveLines()
        self.dropped = 0
        self.on_line: Callable[[], None] | None = None
        self._told_dropped = 0
        self._last_at: datetime | None = None
        self.folder, self._rotation, self._redactor = folder, rotation, redactor
        self._console, self._size = console, size
        self._clock, self._sweep_every, self._swept_at = SystemClock(), sweep_every, -sweep_every
        self._queue: queue.SimpleQueue[Message | threading.Event | None] = queue.SimpleQueue()
        self._files: dict[str, LogFile] = {}

    def put(self, message: Message) -> None:
        """Loguru's sink: runs in the caller, keeps nobody waiting."""
        if self._queue.qsize() < self._size:
            self._queue.put(message)
        else:
            self.dropped += 1

    def flush(self, seconds: float) -> bool:
        """Wait until everything put so far is written."""
        done = threading.Event()
        self._queue.put(done)
        return self.is_alive() and done.wait(seconds)

    def stop(self) -> None:
        """Write what is left and end."""
        if self.is_alive():
            self._queue.put(None)
            self.join(5.0)

    def run(self) -> None:
        """The thread's work, until `stop`."""
        while (item := self._next()) is not None:
            if isinstance(item, threading.Event):
                self._settle()
                item.set()
                continue
            try:
                self._write(item.record, str(item))
            except (OSError, ValueError, RecursionError):  # a full disk or an odd value: counted, told when it works again
                self.dropped += 1
            if self._queue.empty():
                self._settle()
        self._settle()
        for file in self._files.values():
            with suppress(OSError):
                file.close()

    def _next(self) -> Message | threading.Event | None:
        while True:
            wait = self._swept_at + self._sweep_every - self._clock.monotonic()
            if wait <= 0:
                self._sweep()
            else:
                with suppress(queue.Empty):
                    return self._queue.get(timeout=wait)

    def _sweep(self) -> None:
        """Delete what is too old, whoever wrote it: the file that a service still writes to as well, once it is silent."""
        self._swept_at = self._clock.monotonic()
        for path in self.folder.glob("*.log"):
            with suppress(OSError):
                writing = self._files.get(path.name.removesuffix(".log"))
                if writing is not None:
                    writing.flush()
                if self._rotation.is_too_old(path, self._clock.now()):
                    if writing is not None:
                        writing.close()
                    path.unlink()

    def _settle(self) -> None:
        with suppress(OSError):
            self._tell_dropped()
            for file in self._files.values():
                file.flush()
        if self.on_line is not None:
            self.on_line()

    def _write(self, record: Record, error: str) -> None:
        line = _line_of(record, error)
        self._last_at = record["time"]
        service = str(line["service"])
        text, shown = self._mask(line)
        self.lines.append(shown)
        if self._console:
            self._show(record, shown)
        self._file_of(service).write(text, record["time"])

    def _tell_dropped(self) -> None:
        if self._last_at is not None and self.dropped > self._told_dropped:
            missing, self._told_dropped = self.dropped - self._told_dropped, self.dropped
            line = {"ts": iso_milliseconds(self._last_at), "level": "WARNING", "service": "aristobot"}
            line["msg"] = f"{missing} log lines were lost"
            self.lines.append(line)
            self._file_of("aristobot").write(json.dumps(line), self._last_at)

    def _file_of(self, service: str) -> LogFile:
        name = file_name(service)
        if name not in self._files:
            self._files[name] = LogFile(self.folder, name, self._rotation)
        return self._files[name]

    def _mask(self, line: Line) -> tuple[str, Line]:
        text = self._redactor.clean(json.dumps(line, ensure_ascii=False, default=str))
        try:
            return text, json.loads(text)
        except json.JSONDecodeError:  # the mask hit a bare number: say the whole line as text
            safe = {name: line[name] for name in ("ts", "level", "service", "trace_id", "user_id")} | {"msg": text}
            return json.dumps(safe, ensure_ascii=False), safe

    def _show(self, record: Record, line: Line) -> None:
        if sys.stderr is None:  # a windowed bundle has no terminal
            return
        at = record["time"].strftime("%H:%M:%S.%f")[:-3]
        trace = str(line.get("trace_id") or "")[-8:]  # those of alerts begin with their moment and are alike
        data = " ".join(f"{name}={value}" for name, value in (line.get("data") or {}).items())
        text = " ".join(part for part in (at, f"{line['level']:<7}", str(line["service"]), trace, str(line["msg"]), data) if part)
        error = line.get("error")
        shown = _CONTROL.sub("?", f"{text}\n{error}".rstrip() if error else text)
        with suppress(OSError, ValueError):
            encoding = sys.stderr.encoding or "utf-8"
            sys.stderr.write(shown.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _line_of(record: Record, error: str) -> Line:
    extra = dict(record["extra"])
    user = extra.pop("user_id", None)
    line: Line = {
        "ts": iso_milliseconds(record["time"]),
        "level": record["level"].name,
        "service": extra.pop("service", None) or "aristobot",
        "trace_id": extra.pop("trace_id", None) or "",
        "user_id": None if user is None else str(user),
        "msg": record["message"],
        "where": f"{record['name']}:{record['function']}:{record['line']}",
    }
    if extra:
        line["data"] = extra
    if error.strip():
        line["error"] = error.strip()
    return line
