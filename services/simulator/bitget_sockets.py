"""Bitget's sockets: one connection, public or private, classic or unified: ping, login, subscriptions, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from services.simulator.bitget_desk import BitgetDesk
from services.simulator.bitget_errors import BitgetError, Json
from services.simulator.bitget_keys import LOGIN, TOLERANCE, milliseconds
from services.simulator.bitget_limits import MESSAGES
from services.simulator.bitget_tongue import Tongue
from services.simulator.faults import DELAYS
from services.simulator.journal import Entry
from services.simulator.misfortune import Question
from services.simulator.records import Account
from services.simulator.wire import Ending, Outcome, Reply, Socket
from services.simulator.world import World

#: Milliseconds after which a connection that says nothing is cut.
PATIENCE = 120_000


class SocketError(Exception):
    """An error event: `code` and words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class _Message(msgspec.Struct):
    op: str = ""
    args: list[dict[str, Any]] = []  # msgspec copies it for each message
    id: str | int | None = None
    topic: str = ""
    category: str = ""


class Channels(Protocol):
    """What may be subscribed to on a connection."""

    def add(self, session: Session, arg: Mapping[str, str]) -> Callable[[], None]:
        """Subscribe; return what is to be done once that is acknowledged; raise SocketError for what does not exist."""

    def remove(self, session: Session, arg: Mapping[str, str]) -> None:
        """Do not tell any more."""

    def close(self, session: Session) -> None:
        """The connection is gone."""


