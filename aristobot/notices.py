"""What people are told about: the kinds of news, the ways out, and which of both go together unless somebody says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class NoticeKind(StrEnum):
    """What happened, coarsely enough to be switched on and off."""

    ORDER_FILLED = "order_filled"
    ORDER_REFUSED = "order_refused"
    ORDER_UNKNOWN = "order_unknown"
    POSITION_OPENED = "position_opened"
    POSITION_CLOSED = "position_closed"
    STOP_MISSING = "stop_missing"
    HALT = "halt"
    EXCHANGE = "exchange"
    KEY = "key"
    ALERT_REFUSED = "alert_refused"
    ALERT_MISSED = "alert_missed"
    NEW_DEVICE = "new_device"
    BACKUP = "backup"
    SERVICE = "service"
    CHANNEL = "channel"
    STRATEGY_FAILED = "strategy_failed"
    STRATEGY_SAYS = "strategy_says"


class Outlet(StrEnum):
    """A way by which news reach somebody, besides the list of the bell, which holds everything."""

    TOAST = "toast"
    SOUND = "sound"
    BROWSER = "browser"
    TELEGRAM = "telegram"
    EMAIL = "email"
    WEBHOOK = "webhook"


#: They leave the house: each is set up once, and what it does not take waits and is tried again.
OUTSIDE = (Outlet.TELEGRAM, Outlet.EMAIL, Outlet.WEBHOOK)

_QUIET: frozenset[Outlet] = frozenset()
_SEEN = frozenset({Outlet.TOAST, *OUTSIDE})
_LOUD = frozenset(Outlet)
_K = NoticeKind

#: Who wants to hear everything twice switches more on; who wants peace switches off.
USUAL: Mapping[NoticeKind, frozenset[Outlet]] = MappingProxyType(
    {
        _K.ORDER_FILLED: frozenset({Outlet.SOUND}),
        _K.ORDER_REFUSED: _SEEN | {Outlet.BROWSER},
        _K.ORDER_UNKNOWN: _SEEN,
        _K.POSITION_OPENED: _SEEN,
        _K.POSITION_CLOSED: _SEEN | {Outlet.BROWSER},
        _K.STOP_MISSING: _LOUD,
        _K.HALT: _LOUD,
        _K.EXCHANGE: _SEEN,
        _K.KEY: _SEEN | {Outlet.BROWSER},
        _K.ALERT_REFUSED: _SEEN,
        _K.ALERT_MISSED: _LOUD,
        _K.NEW_DEVICE: _SEEN,
        _K.BACKUP: _SEEN,
        _K.SERVICE: _SEEN,
        _K.CHANNEL: _SEEN,
        _K.STRATEGY_FAILED: _LOUD,
        _K.STRATEGY_SAYS: _SEEN,
    }
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One piece of news for one user: a code with facts, for which language.py has the words.

    subject  what it is about; a newer one about the same joins the one that is there
    once     whether it is told a single time, however often somebody comes with it
    page     where on the screen more is to be seen
    without  ways out that this must not take: a channel is not told of its own failure
    """

    kind: NoticeKind
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    once: bool = False
    page: str = ""
    without: frozenset[Outlet] = _QUIET


def switched(chosen: Mapping[str, Iterable[str]] | None, kind: NoticeKind) -> frozenset[Outlet]:
    """The ways out of a kind: what the user chose, else what is usual. Words nobody knows any more count for nothing."""
    if chosen is None or kind.value not in chosen:
        return USUAL[kind]
    return frozenset(outlet for outlet in Outlet if outlet.value in chosen[kind.value])
