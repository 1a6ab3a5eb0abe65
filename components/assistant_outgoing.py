"""What leaves the machine, before it leaves: where to, how much, what was hidden, and the very text."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from aristobot.language import _
from components import formats
from components.notice import notice
from components.words import Words
from services.assistant import Outgoing
from services.assistant_privacy import Kind

#: What Ollama reads of a question where memory is small and nobody chose more; the rest it drops without a word.
_OLLAMA_READS, _ENOUGH = 4096, 16384


def show_outgoing(shown: Outgoing) -> None:
    """Draw it; nothing has left yet."""
    with ui.element("dl").classes("facts short").mark("outgoing-facts"):
        Words("dt", _("Goes to"))
        Words("dd", f"{shown.place.host} ({shown.place.title})").mark("outgoing-host")
        Words("dt", _("Model"))
        Words("dd", shown.place.model)
        Words("dt", _("Size"))
        size = _("{characters} characters, about {tokens} tokens")
        Words("dd", size.format(characters=formats.number(shown.characters), tokens=formats.number(shown.tokens)))
    if shown.place.title == "Ollama" and shown.tokens > _OLLAMA_READS // 2:
        words = _("Ollama reads {reads} tokens on most machines and drops the rest silently. Start it with {setting}.")
        notice(words.format(reads=formats.number(_OLLAMA_READS), setting=f"OLLAMA_CONTEXT_LENGTH={_ENOUGH}"), "warn")
    if shown.material.hidden:
        notice(_hidden(shown.material.kinds), "warn").mark("outgoing-hidden")
    Words("h3", _("What you give"))
    Words("pre", shown.material.text or "–", "code mono").props("tabindex=0").mark("outgoing-material")
    with ui.element("details").classes("outgoing-rest"):
        Words("summary", _("Aristobot's own instructions, the same for everybody"))
        Words("pre", shown.instructions, "code mono").props("tabindex=0").mark("outgoing-instructions")
    ui.label(_("Never sent: keys, balances, positions, orders, names. Look it over all the same.")).classes("faint small")


def _hidden(kinds: Mapping[Kind, int]) -> str:
    names = {
        Kind.SECRET: _("keys or passwords"),
        Kind.ADDRESS: _("addresses that open something"),
        Kind.PERSON: _("names or mail addresses"),
    }
    listed = " · ".join(f"{names[kind]} ({count})" for kind, count in kinds.items())
    words = _("Hidden: {listed}. HIDDEN_1 and the like leave instead; a draft gets the true ones back.")
    return words.format(listed=listed)
