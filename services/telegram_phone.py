"""The bots' other end: what people write to them and press. `/start CODE` links a chat, `/halt` stops after a second look.

One question for news per bot is always open at Telegram's side (long polling); several users may share a bot. Who writes is
known by the chat alone, so a chat is linked by a code that only the account page shows, once and for ten minutes.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import AristobotError, StoreError
from aristobot.events import NotificationChannelChanged, UserChanged
from aristobot.language import _, use_language
from aristobot.logs import log_context
from aristobot.notices import Outlet
from aristobot.store.database import Database
from services.halt_desk import HaltDesk
from services.notifier_settings import NotifierSettings
from services.notifiers.telegram import Telegram
from services.telegram_halt import HaltButtons
from services.telegram_link import Caller, TelegramLink

_PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)


class TelegramPhone:
    """As a service it listens to every bot of the household."""

    name = "telegram"

    def __init__(
        self, db: Database, bus: Bus, clock: Clock, *, telegram: Telegram, settings: NotifierSettings, desk: HaltDesk
    ) -> None:
        self._clock = clock
        self._telegram = telegram
        self._link = TelegramLink(db, clock, telegram, settings)
        self._buttons = HaltButtons(clock, telegram, desk)
        self._bots: dict[str, asyncio.Task[None]] = {}
        self._inbox = bus.subscribe(NotificationChannelChanged, UserChanged, keep="latest")

    def code(self, user_id: uuid.UUID) -> str:
        """A fresh code that links the chat in which it is written; the one before counts no more."""
        return self._link.code(user_id)

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
        wanted = {token for token, _row in await self._link.rows()}
        for gone in self._bots.keys() - wanted:
            self._bots.pop(gone).cancel()
        for token in wanted:
            if token not in self._bots or self._bots[token].done():
                self._bots[token] = asyncio.create_task(self._listen(token))

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
            caller = await self._link.caller(token, chat)
            with log_context(user_id=caller.user.id if caller else None), use_language(caller.user.language if caller else ""):
                if isinstance(press, dict):
                    await self._buttons.pressed(token, caller, press)
                else:
                    await self._wrote(token, chat, caller, message)
        except StoreError:
            raise
        except AristobotError as error:
            logger.warning("A message to the Telegram bot could not be answered: {}", error)
        except Exception:  # what a stranger may write must not silence the bot
            logger.exception("A message to the Telegram bot met a fault of the house")

    async def _wrote(self, token: str, chat: int, caller: Caller | None, message: Mapping[str, Any]) -> None:
        command, _space, rest = str(message.get("text", "")).strip().partition(" ")
        command = command.partition("@")[0].lower()
        if command == "/start" and rest.strip():
            await self._link.link(token, chat, rest.strip().upper(), str(message.get("chat", {}).get("first_name", "")))
        elif caller is None:
            logger.info("A stranger wrote to the Telegram bot")
        elif command in ("/halt", "/stop"):
            await self._buttons.offer(caller)
        elif command == "/status":
            await self._telegram.say(token, chat, await self._buttons.status(caller))
        else:
            words = _("/halt stops trading, after a confirmation. /status says what is stopped. Releasing is done on the screen.")
            await self._telegram.say(token, chat, words)


def _private_chat(message: object) -> int | None:
    """The number of the chat, when it is one between a person and the bot: in a group others could press."""
    chat = message.get("chat") if isinstance(message, dict) else None
    if not isinstance(chat, dict) or chat.get("type") != "private" or not isinstance(chat.get("id"), int):
        return None
    return int(chat["id"])
