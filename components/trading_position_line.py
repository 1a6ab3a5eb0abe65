"""One position on the screen: what is held, who guards it, what selling now would bring, and the way out."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from nicegui import ui

from aristobot.kinds import Protection
from aristobot.language import _, explain
from aristobot.money import HUNDRED, divided, times
from aristobot.store import brackets, positions
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Bracket, PositionRow
from components import formats
from components.position_table import protection_words
from components.viewer import beyond_reach
from components.words import Words, labelled


@dataclass(frozen=True, slots=True)
class Held:
    """A position with what guards it."""

    row: PositionRow
    protection: Protection | None
    bracket: Bracket | None


def held_at(session: GuardedSession, broker_id: uuid.UUID | None) -> list[Held]:
    """What is held at a broker and can be sold, the newest first, with what guards it."""
    rows = [row for row in positions.open_ones(session, broker_id) if not row.is_dust]
    guards = brackets.protections(session, [one.id for one in rows])
    return [Held(one, guards.get(one.id), positions.bracket_of(session, one.id)) for one in reversed(rows)]


def draw_position(one: Held, close: Callable[[], Awaitable[None]] | None) -> Words:
    """Draw the line; the answer is where its gain is written. Without `close` the way out cannot be taken."""
    row = one.row
    guard, tone, tip = protection_words(one.protection)
    with ui.element("div").classes("item order-line"):
        with ui.element("div").classes("item-words"):
            with ui.element("div").classes("item-title"):
                Words("span", row.symbol)
                unguarded = one.protection is None
                badge = Words("span", _("Unguarded") if unguarded else guard, f"chip {'quiet' if unguarded else tone}")
                badge.props["title"] = tip
            Words("div", _figures(one), "small number-line")
        gain = Words("div", "", "gain-cell")
        button = ui.button(_("Close out"), on_click=close).props("outline dense no-caps").classes("close-out")
        labelled(button, _("Close the position in {symbol}", symbol=row.symbol))
        if close is None:
            beyond_reach(button, explain("viewer_only_looks"))
    return gain


def write_gain(place: Words, row: PositionRow, price: Decimal) -> None:
    """What selling the position at this price would bring over its cost, fees aside, in quote and in per cent."""
    if not price or not row.cost:
        place.set_text(formats.NOTHING)
        return
    gain = times(row.quantity, price) - row.cost
    percent = divided(times(gain, HUNDRED), row.cost)
    place.set_text(f"{formats.money(gain, row.quote, signed=True)} ({formats.percent(percent, 2, signed=True)})")
    place.classes(replace=f"gain-cell number {formats.tone(gain)}")


def _figures(one: Held) -> str:
    row = one.row
    parts = [f"{formats.quantity(row.quantity)} {row.base}", _("entry {price}", price=formats.price(row.entry))]
    if one.bracket is not None and one.bracket.stop_price:
        parts.append(f"SL {formats.price(one.bracket.stop_price)}")
    if one.bracket is not None and one.bracket.targets:
        parts.append(f"TP {formats.price(Decimal(one.bracket.targets[0][1]))}")
    return " · ".join(parts)
