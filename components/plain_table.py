"""A small table of texts that do not change: the first column names its row, the others are figures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from nicegui import ui

from components.words import labelled


def plain_table(name: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, words: Sequence[int] = ()) -> ui.element:
    """Draw it, to be scrolled sideways where it is too wide; the columns in `words` are texts, and stand on the left."""
    top = "".join(f'<th scope="col"{_side(place, words)}>{escape(one)}</th>' for place, one in enumerate(head))
    body = "".join(f"<tr>{''.join(_cell(place, one, words) for place, one in enumerate(row))}</tr>" for row in rows)
    with labelled(ui.element("div").classes("table-scroll").props("tabindex=0 role=region"), name) as place:
        ui.html(f'<table class="plain-table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>')
    return place


def _cell(place: int, text: str, words: Sequence[int]) -> str:
    if place == 0:
        return f'<th scope="row">{escape(text)}</th>'
    tone = "loss" if text.startswith("\u2212") else ""
    return f'<td class="{tone}"{_side(place, words)}>{escape(text)}</td>'


def _side(place: int, words: Sequence[int]) -> str:
    return ' style="text-align:left"' if place in words else ""
