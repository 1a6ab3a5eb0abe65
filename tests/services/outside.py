"""What stands outside the house, small and on this machine: Telegram's Bot API, a mail server, and a user of the house to tell."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import ManualClock, SystemClock
from aristobot.kinds import Role
from aristobot.notices import Outlet
from aristobot.store import brokers, users
from aristobot.store.database import Database
from aristobot.store.tables import Broker, User
from aristobot.store.tenancy import SYSTEM
from aristobot.vault import Vault
from services.audit_trail import Actor, AuditTrail
from services.broker_book import BrokerBook
from services.halt_desk import HaltDesk
from services.kill_switch import KillSwitch
from services.notice_book import NoticeBook
from services.notifier import Notifier
from services.notifier_post import NotifierPost
from services.notifier_settings import NotifierSettings
from services.notifiers.channel import Channel
from services.notifiers.email import EmailByServer
from services.notifiers.outbound_webhook import OutboundWebhook
from services.notifiers.telegram import Telegram
from services.telegram_phone import TelegramPhone
from tests.builders import a_broker, a_user

TOKEN = "123456:a-bot-of-the-tests"


@dataclass
class TelegramServer:
    """Speaks the methods of the Bot API that a bot needs; what people write and press is put in by the test."""

    url: str = ""
    token: str = TOKEN
    sent: list[dict[str, Any]] = field(default_factory=list)
    edited: list[dict[str, Any]] = field(default_factory=list)
    fault: tuple[int, dict[str, Any]] | None = None
    _updates: list[dict[str, Any]] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _number: int = 0

    @property
    def texts(self) -> list[str]:
        """The texts that were sent, oldest first."""
        return [str(one["text"]) for one in self.sent]

    def write(self, text: str, chat: int = 7, kind: str = "private") -> None:
        """Somebody writes to the bot."""
        self._put(
            {"message": {"message_id": self._number, "text": text, "chat": {"id": chat, "type": kind, "first_name": "Alice"}}}
        )

    def press(self, data: str, chat: int = 7) -> None:
        """Somebody presses a button."""
        message = {"message_id": 99, "chat": {"id": chat, "type": "private"}}
        self._put({"callback_query": {"id": "press", "data": data, "message": message}})

    def button(self, what: str) -> str:
        """What the button for this in the last message sends back."""
        rows = self.sent[-1]["reply_markup"]["inline_keyboard"]
        return {str(one["callback_data"]).partition(":")[0]: str(one["callback_data"]) for row in rows for one in row}[what]

    def _put(self, update: dict[str, Any]) -> None:
        self._number += 1
        self._updates.append({"update_id": self._number, **update})
        self._came.set()

    async def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """One call."""
        _, bot, method = path.split("/")
        if self.fault is not None and method != "getUpdates":
            return self.fault
        if bot != f"bot{self.token}":
            return 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}
        if method == "getMe":
            return 200, {"ok": True, "result": {"id": 1, "is_bot": True, "username": "aristotest_bot"}}
        if method == "getUpdates":
            return 200, {"ok": True, "result": await self._news(body)}
        (self.edited if method == "editMessageText" else self.sent if method == "sendMessage" else []).append(body)
        return 200, {"ok": True, "result": {"message_id": 1}}

    async def _news(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        self._updates = [one for one in self._updates if one["update_id"] >= body.get("offset", 0)]
        if not self._updates:
            self._came.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._came.wait(), 5)
        return list(self._updates)


@asynccontextmanager
async def telegram_server() -> AsyncIterator[TelegramServer]:
    """Telegram on a free port."""
    telegram = TelegramServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = await telegram.answer(first.split(" ")[1], json.loads(body or b"{}"))
                said = json.dumps(answer).encode()
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    telegram.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield telegram
    finally:
        telegram._came.set()
        server.close()


@dataclass
class MailServer:
    """Speaks enough SMTP (RFC 5321, AUTH PLAIN and LOGIN, STARTTLS); keeps what it was given."""

    port: int = 0
    password: str = ""
    refuses: str = ""
    context: ssl.SSLContext | None = None
    mails: list[EmailMessage] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""

        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 mail.test")
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while line := (await reader.readuntil(b"\n")).decode().strip():
                command, argument = line.partition(" ")[0].upper(), line.partition(" ")[2]
                if command == "EHLO":
                    say("250-mail.test")
                    offers = (["STARTTLS"] if self.context else []) + (["AUTH PLAIN"] if self.password else [])
                    for one in offers:
                        say(f"250-{one}")
                    say("250 8BITMIME")
                elif command == "STARTTLS" and self.context:
                    say("220 go")
                    await writer.start_tls(self.context)
                elif command == "AUTH":
                    given = base64.b64decode(argument.split(" ")[1]).decode().split("\0")[2]
                    say("235 welcome" if given == self.password else "535 no")
                elif command == "RCPT" and self.refuses and self.refuses in argument:
                    say("550 nobody here")
                elif command == "DATA":
                    say("354 go on")
                    text = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                    mail = message_from_bytes(text, policy=policy.default)
                    assert isinstance(mail, EmailMessage)
                    self.mails.append(mail)
                    say("250 kept")
                elif command == "QUIT":
                    say("221 bye")
                    break
                else:
                    say("250 ok")
        writer.close()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server on a free port."""
    mail = MailServer()
    server = await asyncio.start_server(mail.serve, "127.0.0.1", 0)
    mail.port = server.sockets[0].getsockname()[1]
    try:
        yield mail
    finally:
        server.close()


