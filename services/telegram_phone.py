"""The bots' other end: what people write to them and press. `/start CODE` links a chat, `/halt` stops after a second look.

One question for news per bot is always open at Telegram's side (long polling); several users may share a bot. Who writes is
known by the chat alone, so a chat is linked by a code that only the account page shows, once and for ten minutes.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AccessDenied, AristobotError, StoreError
from aristobot.events import NotificationChannelChanged, UserChanged
from aristobot.kinds import HaltLevel, HaltScope, Role
from aristobot.language import _, explain, use_language
from aristobot.logs import log_context
from aristobot.notices import Outlet
from aristobot.store import notifications, users
from aristobot.store.database import Database
from aristobot.store.notice_tables import NotificationChannel
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.attempts import Attempts
from services.audit_trail import Actor
from services.halt_desk import HaltDesk, Hand, Wish
from services.notifier_settings import NotifierSettings
from services.notifiers.telegram import Telegram

#: Seconds for which a code links a chat, and a button stops anything.
CODE_SECONDS, PRESS_SECONDS = 600.0, 120.0
#: No 0/O, 1/I: it may be typed by hand.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_LENGTH = 10
_PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)
_LEVELS = {"halt": HaltLevel.HALT, "reduce": HaltLevel.REDUCE}


@dataclass(frozen=True, slots=True)
class _Caller:
    """Somebody who wrote to a bot: who they are, where, and through which bot."""

    user: User
    row: NotificationChannel
    token: str
    chat: int


@dataclass(frozen=True, slots=True)
class _Offer:
    """A button that stops something, for whoever was asked, until it is too late."""

    user_id: uuid.UUID
    until: float


class TelegramPhone:
    """As a service it listens to every bot of the household."""

    name = "telegram"

    def __init__(
        self, db: Database, bus: Bus, clock: Clock, *, telegram: Telegram, settings: NotifierSettings, desk: HaltDesk
    ) -> None:
        self._db = db
        self._clock = clock
        self._telegram = telegram
        self._settings = settings
        self._desk = desk
        self._attempts = Attempts(clock)
        self._codes: dict[str, tuple[uuid.UUID, float]] = {}
        self._offers: dict[str, _Offer] = {}
        self._bots: dict[str, asyncio.Task[None]] = {}
        self._inbox = bus.subscribe(NotificationChannelChanged, UserChanged, keep="latest")

    def code(self, user_id: uuid.UUID) -> str:
        """A fresh code that links the chat in which it is written; the one before counts no more."""
        self._codes = {known: one for known, one in self._codes.items() if one[0] != user_id}
        code = "".join(secrets.choice(_ALPHABET) for _place in range(_CODE_LENGTH))
        self._codes[code] = (user_id, self._clock.monotonic() + CODE_SECONDS)
        return code

    async def run(self) -> None:
        """Listen to the bots that are set up, whatever is changed about them."""
        try:
            await self._attend()
            async for event in self._inbox:
                if not isinstance(event, NotificationChannelChanged) or event.channel == Outlet.TELEGRAM:
                    await self._attend()
        finally:
            for task in self._bots.values():
                task.cancel()
            await asyncio.gather(*self._bots.values(), return_exceptions=True)
            self._bots.clear()

    async def _attend(self) -> None:
        """One listener per bot, and none for a bot that is gone."""
        wanted = {token for token, _row in await self._rows()}
        for gone in self._bots.keys() - wanted:
            self._bots.pop(gone).cancel()
        for token in wanted:
            if token not in self._bots or self._bots[token].done():
                self._bots[token] = asyncio.create_task(self._listen(token))

    async def _rows(self) -> list[tuple[str, NotificationChannel]]:
        rows = await self._db.read(SYSTEM, notifications.channels)
        wanted = [row for row in rows if row.channel is Outlet.TELEGRAM and row.enabled]
        return [((await self._settings.opened(row)).get("token", ""), row) for row in wanted]

    async def _listen(self, token: str) -> None:
        offset, tries = 0, 0
        while True:
            try:
                for update in await self._telegram.news(token, offset):
                    await self._take(token, update)
                    offset = max(offset, int(update.get("update_id", 0)) + 1)
                tries = 0
            except AristobotError as error:
                if tries == 0:
                    logger.warning("The Telegram bot cannot be listened to: {}", error)
                tries += 1
                await self._clock.sleep(_PAUSES[min(tries, len(_PAUSES)) - 1])

    async def _take(self, token: str, update: Mapping[str, Any]) -> None:
        """One message or press; what goes wrong with it is logged and not met again, but for a store that cannot be reached."""
        press = update.get("callback_query")
        message = press.get("message") if isinstance(press, dict) else update.get("message")
        chat = _private_chat(message)
        if chat is None or not isinstance(message, dict):
            return
        try:
            caller = await self._caller(token, chat)
            with log_context(user_id=caller.user.id if caller else None), use_language(caller.user.language if caller else ""):
                if isinstance(press, dict):
                    await self._pressed(token, caller, press)
                else:
                    await self._wrote(token, chat, caller, message)
        except StoreError:
            raise
        except AristobotError as error:
            logger.warning("A message to the Telegram bot could not be answered: {}", error)
        except Exception:  # what a stranger may write must not silence the bot
            logger.exception("A message to the Telegram bot met a fault of the house")

    async def _caller(self, token: str, chat: int) -> _Caller | None:
        for known, row in await self._rows():
            if known == token and (row.settings or {}).get("chat_id") == chat:
                user = await self._db.read(SYSTEM, partial(users.get, user_id=row.user_id))
                return _Caller(user, row, token, chat) if user.is_active else None
        return None

    async def _wrote(self, token: str, chat: int, caller: _Caller | None, message: Mapping[str, Any]) -> None:
        command, _space, rest = str(message.get("text", "")).strip().partition(" ")
        command = command.partition("@")[0].lower()
        if command == "/start" and rest.strip():
            await self._link(token, chat, rest.strip().upper(), str(message.get("chat", {}).get("first_name", "")))
        elif caller is None:
            logger.info("A stranger wrote to the Telegram bot")
        elif command in ("/halt", "/stop"):
            await self._offer(caller)
        elif command == "/status":
            await self._telegram.say(token, chat, await self._status(caller))
        else:
            words = _("/halt stops trading, after a confirmation. /status says what is stopped. Releasing is done on the screen.")
            await self._telegram.say(token, chat, words)

    async def _link(self, token: str, chat: int, code: str, name: str) -> None:
        place = (str(chat), "telegram")
        try:
            self._attempts.begin(*place)
        except AccessDenied:
            return
        user_id, until = self._codes.get(code, (None, 0.0))
        mine = [row for known, row in await self._rows() if known == token and row.user_id == user_id]
        if user_id is None or until < self._clock.monotonic() or not mine:
            await self._telegram.say(token, chat, explain("channel_code_wrong"))
            return
        self._attempts.succeeded(*place)
        del self._codes[code]
        linked: uuid.UUID = user_id

        def work(session: GuardedSession) -> User:
            row = notifications.channel(session, Outlet.TELEGRAM)
            if row is not None:
                row.settings = {**(row.settings or {}), "chat_id": chat, "chat_name": name[:64]}
                session.add(row)
                notifications.hurry(session, Outlet.TELEGRAM, self._clock.now())
            return users.get(session, linked)

        user = await self._db.write(linked, work)
        self._settings.changed(linked, Outlet.TELEGRAM)
        with use_language(user.language):
            await self._telegram.say(token, chat, _("This chat is linked to {name}. /halt stops trading.", name=user.name))

    async def _offer(self, caller: _Caller) -> None:
        """Ask before anything stops; the buttons work once, for two minutes."""
        if caller.user.role is Role.VIEWER:
            await self._telegram.say(caller.token, caller.chat, explain("halt_not_yours"))
            return
        now = self._clock.monotonic()
        self._offers = {one: offer for one, offer in self._offers.items() if offer.until > now}
        nonce = secrets.token_urlsafe(12)
        self._offers[nonce] = _Offer(caller.user.id, now + PRESS_SECONDS)
        words = _("Stop the trading of your account? Exits and protections go on.")
        buttons = [
            [(_("Stop: no new entry"), f"halt:{nonce}")],
            [(_("Only reduce positions"), f"reduce:{nonce}")],
            [(_("Cancel"), f"no:{nonce}")],
        ]
        await self._telegram.say(caller.token, caller.chat, words, buttons)

    async def _pressed(self, token: str, caller: _Caller | None, press: Mapping[str, Any]) -> None:
        await self._telegram.acknowledge(token, str(press.get("id", "")))
        if caller is None:
            return
        level, _colon, nonce = str(press.get("data", "")).partition(":")
        offer = self._offers.pop(nonce, None)
        words = _("Nothing was stopped.")
        if offer is None or offer.user_id != caller.user.id or offer.until < self._clock.monotonic():
            words = _("This button is too old: write /halt again.")
        elif level in _LEVELS:
            hand = Hand(caller.user.id, caller.user.role, Actor(caller.user.name, "telegram", caller.user.id))
            try:
                await self._desk.halt(hand, Wish(HaltScope.USER, caller.user.id, _LEVELS[level], "telegram"))
                words = _("Trading is stopped. It is released on the screen, with your password.")
            except AristobotError as error:
                words = explain(error)
        message_id = int(press.get("message", {}).get("message_id", 0))
        await self._telegram.replace(token, caller.chat, message_id, words)

    async def _status(self, caller: _Caller) -> str:
        hand = Hand(caller.user.id, caller.user.role, Actor(caller.user.name, "telegram", caller.user.id))
        halts = await self._desk.concerning(hand)
        if not halts:
            return _("Nothing is stopped.")
        return "\n".join(_("Stopped by {by}: {level}.", by=one.set_by, level=explain(f"level_{one.level}")) for one in halts)


def _private_chat(message: object) -> int | None:
    """The number of the chat, when it is one between a person and the bot: in a group others could press."""
    chat = message.get("chat") if isinstance(message, dict) else None
    if not isinstance(chat, dict) or chat.get("type") != "private" or not isinstance(chat.get("id"), int):
        return None
    return int(chat["id"])
