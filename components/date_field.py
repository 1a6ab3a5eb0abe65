"""A field for a day: typed as the reader writes dates, or picked in a calendar; keyboard and finger do both."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

from nicegui import ui

from aristobot.errors import InvalidInput
from aristobot.language import _, current_language, explain
from components.words import labelled

#: The day that errors give as an example: nobody can mistake its day for its month.
_EXAMPLE = date(2024, 1, 31)
_FRENCH = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})")


def day_typed(day: date) -> str:
    """A day as the reader types it: `22/11/2025` in French, `2025-11-22` in English."""
    return f"{day:%d/%m/}{day.year:04d}" if current_language() == "fr" else day.isoformat()


def day_of(text: object, field: str) -> date:
    """The day that a reader typed, or InvalidInput. `2025-11-22` is read in every language."""
    given = str(text or "").strip()
    french = _FRENCH.fullmatch(given) if current_language() == "fr" else None
    day, month, year = french.groups() if french else (None, None, None)
    try:
        return date(int(year), int(month), int(day)) if year and month and day else date.fromisoformat(given)
    except ValueError:
        raise InvalidInput("not_a_day", field=field, value=given[:40], example=day_typed(_EXAMPLE)) from None


class DateField(ui.input):
    """One day. `name` is its name in errors; `on_day` is called when it says another day, or none when somebody leaves it."""

    def __init__(self, label: str, name: str, day: date) -> None:
        super().__init__(label, value=day_typed(day), placeholder=_("yyyy-mm-dd"))
        self.props("stack-label no-error-icon autocomplete=off")
        self.field_name = name
        self._said: date | None = day
        self._on_day: Callable[[], Awaitable[None]] | None = None
        with self.add_slot("append"):
            button = ui.button(icon="event").props("flat round dense").on("click", self._offer, args=[])
            labelled(button, _("{field}: choose in the calendar", field=label)).mark(f"{name}-calendar")
        with self:  # below the field's left end, from where it finds room on a telephone too
            self._menu = ui.menu().props("no-parent-event")
        self._calendar: ui.date | None = None
        self.on_value_change(self._changed)
        self.on("blur", self._left, args=[])

    @property
    def moment(self) -> datetime:
        """Its beginning, UTC. Raises InvalidInput."""
        day = day_of(self.value, self.field_name)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    def write(self, day: date) -> None:
        """Say this day."""
        self.error = None
        self.set_value(day_typed(day))

    def on_day(self, call: Callable[[], Awaitable[None]]) -> None:
        """Have somebody called for every other day that it says; not for each letter on the way there."""
        self._on_day = call

    async def _changed(self) -> None:
        try:
            day = day_of(self.value, self.field_name)
        except InvalidInput:
            return
        self.error = None
        await self._say(day)

    async def _left(self) -> None:
        try:
            day = day_of(self.value, self.field_name)
        except InvalidInput as error:
            self.error = explain(error)
            await self._say(None)
        else:
            self.write(day)

    async def _say(self, day: date | None) -> None:
        changed, self._said = day != self._said, day
        if changed and self._on_day is not None:
            await self._on_day()

    def _offer(self) -> None:
        """Open the calendar at the day of the field; it is drawn when somebody first wants it."""
        if self._calendar is None:
            with self._menu:
                self._calendar = ui.date(on_change=self._picked).props("minimal no-unset first-day-of-week=1 color=primary")
        try:
            self._calendar.set_value(day_of(self.value, self.field_name).isoformat())
        except InvalidInput:
            self._calendar.set_value(None)
        self._menu.open()

    def _picked(self) -> None:
        picked = self._calendar.value if self._calendar is not None else None
        if picked and picked != self._spelled():
            self.write(date.fromisoformat(str(picked)))
            self._menu.close()

    def _spelled(self) -> str:
        try:
            return day_of(self.value, self.field_name).isoformat()
        except InvalidInput:
            return ""
