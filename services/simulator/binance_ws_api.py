"""Binance's WebSocket API: the REST calls over one socket, sessions, and the user data stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from services.simulator.binance_desk import BinanceDesk
from services.simulator.binance_errors import BinanceError, missing
from services.simulator.binance_json import Json, user_event
from services.simulator.binance_keys import WRONG_KEY, check_key_form, check_rights, check_window, is_ed25519, socket_payload
from services.simulator.binance_limits import is_limit
from services.simulator.binance_params import Params, as_text
from services.simulator.binance_routes import Endpoint
from services.simulator.journal import Entry
from services.simulator.misfortune import Question, say
from services.simulator.records import Account, VenueEvent
from services.simulator.wire import Ending, Outcome, Reply, Socket
from services.simulator.world import World

#: Opening a connection costs this much weight.
CONNECTING = 2


class _Request(msgspec.Struct):
    method: str
    id: str | int | None = None
    params: dict[str, Any] = {}  # msgspec copies it for each request


_DECODER = msgspec.json.Decoder(_Request, float_hook=Decimal)
_PLACING = ("order.place", "list.place", "order.replace")


def as_params(given: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as the texts that are signed and read."""
    texts = {}
    for name, value in given.items():
        if value is not None:
            texts[name] = msgspec.json.encode(value).decode() if isinstance(value, list | dict) else as_text(value)
    return texts


