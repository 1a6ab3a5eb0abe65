"""How a line of the log is written in a table: its moment to the millisecond, its level in a word."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from aristobot.language import _
from aristobot.log_writer import Line
from components import formats
from components.viewer import zone

#: Digits of an id that are shown.
SHORT = 8
#: Ids take half a line and say nothing to anybody; the detail has them whole.
_LONG_ID = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")


def log_row(number: str, line: Line, now: datetime) -> dict[str, Any]:
    """The row of one line; `number` is its id."""
    level, tone = level_words(str(line.get("level")))
    trace = str(line.get("trace_id") or "")
    return {
        "id": number,
        "at": when_exactly(moment_of(line), now),
        "level": level,
        "level_tone": tone,
        "service": service_words(str(line.get("service"))),
        "grave": {"warn": "warned", "bad": "loss"}.get(tone, ""),
        "message": _LONG_ID.sub(lambda found: _short(found.group(), trace), message_of(line)),
        "trace": trace[-SHORT:],
    }


def _short(whole: str, trace: str) -> str:
    """An alert's id begins with its moment, as those of its neighbours do: it is told by its end, others by their beginning."""
    return f"…{trace[-SHORT:]}" if whole.replace("-", "") == trace else f"{whole[:SHORT]}…"


def level_words(level: str) -> tuple[str, str]:
    """One word for how grave a line is, and its tone."""
    return {
        "TRACE": (_("Trace"), "quiet"),
        "DEBUG": (_("Debug"), "quiet"),
        "INFO": (_("Info"), "primary"),
        "SUCCESS": (_("Info"), "good"),
        "WARNING": (_("Warning"), "warn"),
        "ERROR": (_("Error"), "bad"),
        "CRITICAL": (_("Critical"), "bad"),
    }.get(level, (level, "quiet"))


def service_words(name: str) -> str:
    """A service's name as people write it."""
    return name.replace("_", " ")


def message_of(line: Line) -> str:
    """What was said, in one line; of an error also its last words, which name it."""
    message, error = str(line.get("msg", "")), str(line.get("error") or "")
    return f"{message} – {last_words(error)}" if error else message


def last_words(error: str) -> str:
    """What names an error at the end of its traceback; around several at once Python draws frames, which say nothing."""
    lines = (line.strip(" |+-") for line in reversed(error.splitlines()))
    return next((line for line in lines if line), "")


def moment_of(line: Line) -> datetime:
    """When it was said."""
    return datetime.fromisoformat(str(line["ts"]))


def when_exactly(moment: datetime, now: datetime) -> str:
    """The hour to the millisecond, with the day unless it is today: `21 nov. 09:31:05,123`, in English `21 Nov 09:31:05.123`."""
    local = moment.astimezone(zone())
    today = local.date() == now.astimezone(zone()).date()
    to_the_second = f"{local:%H:%M:%S}" if today else formats.moment(moment)
    return f"{to_the_second}{formats.decimal_point()}{local.microsecond // 1000:03d}"
