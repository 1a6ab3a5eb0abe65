"""Which chat is whose: linked by a code that is shown on the screen and written to the bot."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from functools import partial

from aristobot.clock import Clock
from aristobot.errors import AccessDenied
from aristobot.language import _, explain, use_language
from aristobot.notices import Outlet
from aristobot.store import notifications, users
from aristobot.store.database import Database
from aristobot.store.notice_tables import NotificationChannel
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.attempts import Attempts
from services.notifier_settings import NotifierSettings
from services.notifiers.telegram import Telegram

#: Seconds for which a code links a chat.
CODE_SECONDS = 600.0
#: No 0/O, 1/I: it may be typed by hand.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who wrote to a bot: who they are, where, and through which bot."""

    user: User
    row: NotificationChannel
    token: str
    chat: int


class TelegramLink:
    """Gives codes out, and knows whose chat is whose."""

    def __init__(self, db: Database, clock: Clock, telegram: Telegram, settings: NotifierSettings) -> None:
        self._db = db
        self._clock = clock
        self._telegram = telegram
        self._settings = settings
        self._attempts = Attempts(clock)
        self._codes: dict[str, tuple[uuid.UUID, float]] = {}

    def code(self, user_id: uuid.UUID) -> str:
        """A fresh code that links the chat in which it is written; the one before counts no more."""
        self._codes = {known: one for known, one in self._codes.items() if one[0] != user_id}
        code = "".join(secrets.choice(_ALPHABET) for _place in range(_CODE_LENGTH))
        self._codes[code] = (user_id, self._clock.monotonic() + CODE_SECONDS)
        return code

    async def rows(self) -> list[tuple[str, NotificationChannel]]:
        """The bots that are set up and switched on, by their tokens."""
        rows = await self._db.read(SYSTEM, notifications.channels)
        wanted = [row for row in rows if row.channel is Outlet.TELEGRAM and row.enabled]
        return [((await self._settings.opened(row)).get("token", ""), row) for row in wanted]

    async def caller(self, token: str, chat: int) -> Caller | None:
        """Whose chat it is; None for a stranger."""
        for known, row in await self.rows():
            if known == token and (row.settings or {}).get("chat_id") == chat:
                user = await self._db.read(SYSTEM, partial(users.get, user_id=row.user_id))
                return Caller(user, row, token, chat) if user.is_active else None
        return None

    async def link(self, token: str, chat: int, code: str, name: str) -> None:
        """Link the chat in which a good code was written; tell it of a bad one, slower each time."""
        place = (str(chat), "telegram")
        try:
            self._attempts.begin(*place)
        except AccessDenied:
            return
        user_id, until = self._codes.get(code, (None, 0.0))
        mine = [row for known, row in await self.rows() if known == token and row.user_id == user_id]
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
