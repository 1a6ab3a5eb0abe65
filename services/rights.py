"""Who may act: somebody who only looks passes no door that changes anything, and only administrators keep the household.

One class decorator closes the doors of a service; `looks` names those that change nothing and stay open. A new door is
closed until somebody says that it only looks.
"""

from __future__ import annotations

import functools
import inspect
import uuid
from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any, TypeVar

from aristobot.errors import AccessDenied
from aristobot.kinds import Role
from aristobot.language import _
from aristobot.store import users
from aristobot.store.tenancy import SYSTEM, GuardedSession
from services.audit_trail import Actor

C = TypeVar("C", bound=type)
R = TypeVar("R")
_OWNER = "user_id"


def role_names() -> dict[str, str]:
    """The roles in the reader's language."""
    return {
        Role.ADMINISTRATOR.value: _("Administrator"),
        Role.TRADER.value: _("Trader"),
        Role.VIEWER.value: _("Viewer"),
    }


def doors_of(kind: type) -> dict[str, Callable[..., Any]]:
    """The doors of a service: public coroutine methods whose first argument is the user for whom they are called."""
    methods = {name: method for name, method in vars(kind).items() if not name.startswith("_")}
    return {name: method for name, method in methods.items() if inspect.iscoroutinefunction(method) and _owned(method)}


def for_traders(*looks: str, memory: str = "_db") -> Callable[[C], C]:
    """Close every door but `looks` to viewers: they get AccessDenied. `memory` is where the service keeps its Database."""

    def close(kind: C) -> C:
        doors = doors_of(kind)
        for name in doors.keys() - set(looks):
            setattr(kind, name, _closed(doors[name], attrgetter(memory)))
        return kind

    return close


def refuse_viewer(session: GuardedSession, user_id: uuid.UUID) -> None:
    """Raise AccessDenied when the user only looks."""
    if users.role_of(session, user_id) is Role.VIEWER:
        raise AccessDenied("viewer_only_looks")


def require_administrator(session: GuardedSession, by: Actor) -> None:
    """Raise AccessDenied unless an administrator acts, or the machine's owner at its console, who has no account."""
    if by.user_id is not None and users.role_of(session, by.user_id) is not Role.ADMINISTRATOR:
        raise AccessDenied("administrators_only")


def _owned(method: Callable[..., Any]) -> bool:
    names = list(inspect.signature(method).parameters)
    return names[1:2] == [_OWNER]


def _closed(door: Callable[..., Awaitable[R]], memory: Callable[[Any], Any]) -> Callable[..., Awaitable[R]]:
    @functools.wraps(door)
    async def guarded(self: Any, user_id: uuid.UUID, *args: Any, **kwargs: Any) -> R:
        await memory(self).read(SYSTEM, lambda session: refuse_viewer(session, user_id))
        return await door(self, user_id, *args, **kwargs)

    return guarded
