"""The log files read backwards, a page at a time: what somebody asks for, and what of it they may see.

Blocking: whoever has a loop calls this in a thread. A line begins with its moment, so a file is searched for a moment by
halving, and only the lines that may answer are taken apart.
"""

from __future__ import annotations

import heapq
import json
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from aristobot.log_writer import Line, file_name

LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "SUCCESS": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
#: What these say outside anybody's business is about the market or the machine; of other services even an ownerless line
#: may name an order, a key or an address of somebody, so only an administrator reads it.
PUBLIC_SERVICES = frozenset({"heartbeat", "exchange_gateway", "market_catalog", "price_book", "disk_guard", "backup_keeper"})
#: So many lines are looked at for one page; what is older is for the next.
MOST_LOOKED_AT = 60_000
_BLOCK = 64 * 1024
_MOMENT = slice(8, 32)  # {"ts": "2026-11-21T12:00:00.000Z", …
_LAST = b"9"


@dataclass(frozen=True)
class LogQuery:
    """Who asks, and for what. An administrator may ask for the `whole_house`: other people's lines too.

    `level` is the least that is shown; `trace_id` may be a part of it; `text` is searched without regard to case;
    nothing older than `since` is looked at.
    """

    user_id: uuid.UUID
    administrator: bool = False
    whole_house: bool = False
    service: str = ""
    level: str = "TRACE"
    trace_id: str = ""
    text: str = ""
    since: str = ""

    def shows(self, line: Line) -> bool:
        """Whether this line answers the question and is for the eyes of who asked."""
        return (
            self._may_be_read(line)
            and self._is_grave(line)
            and (not self.service or line.get("service") == self.service)
            and (not self.trace_id or self.trace_id in str(line.get("trace_id", "")))
            and (not self.text or self._folded in searchable(line))
        )

    def may_be_in(self, raw: bytes) -> bool:
        """A quick look at the line as it stands in its file: False when it cannot answer."""
        return not self.trace_id or self.trace_id.encode() in raw

    def _may_be_read(self, line: Line) -> bool:
        owner = line.get("user_id")
        if owner is not None:
            return bool(owner == str(self.user_id)) or (self.administrator and self.whole_house)
        public = line.get("service") in PUBLIC_SERVICES and LEVELS.get(str(line.get("level")), 0) >= LEVELS["INFO"]
        return self.administrator or public

    def _is_grave(self, line: Line) -> bool:
        return LEVELS.get(str(line.get("level")), LEVELS["INFO"]) >= LEVELS.get(self.level, 0)

    @cached_property
    def _folded(self) -> str:
        return self.text.casefold()


def searchable(line: Line) -> str:
    """All that a search may find in a line."""
    return " ".join(str(part) for part in (line.get("msg"), line.get("where"), line.get("data"), line.get("error"))).casefold()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the moment of its last line, and which lines of that moment were already shown."""

    moment: str
    shown: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def after(cls, lines: Iterable[Line], before: Place | None = None) -> Place | None:
        """Where one comes to after these lines, newest first; `before` is where they began."""
        shown = list(lines)
        if not shown:
            return before
        return cls.at(str(shown[-1]["ts"]), shown, before)

    @classmethod
    def at(cls, moment: str, shown: Iterable[Line], before: Place | None = None) -> Place:
        """This moment, of which `shown` may hold some lines already, and the page before some others."""
        same = tuple(_identity(line) for line in shown if line["ts"] == moment)
        return cls(moment, same + (before.shown if before is not None and before.moment == moment else ()))


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines, newest first. `older` is where the next page begins; None when there is nothing older.

    `complete` is False when so much was looked through that the search stopped before the page was full.
    """

    lines: list[Line]
    older: Place | None
    complete: bool = True


def read_back(folder: Path, query: LogQuery, before: Place | None, limit: int, most: int = MOST_LOOKED_AT) -> LogPage:
    """At most `limit` lines of the files in `folder` that answer `query`, from `before` back; `most` are looked at."""
    limit_moment = before.moment.encode() if before is not None else _LAST
    skipped = Counter(before.shown if before is not None else ())
    found: list[Line] = []
    merged = heapq.merge(*(_back(chain, limit_moment) for chain in _chains(folder, query)), key=_moment_of, reverse=True)
    oldest = query.since.encode()
    for number, raw in enumerate(merged):
        if _moment_of(raw) < oldest:
            break
        if number >= most:
            return LogPage(found, Place.at(_moment_of(raw).decode("ascii", "replace"), found, before), complete=False)
        line = _taken_apart(raw) if query.may_be_in(raw) else None
        if line is None or not query.shows(line):
            continue
        identity = _identity(line)
        if before is not None and line["ts"] == before.moment and skipped[identity]:
            skipped[identity] -= 1
            continue
        if len(found) == limit:
            return LogPage(found, Place.after(found, before))
        found.append(line)
    return LogPage(found, None)


def services_in(folder: Path) -> set[str]:
    """The services that have a file."""
    return {path.name.partition(".")[0] for path in folder.glob("*.log")}


def _identity(line: Line) -> tuple[str, ...]:
    return str(line.get("service")), str(line.get("trace_id")), str(line.get("msg"))


def _taken_apart(raw: bytes) -> Line | None:
    try:
        line: Any = json.loads(raw)
    except ValueError:  # half a line, of a moment in which the power went
        return None
    return line if isinstance(line, dict) and isinstance(line.get("ts"), str) else None


def _moment_of(raw: bytes) -> bytes:
    return raw[_MOMENT]


def _chains(folder: Path, query: LogQuery) -> list[list[Path]]:
    """The files of each service that may answer, the newest first."""
    chains: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.glob("*.log"):
        name, _, rest = path.name.partition(".")
        number = rest.removesuffix("log").removesuffix(".")
        if number.isdecimal() or not number:
            chains.setdefault(name, []).append((int(number or 0), path))
    wanted = file_name(query.service) if query.service else ""
    return [[path for _, path in sorted(files)] for name, files in sorted(chains.items()) if wanted in ("", name)]


def _back(chain: list[Path], moment: bytes) -> Iterator[bytes]:
    """The lines of one service that are not younger than `moment`, newest first."""
    known: set[int] = set()
    for path in chain:
        try:
            file = path.open("rb")
        except OSError:  # swept away while we read
            continue
        with file:
            about = os.fstat(file.fileno())
            if about.st_ino in known:  # put aside while we read: it has another name now
                continue
            known.add(about.st_ino)
            for raw in _lines_back(file, _end_at(file, about.st_size, moment)):
                if raw.startswith(b'{"ts"') and _moment_of(raw) <= moment:
                    yield raw


def _end_at(file: IO[bytes], size: int, moment: bytes) -> int:
    """A place in the file behind which every line is younger than `moment`: less than a block too far, never too near."""
    low, high = 0, size
    while high - low > _BLOCK:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        raw = file.readline()
        if raw and _moment_of(raw) <= moment:
            low = middle
        else:
            high = middle
    file.seek(high)
    file.readline()
    file.readline()
    return min(file.tell(), size)


def _lines_back(file: IO[bytes], end: int) -> Iterator[bytes]:
    """The lines before `end`, the last one first."""
    rest = b""
    while end > 0:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        block = file.read(end - begin) + rest
        rest, *lines = block.split(b"\n")
        yield from (line for line in reversed(lines) if line)
        end = begin
    if rest:
        yield rest
