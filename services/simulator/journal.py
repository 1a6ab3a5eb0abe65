"""What was asked of the simulator, and wires that kill a process when something happens."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

#: Requests remembered; older ones are forgotten.
REMEMBERED = 200_000


@dataclass(slots=True)
class Entry:
    """One request. `outcome` is the status answered, with the exchange's own code, or `hung`, `cut`, `short`."""

    exchange: str
    key: str
    method: str
    path: str
    at: int
    event: str
    client_order_id: str = ""
    outcome: str = ""
    fault: str = ""


class Journal:
    """Every request received, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=REMEMBERED)

    def note(self, entry: Entry) -> Entry:
        """Remember a request; its outcome is filled in later."""
        self.entries.append(entry)
        return entry


@dataclass(slots=True)
class Tripwire:
    """Kill `pid`, `after_ms` after the `nth` such event."""

    event: str
    pid: int
    after_ms: float
    nth: int


def kill(pid: int) -> None:
    """End a process without asking it; one that is gone already is left in peace."""
    try:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except ProcessLookupError:
        return


class Tripwires:
    """Processes that die when something happens here, so that they need no hook of their own.

    Events: `order.received`, `order.accepted`, `order.replied`; the same of `list` (`list.placed`), of `cancel` and `amend`
    (`cancel.done`, `amend.done`), of `replace`; `list.cancelled`; `query.received`, `query.replied` (private reads, logging
    on); `public.received`; `request.received` (all of them); `fill.partial`, `fill.done`.
    """

    def __init__(self, kill: Callable[[int], None] = kill) -> None:
        self._wires: list[Tripwire] = []
        self._kill = kill

    def lay(self, wire: Tripwire) -> None:
        """Wait for an event."""
        self._wires.append(wire)

    def clear(self) -> None:
        """Wait for nothing."""
        self._wires.clear()

    def fire(self, event: str) -> None:
        """Something happened."""
        if not self._wires:
            return
        for wire in list(self._wires):
            if wire.event != event:
                continue
            wire.nth -= 1
            if wire.nth <= 0:
                self._wires.remove(wire)
                self._pull(wire)

    def _pull(self, wire: Tripwire) -> None:
        if wire.after_ms > 0:
            asyncio.get_running_loop().call_later(wire.after_ms / 1000, self._kill, wire.pid)
        else:
            self._kill(wire.pid)
