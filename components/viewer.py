"""Who looks at a page: the person behind a browser session, and the language and zone they read in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from aristobot.kinds import Role
from aristobot.language import use_language


@dataclass(frozen=True, slots=True)
class Viewer:
    """The user of one page: pages receive it as `user`. `session_id` is the login the page was fetched with."""

    id: uuid.UUID
    name: str
    session_id: uuid.UUID
    language: str = "fr"
    timezone: str = "Europe/Paris"
    role: Role = Role.TRADER

    @property
    def is_administrator(self) -> bool:
        """Whether users, tokens and endpoints may be changed."""
        return self.role is Role.ADMINISTRATOR

    @property
    def may_trade(self) -> bool:
        """Whether anything on the page may be changed at all."""
        return self.role is not Role.VIEWER


_HOUSE_ZONE = ZoneInfo("Europe/Paris")
_zone: ContextVar[ZoneInfo | None] = ContextVar("viewer_zone", default=None)


def zone() -> ZoneInfo:
    """The time zone in which moments are written now."""
    return _zone.get() or _HOUSE_ZONE


@contextmanager
def viewing(viewer: Viewer) -> Iterator[None]:
    """Speak to `viewer`: their language for words, numbers and dates, their zone for moments."""
    token = _zone.set(ZoneInfo(viewer.timezone))
    try:
        with use_language(viewer.language):
            yield
    finally:
        _zone.reset(token)
