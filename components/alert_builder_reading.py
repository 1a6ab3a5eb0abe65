"""What the house would understand of a message: the command in words, and everything that is to be said about it."""

from __future__ import annotations

from collections.abc import Iterator

from nicegui import ui

from aristobot.alert_remarks import Reading, Remark, Tone
from aristobot.language import _, explain
from aristobot.money import plain
from aristobot.signals import Signal
from components import formats
from components.alert_builder_form import action_names
from components.words import Words

_ICONS = {Tone.BAD: ("cancel", "loss"), Tone.WARN: ("warning_amber", "warned"), Tone.INFO: ("info", "muted")}
_GRAVEST_FIRST = (Tone.BAD, Tone.WARN, Tone.INFO)


class AlertReading(ui.element):
    """Drawn anew for every reading."""

    def __init__(self) -> None:
        super().__init__("div")
        self.classes("stack").props("role=status").mark("alert-reading")

    def show(self, reading: Reading, more: tuple[Remark, ...] = ()) -> None:
        """The commands, then the remarks, the gravest first. `more` are those of the market."""
        self.clear()
        with self:
            for parsed in reading.parsed:
                for signal in parsed.commands:
                    _command(signal)
            with ui.element("div").classes("steps"):
                remarks = [*reading.remarks, *more]
                if reading.works and not any(one.tone is Tone.BAD for one in more):
                    _line("check_circle", "gain", _("The house understands this message."))
                for remark in sorted(remarks, key=lambda one: _GRAVEST_FIRST.index(one.tone)):
                    _line(*_ICONS[remark.tone], explain(remark.code, remark.facts))


def _line(icon: str, tone: str, words: str) -> None:
    with ui.element("div").classes("step"):
        ui.icon(icon).classes(tone).props("aria-hidden=true")
        ui.label(words)


def _command(signal: Signal) -> None:
    with ui.element("dl").classes("facts short"):
        for name, value in _said(signal):
            Words("dt", name)
            Words("dd", value)


def _said(signal: Signal) -> Iterator[tuple[str, str]]:
    yield _("What to do"), action_names()[signal.action.value]
    if signal.symbol_text:
        yield _("Symbol"), signal.symbol_text
    if signal.is_entry:
        yield _("Share"), _("{percent} of the free money", percent=formats.percent(signal.percent, 4))
    elif signal.is_exit:
        yield _("Share"), _("{percent} of what is held", percent=formats.percent(signal.percent, 4))
    if signal.is_limit and signal.price is not None:
        yield _("Limit price"), plain(signal.price)
    if signal.stop_loss is not None:
        yield _("Stop"), str(signal.stop_loss)
    if signal.take_profit:
        targets = (f"{plain(one.share)} % → {one.price}" for one in signal.take_profit)
        yield _("Targets"), " · ".join(targets)
