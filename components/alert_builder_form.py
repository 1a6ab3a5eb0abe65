"""What an alert shall ask for: the fields of the builder, as an AlertChoice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.alert_text import BUILDABLE, AlertChoice, Level, Sender, WantedTarget, level_of
from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.money import HUNDRED, ZERO, plain
from aristobot.payloads import percent_of_text
from aristobot.signals import MOST_TARGETS, Action
from components.form import text_field
from components.words import labelled

if TYPE_CHECKING:
    from decimal import Decimal

#: Milliseconds of quiet typing before a field is read.
_PAUSE = 250


def action_names() -> dict[str, str]:
    """What can be asked for, in the user's words."""
    return {
        Action.BUY_MARKET.value: _("Buy at the market"),
        Action.SELL_MARKET.value: _("Sell at the market"),
        Action.BUY_LIMIT.value: _("Buy at a limit"),
        Action.SELL_LIMIT.value: _("Sell at a limit"),
        Action.MOVE.value: _("Move stop and target"),
        Action.CANCEL.value: _("Cancel waiting orders"),
        Action.PING.value: _("Sign of life (PING)"),
    }


class AlertForm:
    """The fields; `changed` is called whenever one of them is."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._targets: list[_TargetRow] = []
        senders = {Sender.CONDITION.value: _("A condition"), Sender.STRATEGY.value: _("A strategy")}
        names = action_names()
        with ui.element("div").classes("fields"):
            self._sender = ui.select(senders, label=_("Fired by"), value=Sender.CONDITION.value, on_change=self._redraw)
            self._sender.props("outlined").mark("alert-sender")
            actions = {one.value: names[one.value] for one in BUILDABLE}
            self._action = ui.select(actions, label=_("What to do"), value=Action.BUY_MARKET.value, on_change=self._redraw)
            self._action.props("outlined").mark("alert-action")
            self._symbol = self._field(_("Symbol"), "", "alert-symbol", _("empty: that of the chart"))
            self._percent = self._field(_("Share (%)"), "100", "alert-percent")
            self._price = self._field(_("Limit price"), "close", "alert-price", _("a price, “close” or the name of a plot"))
            self._stop = self._field(_("Stop"), "-2%", "alert-stop", _("-2%, a price or the name of a plot"))
        self._exits = ui.element("div").classes("stack")
        with self._exits:
            self._rows = ui.element("div").classes("stack")
            self._more = ui.button(_("Add a target"), icon="add", on_click=lambda: self._add("100", ""))
            self._more.props("flat no-caps dense").classes("self-start").mark("add-target")
        self._add("100", "+3%", quietly=True)
        self._show_what_matters(AlertChoice())

    def choice(self) -> AlertChoice | None:
        """What the fields say; None, with the fault written at its field, when one cannot be read."""
        sound = True

        def read(field: ui.input, name: str) -> Level | None:
            nonlocal sound
            try:
                field.error = None
                return level_of(field.value, name)
            except AristobotError as error:
                field.error, sound = explain(error), False
                return None

        percent = _share(self._percent)
        price, stop = read(self._price, "price"), read(self._stop, "stop")
        targets = []
        for row in self._targets:
            share, level = _share(row.share), read(row.level, "targets")
            if level is not None and share is not None:
                targets.append(WantedTarget(share, level))
            sound = sound and share is not None
        if not sound or percent is None:
            return None
        return AlertChoice(
            action=Action(self._action.value),
            sender=Sender(self._sender.value),
            symbol=self._symbol.value.strip(),
            percent=percent,
            price=price,
            stop=stop,
            targets=tuple(targets),
        )

    def _field(self, label: str, value: str, marker: str, hint: str = "") -> ui.input:
        field = _quiet_field(label, value).mark(marker)
        field.props["hint"] = hint
        field.on_value_change(self._redraw)
        return field

    def _redraw(self) -> None:
        self._show_what_matters(AlertChoice(action=Action(self._action.value), sender=Sender(self._sender.value)))
        self._changed()

    def _show_what_matters(self, choice: AlertChoice) -> None:
        self._action.set_visibility(not choice.is_strategy)
        self._symbol.set_visibility(choice.has_symbol)
        self._percent.set_visibility(choice.has_size)
        self._price.set_visibility(choice.has_limit)
        self._stop.set_visibility(choice.has_exits)
        self._exits.set_visibility(choice.has_exits)

    def _add(self, share: str, level: str, *, quietly: bool = False) -> None:
        if self._targets:
            left = HUNDRED - sum((_quiet_share(row.share.value) for row in self._targets), ZERO)
            if left <= ZERO and self._targets[-1].share.value.strip() == "100":
                self._targets[-1].share.set_value("50")
                left = HUNDRED / 2
            share = plain(left) if left > ZERO else ""
        with self._rows:
            self._targets.append(_TargetRow(self, share, level))
        self._more.set_visibility(len(self._targets) < MOST_TARGETS)
        if not quietly:
            self._redraw()

    def drop(self, row: _TargetRow) -> None:
        """Take a target out."""
        self._targets.remove(row)
        row.delete()
        self._more.set_visibility(True)
        self._redraw()

    def told(self) -> Callable[[], None]:
        """What a row calls when its fields change."""
        return self._redraw


class _TargetRow(ui.element):
    """One take-profit: how much of the position, and where."""

    def __init__(self, form: AlertForm, share: str, level: str) -> None:
        super().__init__("div")
        self.classes("line tight").style("align-items: flex-start")
        with self:
            self.share = _quiet_field(_("Share (%)"), share).mark("target-share")
            self.level = _quiet_field(_("Target"), level).mark("target-level")
            self.level.props["hint"] = _("+3%, a price or the name of a plot")
            for field in (self.share, self.level):
                field.on_value_change(form.told())
            drop = ui.button(icon="close", on_click=lambda: form.drop(self)).props("flat round dense color=white")
            labelled(drop, _("Remove this target"))


def _share(field: ui.input) -> Decimal | None:
    try:
        field.error = None
        return percent_of_text(field.value.strip(), "percent")
    except AristobotError as error:
        field.error = explain(error)
        return None


def _quiet_share(text: str) -> Decimal:
    try:
        return percent_of_text(text.strip(), "percent")
    except AristobotError:
        return ZERO


def _quiet_field(label: str, value: str) -> ui.input:
    """A field that is read when the typing pauses, and keeps the fault that is written at it."""
    return text_field(label, value).props(f"debounce={_PAUSE}").without_auto_validation()
