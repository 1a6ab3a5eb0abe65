"""Who looks at a page: the person behind a browser session, how they read, and what is beyond their reach."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from nicegui.elements.mixins.disableable_element import DisableableElement

from aristobot.kinds import Role
from aristobot.language import explain, use_language
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


D = TypeVar("D", bound=DisableableElement)


def for_traders(element: D, viewer: Viewer) -> D:
    """An element that somebody who only looks cannot use, and that says why."""
    return element if viewer.may_trade else beyond_reach(element, explain("viewer_only_looks"))


def beyond_reach(element: D, reason: str) -> D:
    """An element that cannot be used, with the reason where the pointer rests. The server takes no click on it either."""
    element.disable()
    element.props["title"] = reason
    return element


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
