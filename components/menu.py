"""The pages of the house: `@page` puts a function on the menu, and `mount` (in the shell) gives them to NiceGUI."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Builder = Callable[..., Any]
B = TypeVar("B", bound=Builder)


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the menu. `build(app, user, live, …)` draws it; further parameters come from the address.

    A page that could not be imported has a `fault`: its traceback.
    """

    route: str
    title: str
    icon: str
    order: int
    build: Builder
    fault: str = ""

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """What the page takes from its address, besides app, user and live."""
        return [_plain(one) for one in list(inspect.signature(self.build).parameters.values())[3:]]


_pages: dict[str, Page] = {}
_doors: dict[str, Builder] = {}


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    """The parameter as text or number, whichever its annotation says, also when annotations are kept as text."""
    kinds: dict[object, type] = {"int": int, int: int, "float": float, float: float}
    return parameter.replace(annotation=kinds.get(parameter.annotation, str))


def page(route: str, *, title: str, icon: str, order: int = 500) -> Callable[[B], B]:
    """Put a function on the menu under `route`; `title` is the English text, `icon` a Material icon's name.

    Lower `order` stands higher. A second page with the same route replaces the first, so a user's page may take the place
    of one of ours.
    """

    def keep(build: B) -> B:
        _pages[route] = Page(route, title, icon, order, build)
        return build

    return keep


def door(route: str) -> Callable[[B], B]:
    """Make a function a page outside the frame, for people who have not logged in: `build(app, entrance, client, …)`."""

    def keep(build: B) -> B:
        _doors[route] = build
        return build

    return keep


def doors() -> dict[str, Builder]:
    """Every page outside the frame, by its route."""
    return dict(_doors)


def broken(name: str, fault: str) -> None:
    """Remember a page that could not be imported, so that the menu can say so in red."""
    _pages[f"/broken/{name}"] = Page(f"/broken/{name}", name, "error", 999, _nothing, fault)


def pages() -> list[Page]:
    """Every page, in the order of the menu."""
    return sorted(_pages.values(), key=lambda one: (one.order, one.title))


def _nothing(app: Any, user: Any, live: Any) -> None:
    """Draws nothing: the shell shows the fault instead."""