class Belfry:
    """The bell of a house without the house: memory, bus and clock are the test's own; its services run when they are told to."""

    def __init__(self, db: Database, folder: Path, clock: ManualClock, telegram_url: str = "http://127.0.0.1:9") -> None:
        self.db, self.clock, self.bus = db, clock, Bus()
        self.vault = Vault.open_or_create(folder / "master.key")
        self.folder = folder
        trail = AuditTrail(self.vault, clock)
        telegram = Telegram(telegram_url)
        channels: dict[Outlet, Channel] = {
            Outlet.TELEGRAM: telegram,
            Outlet.EMAIL: EmailByServer(),
            Outlet.WEBHOOK: OutboundWebhook(clock),
        }
        self.kill_switch = KillSwitch(db, self.bus, clock, folder)
        self.halts = HaltDesk(db, self.kill_switch, trail)
        self.brokers = BrokerBook(db, self.bus)
        self.book = NoticeBook(db, self.bus, clock)
        self.settings = NotifierSettings(db, self.bus, clock, self.vault, trail, channels)
        self.notifier = Notifier(db, self.bus, clock, self.book)
        self.post = NotifierPost(db, self.bus, clock, book=self.book, settings=self.settings, channels=channels)
        self.phone = TelegramPhone(db, self.bus, clock, telegram=telegram, settings=self.settings, desk=self.halts)
        self._running: list[asyncio.Task[None]] = []

    def run(self, *services: Any) -> None:
        """Let services run until the test ends."""
        self._running += [asyncio.ensure_future(one.run()) for one in services]

    async def stop(self) -> None:
        """Stop them, as a house does; a fall of one of them is the test's."""
        for task in self._running:
            task.cancel()
        ended = await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        for one in ended:
            if isinstance(one, Exception):
                raise one

    async def user(self, role: Role = Role.TRADER, **differences: Any) -> User:
        """Somebody who lives here."""
        return await self.db.write(SYSTEM, lambda s: users.create(s, a_user(role=role, **differences)))

    async def broker(self, owner: User, **differences: Any) -> Broker:
        """A broker of theirs."""
        made = await self.db.write(owner.id, lambda s: brokers.create(s, a_broker(owner, **differences)))
        await self.brokers.load()
        return made

    async def until(self, holds: Callable[[], Any], *, moving: float = 0.0) -> Any:
        """Wait until something holds, ten seconds or more; the clock moves on by `moving` at each look."""
        for _look in range(1000):
            found = holds()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await SystemClock().sleep(0.01)
            if moving:
                await self.clock.advance(moving, settle=3)
        raise AssertionError("it never came to hold")

    async def told(self, user: User, count: int = 1) -> list[Any]:
        """The lines of a user, newest first, once there are so many."""

        async def look() -> list[Any]:
            rows = await self.book.recent(user.id)
            return rows if len(rows) >= count else []

        rows = await self.until(look)
        assert len(rows) == count, [row.code for row in rows]
        return list(rows)


def hand(user: User) -> Actor:
    """The user at their screen."""
    return Actor(user.name, "screen", user.id)


def somebody() -> uuid.UUID:
    """An id that nobody has."""
    return uuid.uuid4()
