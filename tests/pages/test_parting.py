"""Saying goodbye to a page whose elements are not built as they are today: less is free at once, and nothing breaks."""

from __future__ import annotations

from collections import deque
from typing import Any

from nicegui import ui
from nicegui.testing import User

from components.parting import part_from


class _Frozen:
    """An element that keeps nothing where NiceGUI keeps it now."""

    __slots__ = ()


class _Outbox:
    def __init__(self) -> None:
        self.message_history = deque([1, 2, 3])


class _Client:
    def __init__(self, *elements: object) -> None:
        self.elements = dict(enumerate(elements))
        self.outbox = _Outbox()


def test_elements_of_another_make_are_left_as_they_are() -> None:
    other = type("Other", (), {"_props": {}, "_classes": None, "_change_handlers": ("not", "a list")})()
    stranger: Any = _Client(_Frozen(), other)
    part_from(stranger)
    assert other._change_handlers == ("not", "a list")
    assert not stranger.outbox.message_history


async def test_what_elements_tell_of_today_is_found_where_it_is_looked_for(user: User) -> None:
    @ui.page("/")
    def page() -> None:
        ui.input(on_change=lambda: None)

    client = await user.open("/")
    (field,) = user.find(ui.input).elements
    told: list[Any] = [bag._change_handlers for bag in (field._props, field._classes, field._style)]
    told.append(field._change_handlers)
    assert all(told)
    part_from(client)
    assert not any(told)
