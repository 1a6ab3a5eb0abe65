"""Why a strategy fell where it runs, for whoever mends it: its words without its figures, which may be balances."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from aristobot.language import explain
from aristobot.store import activations
from aristobot.store.tenancy import GuardedSession

_FIGURE = re.compile(r"[-+]?\d[\d.,_']*(?:[eE][-+]?\d+)?%?")
#: What an error tells that is no figure of anybody's: where it happened, and what it was.
_TOLD = ("error", "what", "name")


@dataclass(frozen=True, slots=True)
class Fall:
    """The last error of a run: of which version, in which line (0: not known), and in English words without figures."""

    version: int
    line: int
    words: str

    def __str__(self) -> str:
        place = f", line {self.line}" if self.line else ""
        return f"version {self.version}{place}: {self.words}"


def last_fall(session: GuardedSession, strategy_id: uuid.UUID) -> Fall | None:
    """Why the last run of this strategy that fell did so; None when none did."""
    fallen = [one for one in activations.mine(session) if one.strategy.id == strategy_id and one.row.reason]
    last = max(fallen, key=lambda one: one.row.updated_at, default=None)
    if last is None:
        return None
    facts = last.row.reason_facts or {}
    line = int(facts["line"]) if str(facts.get("line", "")).isdecimal() else 0
    told = {name: _FIGURE.sub("#", str(facts[name])) for name in _TOLD if name in facts}
    return Fall(last.version.number, line, explain(f"error.{last.row.reason}", {**told, "line": line or "?"}, "en"))