class TradingSession:
    """One connection: perhaps logged on, perhaps subscribed to the events of accounts."""

    def __init__(self, world: World, desk: BinanceDesk, methods: Mapping[str, Endpoint], socket: Socket) -> None:
        self._world = world
        self._desk = desk
        self._methods = methods
        self._socket = socket
        self._since = world.clock.ms()
        self._logged_on: Account | None = None
        self._logged_on_at = 0
        self._subscriptions: dict[int, tuple[Account, Callable[[VenueEvent], None]]] = {}
        self._numbers = 0
        self._own: dict[str, Callable[[_Request], object]] = {
            "session.logon": self._log_on,
            "session.status": self._status,
            "session.logout": self._log_out,
            "session.subscriptions": self._tell_subscriptions,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }
        desk.limits.spend(socket.peer, CONNECTING)

    def close(self) -> None:
        """The connection is gone: nobody listens any more."""
        for account, listener in self._subscriptions.values():
            account.listeners.remove(listener)
        self._subscriptions.clear()

    def hear(self, text: str) -> None:
        """One request came in."""
        try:
            request = _DECODER.decode(text)
        except (msgspec.DecodeError, ArithmeticError):
            error = BinanceError(-1135, "Invalid JSON Request")
            self._socket.push(msgspec.json.encode({"id": None, "status": 400, "error": error.body(), "rateLimits": []}).decode())
            return
        endpoint = self._methods.get(request.method)
        event = endpoint.event if endpoint is not None else "session"
        key = str(request.params.get("apiKey", "")) or (self._logged_on.key if self._logged_on else "")
        entry = Entry("binance", key, "WS", request.method, self._world.clock.ms(), event)
        question = Question(
            event,
            endpoint is None or bool(endpoint.right),
            entry,
            lambda: self._perform(request, endpoint, entry),
            lambda code, retry_after: self._trouble(request, code, retry_after),
        )
        self._desk.courier.carry(question, self._send)

    def _send(self, outcome: Outcome) -> None:
        reply = outcome.reply
        if outcome.ending is Ending.CUT:
            self._socket.cut()
        elif reply is not None:
            text = reply.body.decode()
            self._socket.push(text[: len(text) // 2] if outcome.ending is Ending.SHORT else text, outcome.told)

    def _perform(self, request: _Request, endpoint: Endpoint | None, entry: Entry) -> Reply:
        peer, counted = self._socket.peer, None
        body: Json
        try:
            self._desk.limits.admit(peer)
            if endpoint is not None:
                result, account = self._act(request, endpoint, entry)
                counted = account if endpoint.event in _PLACING else None
            else:
                result = self._session(request)
            body = {"id": request.id, "status": 200, "result": result}
        except BinanceError as error:
            asked = None if self._is_revoked_by(error, request) else request.id
            body = {"id": asked, "status": error.status, "error": self._error(error)}
        if request.params.get("returnRateLimits", True) is not False:
            body["rateLimits"] = self._desk.limits.socket_status(peer, counted)
        return Reply(body["status"], msgspec.json.encode(body))

    def _is_revoked_by(self, error: BinanceError, request: _Request) -> bool:
        """A key that may no more what it is used for is logged off, and told so in an answer to nobody."""
        if error.code != WRONG_KEY or self._logged_on is None or "apiKey" in request.params:
            return False
        self._logged_on, self._logged_on_at = None, 0
        self.close()
        return True

    def _error(self, error: BinanceError) -> Json:
        body = error.body()
        if is_limit(error):
            now = self._world.clock.ms()
            body["data"] = {"serverTime": now, "retryAfter": now + self._desk.limits.retry_after(self._socket.peer) * 1000}
        return body

    def _trouble(self, request: _Request, code: int, retry_after: float) -> Reply:
        reply = self._desk.trouble(code, retry_after)
        error: Json = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
        if reply.media_type.startswith(b"application/json"):
            error = msgspec.json.decode(reply.body)
        if reply.status in (418, 429):
            now = self._world.clock.ms()
            error["data"] = {"serverTime": now, "retryAfter": now + int(retry_after * 1000)}
        return Reply(
            reply.status, msgspec.json.encode({"id": request.id, "status": reply.status, "error": error, "rateLimits": []})
        )

    def _act(self, request: _Request, endpoint: Endpoint, entry: Entry) -> tuple[object, Account | None]:
        params = Params(as_params(request.params))
        self._desk.identify(entry, params.given)
        account = self._sender(request, params.given) if endpoint.right else None
        return self._desk.act(endpoint, params, account, self._socket.peer, over_socket=True), account

    def _sender(self, request: _Request, given: Mapping[str, str]) -> Account:
        if "apiKey" not in given and self._logged_on is not None:
            check_window(given, self._world.clock)
            return self._logged_on
        return self._signed(request, given)

    def _signed(self, request: _Request, given: Mapping[str, str]) -> Account:
        key = given.get("apiKey")
        if not key:
            raise missing("apiKey")
        check_key_form(key)
        return self._desk.authenticate(key, given.get("signature"), socket_payload(given), given)

    def _session(self, request: _Request) -> object:
        act = self._own.get(request.method)
        if act is None:
            raise BinanceError(-1020, "This operation is not supported.")
        self._desk.limits.spend(self._socket.peer, 2)
        return act(request)

    def _log_on(self, request: _Request) -> Json:
        account = self._signed(request, as_params(request.params))
        if not is_ed25519(account.secret):
            raise BinanceError(-4056, "HMAC_SHA256 API key is not supported.")
        self._logged_on, self._logged_on_at = account, self._world.clock.ms()
        return self._status(request)

    def _log_out(self, request: _Request) -> Json:
        self._logged_on, self._logged_on_at = None, 0
        return self._status(request)

    def _status(self, request: _Request) -> Json:
        logged_on = self._logged_on
        return {
            "apiKey": logged_on.key if logged_on else None,
            "authorizedSince": self._logged_on_at if logged_on else None,
            "connectedSince": self._since,
            "returnRateLimits": request.params.get("returnRateLimits", True) is not False,
            "serverTime": self._world.clock.ms(),
            "userDataStream": bool(self._subscriptions),
        }

    def _tell_subscriptions(self, request: _Request) -> list[Json]:
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _subscribe(self, request: _Request) -> Json:
        if self._logged_on is None:
            raise BinanceError(-1002, "You are not authorized to execute this request.", status=401)
        return self._listen(self._logged_on)

    def _subscribe_signed(self, request: _Request) -> Json:
        return self._listen(self._signed(request, as_params(request.params)))

    def _listen(self, account: Account) -> Json:
        check_rights(account, "read")
        if any(account is listening for listening, _ in self._subscriptions.values()):
            raise BinanceError(-2035, "User Data Stream subscription already active.")
        number, self._numbers = self._numbers, self._numbers + 1

        def tell(event: VenueEvent) -> None:
            text = msgspec.json.encode({"subscriptionId": number, "event": user_event(event, self._world.clock.ms())})
            say(self._world, self._socket, "user.message", account.key, text.decode())

        account.listeners.append(tell)
        self._subscriptions[number] = account, tell
        return {"subscriptionId": number}

    def _unsubscribe(self, request: _Request) -> Json:
        wanted = request.params.get("subscriptionId")
        for number in [number for number in self._subscriptions if wanted in (None, number)]:
            account, listener = self._subscriptions.pop(number)
            account.listeners.remove(listener)
        return {}
