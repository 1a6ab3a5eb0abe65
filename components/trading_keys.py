"""The keys of the trading page, and one line that tells them."""

from __future__ import annotations

from nicegui import ui

from aristobot.language import _
from aristobot.orders import Side
from components.order_form import OrderForm
from components.shortcuts import Shortcuts
from components.symbol_picker import SymbolPicker
from components.words import Words


def draw_keys() -> None:
    """Draw the line; `?` tells them all."""
    keys = (
        ("B", _("buy")), ("S", _("sell")), ("Q", _("quantity")), ("↵", _("validate")), ("E", _("execute")),
        (_("Esc"), _("back")), ("/", _("search")), ("?", _("all keys")),
    )  # fmt: skip
    with ui.element("p").classes("key-line small muted"):
        for key, words in keys:
            with ui.element("span"):
                Words("kbd", key)
                Words("span", words)


def act_on_keys(form: OrderForm, picker: SymbolPicker) -> None:
    """Let single keys act on the form and the search, while the page is there."""
    Shortcuts(
        {
            "b": (_("Buy"), lambda: form.choose_side(Side.BUY)),
            "s": (_("Sell"), lambda: form.choose_side(Side.SELL)),
            "v": (_("Validate the order"), form.validate),
            "e": (_("Execute what was validated"), form.window.execute),
            "Escape": (_("Take the order back"), form.window.cancel),
            "/": (_("Search a pair"), picker.focus),
            "q": (_("Type a quantity"), form.focus),
        }
    )
