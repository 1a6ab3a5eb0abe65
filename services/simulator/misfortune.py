"""One question and its answer, as it goes well, or as a fault of the script wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.simulator.faults import DELAYS, Fault
from services.simulator.journal import Entry
from services.simulator.wire import Ending, Outcome, Reply, Socket
from services.simulator.world import World

#: What a request that came in, was done, and was answered is called on the tripwires.
_DONE = {
    "order.place": ("order.accepted",),
    "order.replace": ("cancel.done", "order.accepted"),
    "order.amend": ("amend.done",),
    "order.cancel": ("cancel.done",),
    "list.place": ("list.placed",),
    "list.cancel": ("cancel.done", "list.cancelled"),
    "orders.cancel": ("cancel.done",),
}
_FAMILY = {
    "order.place": "order",
    "order.replace": "replace",
    "order.amend": "amend",
    "order.cancel": "cancel",
    "orders.cancel": "cancel",
    "list.place": "list",
    "list.cancel": "cancel",
}


@dataclass(slots=True)
class Question:
    """A request, ready to be done. `trouble(code)` is the dialect's answer of a status (positive) or error code (negative)."""

    event: str
    private: bool
    entry: Entry
    perform: Callable[[], Reply]
    trouble: Callable[[int, float], Reply]


class Courier:
    """Carries questions to the venue and answers back, with all that can happen on the way."""

    def __init__(self, world: World) -> None:
        self._world = world

    def take(self, question: Question) -> Fault | None:
        """A question came in: tell the tripwires, and see what the script has for it."""
        world, entry = self._world, question.entry
        world.journal.note(entry)
        world.tripwires.fire("request.received")
        family = _FAMILY.get(question.event) or ("query" if question.private else "public")
        world.tripwires.fire(f"{family}.received")
        fault = world.faults.take(question.event, entry.exchange, entry.key)
        if fault is not None:
            entry.fault = fault.do
        return fault

    async def answer(self, question: Question) -> Outcome:
        """Carry a question to the venue and bring its answer, or what becomes of it."""
        fault = self.take(question)
        if fault is None:
            return self.well(question)
        return await self.late(question, fault) if fault.do in DELAYS else self.badly(question, fault)

    def carry(self, question: Question, send: Callable[[Outcome], None]) -> None:
        """The same on a socket, where nobody waits: what is not late is answered at once."""
        fault = self.take(question)
        if fault is None:
            send(self.well(question))
        elif fault.do in DELAYS:
            self._world.tasks.start(self._carry_late(question, fault, send))
        else:
            send(self.badly(question, fault))

    async def _carry_late(self, question: Question, fault: Fault, send: Callable[[Outcome], None]) -> None:
        send(await self.late(question, fault))

    def well(self, question: Question) -> Outcome:
        """Do it and answer."""
        reply = self._do(question)
        return self._answer(question, reply)

    def _answer(self, question: Question, reply: Reply) -> Outcome:
        question.entry.outcome = f"{reply.status} {reply.refusal}".rstrip()
        family = _FAMILY.get(question.event) or ("query" if question.private else "public")
        return Outcome(Ending.ANSWERED, reply, lambda: self._world.tripwires.fire(f"{family}.replied"))

    def _do(self, question: Question) -> Reply:
        reply = question.perform()
        if reply.status < 400 and not reply.refusal:
            for event in _DONE.get(question.event, ()):
                self._world.tripwires.fire(event)
        return reply

    def _lost(self, question: Question, ending: Ending) -> Outcome:
        question.entry.outcome = ending.value
        return Outcome(ending)

    async def late(self, question: Question, fault: Fault) -> Outcome:
        """Do it later, or answer later; a fault of DELAYS."""
        seconds = fault.number("seconds", 1)
        if fault.do == "slow":
            await self._world.clock.sleep(seconds)
            return self.well(question)
        reply = self._do(question)
        await self._world.clock.sleep(seconds)
        return self._answer(question, reply)

    def badly(self, question: Question, fault: Fault) -> Outcome:
        """Do it or not, answer or not, as any other fault says."""
        match fault.do:
            case "delayed_accept":
                self._world.tasks.start(self._later(question, fault.number("seconds", 1)))
                return self._answer(question, question.trouble(-1007, 0))
            case "refuse":
                return self._lost(question, Ending.CUT)
            case "refuse_5xx":
                return self._answer(question, question.trouble(int(fault.number("status", 503)), 0))
            case "429" | "418":
                return self._answer(question, question.trouble(int(fault.do), fault.number("retry_after", 1)))
            case _:
                return self._done_but(question, fault)

    async def _later(self, question: Question, seconds: float) -> None:
        await self._world.clock.sleep(seconds)
        question.entry.outcome += f" {self._do(question).status}"

    def _done_but(self, question: Question, fault: Fault) -> Outcome:
        lag = fault.number("lag", 0)
        match fault.do:
            case "-1006" | "-1007" | "-1008":
                if fault.do != "-1008" and fault.options.get("accept", True):
                    self._lagging(question, lag)
                return self._answer(question, question.trouble(int(fault.do), 0))
            case "accept_then_5xx":
                self._lagging(question, lag)
                return self._answer(question, question.trouble(int(fault.number("status", 504)), 0))
            case "short_body":
                reply = self._lagging(question, lag)
                question.entry.outcome = Ending.SHORT.value
                return Outcome(Ending.SHORT, reply)
            case "wrong_clock":
                return self._with_wrong_clock(question, int(fault.number("offset_ms", 60_000)))
            case "lagging_reads":
                return self._answer(question, self._lagging(question, fault.number("seconds", 5)))
            case _:
                self._lagging(question, lag)
                return self._lost(question, Ending.HUNG if fault.do == "accept_then_hang" else Ending.CUT)

    def _with_wrong_clock(self, question: Question, offset: int) -> Outcome:
        clock = self._world.clock
        clock.offset_ms += offset
        try:
            return self.well(question)
        finally:
            clock.offset_ms -= offset

    def _lagging(self, question: Question, seconds: float) -> Reply:
        venue = self._world.venue
        venue.lag_ms = int(seconds * 1000)
        try:
            return self._do(question)
        finally:
            venue.lag_ms = 0


def say(world: World, socket: Socket, event: str, key: str, text: str) -> None:
    """Push a message over a socket, unless the script has something else in mind for it."""
    match world.faults.take_message(event, socket.exchange, key):
        case "drop_message":
            return
        case "double_message":
            socket.push(text)
        case "silent_socket":
            socket.silent = True
        case "disconnect":
            socket.cut()
    socket.push(text)
