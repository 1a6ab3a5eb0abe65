"""What to search: a strategy on a pair, its parameters within bounds, what counts as better, and who plays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from nicegui import background_tasks, ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.language import _
from aristobot.search.definition import Definition
from aristobot.store.study_tables import Study
from components.backtest_fields import CostFields, SeriesFields
from components.buttons import main_button
from components.fee_offer import FeeOffer
from components.form import submitting
from components.page_head import panel
from components.source_fields import SourceFields, title_of
from components.study_ranges import RangeFields
from components.study_settings import SearchFields, WorkerFields
from components.viewer import Viewer, for_traders
from services.study_wish import StudyWish

if TYPE_CHECKING:
    from services.app import App


class StudyForm:
    """The panel on the left; `on_start` gets what the user wants searched."""

    def __init__(self, app: App, user: Viewer, on_start: Callable[[StudyWish], Awaitable[None]]) -> None:
        self._app, self._user, self._on_start = app, user, on_start
        with panel(_("What to search"), "bt-form"), ui.element("form").classes("panel-body").props("novalidate") as form:
            self._source = SourceFields(app, user, "st")
            self._series = SeriesFields(app, "st")
            self._ranges = RangeFields()
            self._search = SearchFields()
            self._costs = CostFields("st")
            self._fees = FeeOffer(app, user, self._series, self._costs, "st")
            self._workers = WorkerFields(app, user)
            self._series.draw_coverage("st")
            self.button = for_traders(main_button(_("Start the search"), icon="travel_explore", on_click=self.submit), user)
            self.button.classes("bt-go").mark("st-run")
        self._source.tell(self._ranges, self._series.suggest)
        form.on("submit.prevent", self.submit)

    async def load(self, wanted: str = "") -> None:
        """Offer what can be searched; `wanted` is the id or name of what is chosen first."""
        await self._series.count()
        await self._source.load(wanted)
        background_tasks.create(self._fees.tell(), name="fees of a run")

    async def fill(self, wanted: str, asked: Definition, row: Study) -> None:
        """Put a search into the form, to be changed and asked again."""
        from aristobot.clock import from_milliseconds

        if not await self._source.load(wanted):
            return  # the strategy is gone: its parameters fit no other
        given = {name: getattr(asked, name) for name in ("exchange", "symbol", "timeframe", "cash")}
        self._series.fill(given | {"since": from_milliseconds(asked.since), "until": from_milliseconds(asked.until)})
        self._ranges.fill(_spelled(asked))
        self._search.fill(asked)
        self._costs.fill(asked.costs)
        self._workers.fill(row.workers, row.scheduler)
        await self._series.count()

    async def submit(self, _event: object = None) -> None:
        """Start what the form says; what cannot be is told at its field."""
        source = self._source.source
        if source is None or not self._user.may_trade:
            return
        fields: dict[str, ValidationElement[Any]] = {
            **self._series.fields, **self._costs.fields, **self._search.fields, **self._workers.fields, **self._ranges.fields,
        }  # fmt: skip
        async with submitting(self.button, fields):
            wish = StudyWish(
                strategy=title_of(source),
                text=source.text,
                asked=self._ranges.asked(),
                costs=self._costs.values(),
                version_id=source.version_id,
                template=source.template,
                **self._series.values(),
                **self._search.values(),
                **self._workers.values(),
            )
            await self._on_start(wish)


def _spelled(asked: Definition) -> dict[str, str]:
    """Ranges and values as the form reads them."""
    found = {name: str(value) for name, value in asked.fixed.items()}
    for axis in asked.axes:
        bounds = [axis.low, axis.high, *([axis.step] if axis.step else [])]
        found[axis.name] = ",".join(map(str, axis.options)) if axis.options else ":".join(f"{one:g}" for one in bounds)
    return found
