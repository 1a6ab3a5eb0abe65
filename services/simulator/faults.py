"""A script of misfortunes: what goes wrong, when, how often, for whom. It does not know what it is applied to.

An entry is `{"on": EVENT, "do": KIND, "times": 1, "exchange"?, "key"?, …}`. Events are named like `order.place`, `order.status`,
`account`, `socket.connect`, `kline.message`, `user.message`; `any` is every request, `any.message` every message, `order.*` all
that begin so. `times` of 0 means until further notice. Kinds, with their options:

requests
    slow                seconds: wait, then do it
    slow_reply          seconds: do it, then wait before answering
    refuse              cut the connection, nothing done
    refuse_5xx          status (503), nothing done
    accept_then_hang    done, and never answered
    accept_then_5xx     status (504): done, and answered by an error
    disconnect          done, and the connection cut without an answer
    short_body          done, half of the answer sent, then cut
    delayed_accept      seconds: answered by a time-out at once, done later
    429, 418            retry_after (seconds)
    -1006, -1007        accept (true): done or not, "execution status unknown"
    -1008               not done
    lagging_reads       seconds: an order placed with it is not found by reads for so long; on a read: it misses what is younger
    wrong_clock         offset_ms: the exchange's clock is wrong for this request
    partial_fill        fraction ("0.5") or fills (a number of executions); rest ("stay", "expire"); seconds (then all of it);
                        on order.place as the order arrives, on order.fill when the price reaches one that rests
    Whatever is done and badly answered may have a `lag` too: seconds for which reads do not find it.
messages
    drop_message · double_message · silent_socket (from now on) · disconnect
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from aristobot.money import amount

_MESSAGES = frozenset({"drop_message", "double_message", "silent_socket", "disconnect"})
_REQUESTS = frozenset(
    {
        "slow", "slow_reply", "refuse", "refuse_5xx", "accept_then_hang", "accept_then_5xx", "short_body", "delayed_accept",
        "429", "418", "-1006", "-1007", "-1008", "lagging_reads", "wrong_clock", "disconnect",
    }
)  # fmt: skip
_FILLS = frozenset({"partial_fill"})
#: Kinds that take time before anything is answered.
DELAYS = frozenset({"slow", "slow_reply"})
KINDS = _MESSAGES | _REQUESTS | _FILLS
#: What a random misfortune may be, for requests that change something and for those that only read.
_FOR_CHANGES = (
    "accept_then_hang", "accept_then_5xx", "refuse_5xx", "refuse", "short_body", "disconnect", "429", "-1007", "-1008",
    "delayed_accept", "slow", "slow_reply", "lagging_reads",
)  # fmt: skip
_FOR_READS = ("refuse_5xx", "refuse", "short_body", "429", "-1007", "slow", "lagging_reads")
_CHANGES = ("order.", "list.")
_READ_ONLY = ("order.status", "order.test", "list.status")


class BadScript(Exception):
    """An entry of the script cannot be understood."""


@dataclass(slots=True)
class Fault:
    """One misfortune that is about to happen."""

    on: str
    do: str
    times: int = 1
    exchange: str | None = None
    key: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def number(self, name: str, default: float) -> float:
        """An option that is a number."""
        value = self.options.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise BadScript(f"{name} must be a number")
        return float(value)

    def decimal(self, name: str, default: str) -> Decimal:
        """An option that is an exact amount."""
        return amount(str(self.options.get(name, default)), name)

    def fits(self, event: str, exchange: str, key: str, *, message: bool) -> bool:
        """Whether it happens to this event."""
        if self.exchange not in (None, exchange) or self.key not in (None, key):
            return False
        if self.on == "any":
            return not message
        if self.on == "any.message":
            return message
        return _names(self.on, event)


def _names(pattern: str, event: str) -> bool:
    return event == pattern or (pattern.endswith("*") and event.startswith(pattern[:-1]))


def read_entry(entry: Mapping[str, object]) -> Fault:
    """One entry of a script; raise BadScript when it is wrong."""
    known = {"on", "do", "times", "exchange", "key"}
    do, on, times = str(entry.get("do")), entry.get("on"), entry.get("times", 1)
    if do not in KINDS:
        raise BadScript(f"unknown misfortune: {do}")
    if not isinstance(on, str) or not isinstance(times, int):
        raise BadScript("an entry needs a text `on` and a whole number `times`")
    exchange, key = entry.get("exchange"), entry.get("key")
    options = {name: value for name, value in entry.items() if name not in known}
    return Fault(on, do, times or -1, None if exchange is None else str(exchange), None if key is None else str(key), options)


class Faults:
    """The script, and chance."""

    def __init__(self) -> None:
        self._script: list[Fault] = []
        self._rate = 0.0
        self._seconds = 2.0
        self._kinds: frozenset[str] | None = None
        self._events: tuple[str, ...] = ("*",)
        self._chance = random.Random(0)

    def write(self, entries: Sequence[Mapping[str, object]]) -> None:
        """Append entries to the script; raise BadScript when one is wrong, and then append none."""
        self._script += [read_entry(entry) for entry in entries]

    def random(
        self,
        rate: float,
        seed: int,
        *,
        seconds: float = 2.0,
        kinds: Sequence[str] | None = None,
        events: Sequence[str] = ("*",),
    ) -> None:
        """Let chance disturb a part `rate` of all requests, or of those named by `events` (`order.*`).

        `seconds` is the longest delay, `kinds` a choice of kinds.
        """
        if kinds is not None and not set(kinds) <= KINDS:
            raise BadScript("unknown misfortune")
        self._rate = rate
        self._seconds = seconds
        self._kinds = None if kinds is None else frozenset(kinds)
        self._events = tuple(events)
        self._chance = random.Random(seed)

    def clear(self) -> None:
        """From now on all goes well."""
        self._script.clear()
        self._rate = 0.0

    def take(self, event: str, exchange: str, key: str) -> Fault | None:
        """The misfortune of this request; each counts down by being taken."""
        if self._script:
            found = self._next(event, exchange, key, _REQUESTS)
            if found is not None:
                return found
        if self._rate and any(_names(one, event) for one in self._events) and self._chance.random() < self._rate:
            return self._by_chance(event)
        return None

    def take_fill(self, event: str, exchange: str, key: str) -> Fault | None:
        """The misfortune of an execution: only part of what was asked."""
        return self._next(event, exchange, key, _FILLS) if self._script else None

    def take_message(self, event: str, exchange: str, key: str) -> str:
        """The kind of misfortune of this message; empty for none."""
        if not self._script:
            return ""
        found = self._next(event, exchange, key, _MESSAGES)
        return found.do if found else ""

    def _next(self, event: str, exchange: str, key: str, kinds: frozenset[str]) -> Fault | None:
        for fault in self._script:
            if fault.do in kinds and fault.fits(event, exchange, key, message=kinds is _MESSAGES):
                fault.times -= 1
                if fault.times == 0:
                    self._script.remove(fault)
                return fault
        return None

    def _by_chance(self, event: str) -> Fault | None:
        changes = event.startswith(_CHANGES) and event not in _READ_ONLY
        kinds = [kind for kind in (_FOR_CHANGES if changes else _FOR_READS) if self._kinds is None or kind in self._kinds]
        if not kinds:
            return None
        options = {
            "seconds": round(self._chance.uniform(0, self._seconds), 3),
            "retry_after": 1,
            "accept": self._chance.random() < 0.5,
            "lag": round(self._chance.uniform(0, self._seconds), 3) if self._chance.random() < 0.3 else 0,
        }
        return Fault(event, self._chance.choice(kinds), options=options)
