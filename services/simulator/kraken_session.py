"""One connection to a socket of Kraken's: what public and private ones have in common."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from services.simulator.kraken_json import Json, rfc3339
from services.simulator.misfortune import say
from services.simulator.times import ExchangeClock
from services.simulator.wire import Socket
from services.simulator.world import World

#: Numbers are numbers here, with all their decimals.
ENCODER = msgspec.json.Encoder(decimal_format="number")
_CONNECTIONS = itertools.count(18_125_794_168_470_749_634 % 2**53)


class Request(msgspec.Struct):
    """What a client says. `req_id` comes back in the answer."""

    method: str
    params: dict[str, Any] = {}  # msgspec copies it for each request
    req_id: int | None = None


_DECODER = msgspec.json.Decoder(Request, float_hook=Decimal)


#: What a kind of connection does with a request other than a ping, and when that came, in microseconds.
Handler = Callable[[Request, int], None]


class Line:
    """The connection itself: greets, answers pings, numbers nothing, beats when it has been silent."""

    def __init__(self, world: World, socket: Socket, wake: Callable[[], None]) -> None:
        self._world = world
        self._socket = socket
        self._wake = wake
        self._spoke = False
        #: Whose connection it is, as soon as that is known; for the script of misfortunes.
        self.key = ""
        #: Whether anything is subscribed to: then it beats.
        self.alive = False

    @property
    def clock(self) -> ExchangeClock:
        """The exchange's clock."""
        return self._world.clock

    @property
    def peer(self) -> str:
        """Where it comes from."""
        return self._socket.peer

    def enliven(self) -> None:
        """Something is subscribed to: from now on it beats."""
        self.alive = True
        self._wake()

    def greet(self, system: str = "online") -> None:
        """The first message, and the one that warns of another state of the system."""
        state: Json = {
            "version": "2.0.10",
            "system": system,
            "api_version": "v2",
            "connection_id": next(_CONNECTIONS),
            "upcoming_maintenance": [],
            "emergency": [],
        }
        self.push("status.message", {"channel": "status", "type": "update", "data": [state]})

    def hear(self, text: str, handle: Handler) -> None:
        """One request came in; `handle` answers it, unless it is a ping."""
        came = self.clock.us()
        try:
            request = _DECODER.decode(text)
        except (msgspec.DecodeError, ArithmeticError):
            self.send(self.encode({"error": "Malformed request", "success": False} | self._times(came)))
            return
        if request.method == "ping":
            self.send(self.encode({"method": "pong"} | self._tail(request, came)))
        else:
            handle(request, came)

    def beat(self) -> None:
        """Say that the line lives, if nothing else said it for a second."""
        if self.alive and not self._spoke:
            self.push("heartbeat.message", {"channel": "heartbeat"})
        self._spoke = False

    def push(self, event: str, message: Json) -> None:
        """Send something unasked, unless the script has something else in mind for it."""
        self.push_text(event, self.encode(message))

    def push_text(self, event: str, text: str) -> None:
        """The same for a message that is written already."""
        self._spoke = True
        say(self._world, self._socket, event, self.key, text)

    def send(self, text: str, told: Callable[[], None] | None = None) -> None:
        """Send an answer."""
        self._spoke = True
        self._socket.push(text, told)

    def cut(self) -> None:
        """Hang up."""
        self._socket.cut()

    @staticmethod
    def encode(message: Json) -> str:
        """A message as it is sent."""
        return ENCODER.encode(message).decode()

    def _times(self, came: int) -> Json:
        return {"time_in": rfc3339(came), "time_out": rfc3339(self.clock.us())}

    def _tail(self, request: Request, came: int) -> Json:
        number: Json = {} if request.req_id is None else {"req_id": request.req_id}
        return self._times(came) | number

    def agreed(self, request: Request, came: int, result: Json) -> str:
        """A good answer."""
        return self.encode({"method": request.method, "result": result, "success": True} | self._tail(request, came))

    def refused(self, request: Request, came: int, words: str, **more: object) -> str:
        """A no."""
        return self.encode({"error": words, "method": request.method, "success": False} | more | self._tail(request, came))
