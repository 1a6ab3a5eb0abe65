"""Candles out of a file of the user's: whose they are, the file, how far it is, and what came of it."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from nicegui import events, ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import AristobotError, InvalidInput
from aristobot.language import _, explain
from aristobot.market import Timeframe, timeframe_of
from components.backtest_fields import TIGHT, pair_of
from components.buttons import quiet_button
from components.confirm import dialog_card, take_away
from components.notice import notice
from components.words import Words, labelled
from services.candle_library import LARGEST_FILE, BroughtIn

if TYPE_CHECKING:
    from services.app import App

_ENDINGS = ".csv,.gz,.txt,.parquet,.pq"
_LONGEST_NAME = 120
_ODD = re.compile(r"[^\w.,() -]")


class CandleImport:
    """A dialog, made anew each time it is opened; `on_done` is called when candles came in."""

    def __init__(self, app: App, on_done: Callable[[], Awaitable[None]]) -> None:
        self._app, self._on_done = app, on_done

    def open(self, given: Mapping[str, ValidationElement[Any]]) -> None:
        """Ask for a file; exchange and pair begin as the fields that are `given` say."""
        with dialog_card(_("Candles from a file")) as dialog, ui.element("div").classes("dialog-body"):
            self._draw(str(given["exchange"].value), str(given["symbol"].value or ""))
        dialog.on("hide", lambda: take_away(dialog))
        dialog.open()

    def _draw(self, exchange: str, symbol: str) -> None:
        exchanges = {one: self._app.gateway.factory(one).title for one in self._app.gateway.exchanges()}
        most = LARGEST_FILE >> 20
        about = _(
            "CSV, CSV packed with gzip, or Parquet, up to {most} MB, with the columns time, open, high, low, close and volume."
            " A list of executions (time, price, quantity) becomes candles of one minute.",
            most=most,
        )
        Words("p", about, "muted")
        with ui.element("div").classes("pair-of-fields"):
            self._exchange = ui.select(exchanges, value=exchange, label=_("Exchange")).mark("import-exchange")
            self._symbol = ui.input(_("Pair"), value=symbol).mark("import-symbol").props("autocomplete=off")
            frames = {"": _("as the file tells"), **{one.value: one.value for one in Timeframe}}
            self._timeframe = ui.select(frames, value="", label=_("Timeframe")).mark("import-timeframe").classes("whole-row")
        for field in (self._exchange, self._symbol, self._timeframe):
            field.props(TIGHT)
        choose = quiet_button(_("Choose a file"), "upload_file", self._pick)
        choose.props("outline").mark("import-choose")
        self._upload = ui.upload(
            auto_upload=True,
            max_file_size=LARGEST_FILE,
            on_begin_upload=self._begin,
            on_upload=self._taken,
            on_rejected=lambda: self._tell(explain(_too_large()), "bad"),
        )
        self._upload.props(f"accept={_ENDINGS} flat").classes("import-file").mark("import-file")
        self._bar = labelled(ui.linear_progress(show_value=False, size="6px"), _("Progress")).props("indeterminate")
        self._bar.set_visibility(False)
        self._said = ui.element("div").classes("w-full").props("role=status")

    def _pick(self) -> None:
        self._upload.run_method("pickFiles")

    def _begin(self) -> None:
        self._said.clear()

    async def _taken(self, event: events.UploadEventArguments) -> None:
        """The file is here: read it in another process, and say what came of it."""
        self._bar.set_visibility(True)
        self._tell(_("Reads {file}…", file=event.file.name[:_LONGEST_NAME]))
        try:
            brought = await self._brought(event)
        except AristobotError as error:
            self._tell(_cure(error), "bad")
        else:
            self._tell(_told(brought))
            await self._on_done()
        finally:
            if not self._bar.is_deleted:
                self._bar.set_visibility(False)
                self._upload.reset()

    async def _brought(self, event: events.UploadEventArguments) -> BroughtIn:
        if event.file.size() > LARGEST_FILE:  # the browser's own limit is only the browser's
            raise _too_large()
        frame = timeframe_of(str(self._timeframe.value)) if self._timeframe.value else None
        folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="aristobot-import-")
        try:
            file = Path(folder.name, plain_name(event.file.name))
            await event.file.save(file)
            return await self._app.library.bring_in(file, str(self._exchange.value), pair_of(self._symbol.value), frame)
        finally:
            await asyncio.to_thread(folder.cleanup)

    def _tell(self, words: str, kind: str = "") -> None:
        if self._said.is_deleted:
            return
        self._said.clear()
        with self._said:
            notice(words, kind)


def plain_name(name: str) -> str:
    """A file's name without any way to elsewhere; its end says what it holds."""
    return _ODD.sub("_", PurePath(name.replace("\\", "/")).name)[-_LONGEST_NAME:].lstrip(".") or "candles.csv"


def _too_large() -> InvalidInput:
    return InvalidInput("import_too_large", field="file", most=LARGEST_FILE >> 20)


def _cure(error: AristobotError) -> str:
    """What is wrong, with what can be done about it on this page."""
    if error.code == "import_which_timeframe":
        return _("How long its candles are is not clear. Choose the timeframe above, and the file again.")
    return explain(error)


def _told(brought: BroughtIn) -> str:
    from services.backtest_words import number

    series = brought.series
    return _(
        "{series}: {read} candles read, {added} of them new. Missing in between: {missing}.",
        series=f"{series.exchange} {series.symbol} {series.timeframe.value}",
        read=number(brought.candles, 0),
        added=number(brought.added, 0),
        missing=number(brought.missing, 0),
    )
