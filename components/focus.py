"""Where the keyboard goes, when what had it is no longer there."""

from __future__ import annotations

from nicegui import ui

_FOCUS = """setTimeout(() => {
    const found = getHtmlElement(%d);
    (found?.matches("button, textarea") ? found : found?.querySelector("textarea"))?.focus({ preventScroll: true });
}, 50)"""
_UNLESS_ELSEWHERE = """setTimeout(() => {
    if (document.activeElement === document.body) getHtmlElement(%d)?.focus({ preventScroll: true });
}, 50)"""
#: What had the focus was drawn anew: to what bears its mark now, or else to the first that bears any, or to the place.
_WHERE_IT_WAS = """setTimeout(() => {
    const before = window.focusBeforeDialog, marked = before?.closest("[data-again]"), place = getHtmlElement(%d);
    if (!marked || before.isConnected || document.activeElement !== document.body) return;
    const again = place?.querySelector(`[data-again="${marked.dataset.again}"]`) ?? place?.querySelector("[data-again]");
    (again ?? place)?.focus({ preventScroll: true });
}, 50)"""


def focus(element: ui.element) -> None:
    """Put the keyboard there, once it is drawn."""
    element.client.run_javascript(_FOCUS % element.id)


def give_back(element: ui.element) -> None:
    """Put the keyboard there again, if nobody has taken it elsewhere: a button loses it while it cannot be pressed."""
    element.client.run_javascript(_UNLESS_ELSEWHERE % element.id)


def marked(element: ui.element, name: str) -> None:
    """Give an element that is drawn anew now and then the name under which `restore` finds it."""
    element.props["data-again"] = name


def restore(place: ui.element) -> None:
    """What is in this place was drawn anew: whoever had the keyboard at a marked element of it is there again."""
    place.client.run_javascript(_WHERE_IT_WAS % place.id)
