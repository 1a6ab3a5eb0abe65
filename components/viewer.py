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
from services.audit_trail import Actor
from services.login_sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Viewer:
    """The user of one page: pages receive it as `user`. `login` is the session with which the page was fetched."""

    login: SignedIn

    @property
    def id(self) -> uuid.UUID:
        """The user's id: what every read and every call is done for."""
        return self.login.user_id

    @property
    def name(self) -> str:
        """The user's name."""
        return self.login.name

    @property
    def session_id(self) -> uuid.UUID:
        """The login session behind the page."""
        return self.login.session_id

    @property
    def is_administrator(self) -> bool:
        """Whether users, tokens and endpoints may be changed."""
        return self.login.role is Role.ADMINISTRATOR

    @property
    def may_trade(self) -> bool:
        """Whether anything on the page may be changed at all."""
        return self.login.role is not Role.VIEWER

    @property
    def actor(self) -> Actor:
        """Who acts, for the audit."""
        return Actor(self.name, "screen", self.id)


_HOUSE_ZONE = ZoneInfo("Europe/Paris")
_zone: ContextVar[ZoneInfo | None] = ContextVar("viewer_zone", default=None)


def zone() -> ZoneInfo:
    """The time zone in which moments are written now."""
    return _zone.get() or _HOUSE_ZONE


@contextmanager
def viewing(viewer: Viewer) -> Iterator[None]:
    """Speak to `viewer`: their language for words, numbers and dates, their zone for moments."""
    token = _zone.set(ZoneInfo(viewer.login.timezone))
    try:
        with use_language(viewer.login.language):
            yield
    finally:
        _zone.reset(token)