class Session:
    """One connection."""

    def __init__(self, world: World, desk: BitgetDesk, socket: Socket, tongue: Tongue, channels: Channels) -> None:
        self._world = world
        self._desk = desk
        self.socket = socket
        self.tongue = tongue
        self._channels = channels
        self.account: Account | None = None
        self.heard_at = world.clock.ms()
        self._second = (0, 0)
        #: Orders over the socket, where they are open to everybody; None where they are not.
        self.order_calls: Mapping[str, Callable[[Account, Mapping[str, Any]], Json]] | None = None

    def push(self, message: Json) -> None:
        """Say something."""
        self.socket.push(msgspec.json.encode(message).decode())

    def hear(self, text: str) -> None:
        """One message came in; `ping` is a message without quotes."""
        now = self.heard_at = self._world.clock.ms()
        second, count = self._second
        count = count + 1 if second == now // 1000 else 1
        self._second = now // 1000, count
        if text == "ping":
            self.socket.push("pong")
            return
        if count > MESSAGES and self._desk.limits.counting:
            self.push(_error(SocketError(30006, "Request too many")))
            return
        try:
            message = msgspec.json.decode(text, type=_Message)
        except msgspec.DecodeError:
            self.push(_error(SocketError(30016, "Param error")))
            return
        self._question(message)

    def _question(self, message: _Message) -> None:
        places = message.op == "trade"
        topic = message.topic or str(message.args[0].get("channel", "") if message.args else "")
        event = {"place-order": "order.place", "cancel-order": "order.cancel"}.get(topic, "session") if places else "session"
        key = self.account.key if self.account else str(message.args[0].get("apiKey", "")) if message.args else ""
        entry = Entry("bitget", key, "WS", f"{message.op} {topic}".strip(), self._world.clock.ms(), event)
        if places and message.args:
            entry.client_order_id = str(message.args[0].get("clientOid", ""))
        question = Question(
            event,
            message.op != "subscribe" or self.account is not None,
            entry,
            lambda: self._perform(message),
            lambda code, retry_after: self._trouble(message, code, retry_after),
        )
        fault = self._desk.courier.take(question)
        if fault is None:
            self._send(self._desk.courier.well(question))
        elif fault.do in DELAYS:
            self._world.tasks.start(self._send_late(self._desk.courier.late(question, fault)))
        else:
            self._send(self._desk.courier.badly(question, fault))

    async def _send_late(self, coming: Awaitable[Outcome]) -> None:
        self._send(await coming)

    def _send(self, outcome: Outcome) -> None:
        if outcome.ending is Ending.CUT:
            self.socket.cut()
        elif outcome.reply is not None:
            for line in outcome.reply.body.decode().splitlines():
                self.socket.push(line[: len(line) // 2] if outcome.ending is Ending.SHORT else line, outcome.told)

    def _perform(self, message: _Message) -> Reply:
        """Answers stand one in a line; what follows from a subscription is pushed after them."""
        match message.op:
            case "login":
                answer = self._login(message)
            case "subscribe" | "unsubscribe":
                return self._subscriptions(message)
            case "trade":
                answer = self._order(message)
            case _:
                answer = _error(SocketError(30003, "Invalid op"))
        refused = str(answer["code"]) if answer.get("event") == "error" else ""
        return Reply(200, msgspec.json.encode(answer), refusal=refused)

    def _subscriptions(self, message: _Message) -> Reply:
        lines: list[bytes] = []
        refusal = ""
        for given in message.args:
            arg = {name: str(value) for name, value in given.items()}
            try:
                if message.op == "subscribe":
                    soon = self._channels.add(self, arg)
                    asyncio.get_running_loop().call_soon(soon)
                else:
                    self._channels.remove(self, arg)
                lines.append(msgspec.json.encode({"event": message.op, "arg": given}))
            except SocketError as error:
                refusal = str(error.code)
                lines.append(msgspec.json.encode(_error(error) | {"arg": given, "op": message.op}))
        return Reply(200, b"\n".join(lines), refusal=refusal)

    def _login(self, message: _Message) -> Json:
        given = {name: str(value) for name, value in (message.args[0] if message.args else {}).items()}
        try:
            self.account = self._known(given)
        except SocketError as error:
            return _error(error)
        return {"event": "login", "code": 0, "msg": ""}

    def _known(self, given: Mapping[str, str]) -> Account:
        timestamp = given.get("timestamp", "")
        sent = milliseconds(timestamp)
        account = self._desk.account(given.get("apiKey", ""))
        if account is None:
            raise SocketError(30011, "Invalid ACCESS_KEY")
        if account.passphrase is not None and given.get("passphrase") != account.passphrase:
            raise SocketError(30012, "Invalid ACCESS_PASSPHRASE")
        if sent is None:
            raise SocketError(30013, "Invalid ACCESS_TIMESTAMP")
        if abs(self._world.clock.ms() - sent) > TOLERANCE:
            raise SocketError(30014, "Request timestamp expired")
        if not self._desk.is_signed(account, [(timestamp + LOGIN).encode()], given.get("sign", "")):
            raise SocketError(30015, "Invalid sign")
        if account.mode != self.tongue.mode:
            wrong = self.tongue.wrong_mode()
            raise SocketError(int(wrong.code), wrong.text)
        return account

    def _order(self, message: _Message) -> Json:
        echo = {"id": message.id, "category": message.category, "topic": message.topic}
        try:
            if self.account is None:
                raise SocketError(30004, "User needs to log in")
            if self.order_calls is None or "trade" not in self.account.permissions:
                raise SocketError(40014, "Incorrect permissions, need spot trade")
            act = self.order_calls.get(message.topic)
            if act is None or not message.args:
                raise SocketError(30016, "Param error")
            args = [act(self.account, message.args[0])]
        except SocketError as error:
            return _error(error) | echo
        except BitgetError as error:
            return {"event": "error", "code": error.code, "msg": error.text} | echo
        return {"event": "trade", **echo, "args": args, "code": "0", "msg": "Success", "ts": str(self._world.clock.ms())}

    def _trouble(self, message: _Message, code: int, retry_after: float) -> Reply:
        reply = self._desk.trouble(self.tongue, code, retry_after)
        told: Json = {"code": "40015", "msg": "System is abnormal, please try again later"}
        if reply.media_type.startswith(b"application/json"):
            told = msgspec.json.decode(reply.body)
        if reply.status == 429:
            told = {"code": "30006", "msg": "Request too many"}
        body = {"event": "error", "code": told["code"], "msg": told["msg"], "id": message.id, "topic": message.topic}
        return Reply(reply.status, msgspec.json.encode(body), refusal=str(told["code"]))

    def close(self) -> None:
        """The connection is gone: nobody is told any more."""
        self._channels.close(self)


def _error(error: SocketError) -> Json:
    return {"event": "error", "code": error.code, "msg": error.text}
