"""How a search goes about it: what counts as better, on which candles it learns, how it chooses, and who plays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from aristobot.errors import AristobotError, InvalidInput
from aristobot.kinds import SamplerKind
from aristobot.language import _, explain
from aristobot.search.definition import Definition
from aristobot.search.spans import Plan, Scheme
from components.backtest_fields import number_of
from components.viewer import Viewer, beyond_reach
from components.words import Words

if TYPE_CHECKING:
    from services.app import App

_TIGHT = "outlined dense hide-bottom-space"
#: The figures that are mostly improved; the form offers these, the command line and the API all.
GOALS = ("sharpe", "sortino", "calmar", "net_profit", "roi", "profit_factor", "expectancy", "sqn", "omega", "max_drawdown_share")


class SearchFields:
    """The goal, the plan and the sampler."""

    def __init__(self) -> None:
        Words("h3", _("How to search"))
        with ui.element("div").classes("pair-of-fields"):
            self._goal = ui.select(goal_names(), value="sharpe", label=_("To improve"))
            self._sampler = ui.select(sampler_names(), value=SamplerKind.TPE.value, label=_("Method"))
            self._trials = _whole(_("Trials"), 200)
            self._least = _whole(_("Least trades"), 10)
            self._scheme = ui.select(_schemes(), value=Scheme.SPLIT.value, label=_("Tried on unseen candles"))
            self._train = _whole(_("Learn from"), 70).props("suffix=%")
            self._windows = _whole(_("Windows"), 4)
            self._seed = _whole(_("Seed"), 0)
        self._hint = Words("p", "", "small muted")
        self.fields: dict[str, ValidationElement[Any]] = {
            "goal": self._goal, "least_trades": self._least, "sampler": self._sampler, "trials": self._trials,
            "scheme": self._scheme, "train": self._train, "windows": self._windows, "seed": self._seed,
        }  # fmt: skip
        for name, field in self.fields.items():
            field.props(_TIGHT).mark(f"st-{name}")
            if isinstance(field, ui.select):
                field.classes("whole-row")
        self._scheme.on_value_change(self._switch)
        self._switch()

    def values(self) -> dict[str, Any]:
        """By the names of a wish. Raises InvalidInput at the one that cannot be."""
        return {
            "goal": str(self._goal.value),
            "least_trades": _read(self._least, "least_trades"),
            "sampler": SamplerKind(str(self._sampler.value)),
            "trials": _read(self._trials, "trials"),
            "seed": _read(self._seed, "seed"),
            "plan": Plan(Scheme(str(self._scheme.value)), _read(self._train, "train") / 100, _read(self._windows, "windows")),
        }

    def fill(self, asked: Definition) -> None:
        """As it was asked before."""
        if asked.goal.figure in GOALS:
            self._goal.set_value(asked.goal.figure)
        for field, value in (
            (self._least, asked.goal.least_trades), (self._trials, asked.trials), (self._seed, asked.seed),
            (self._train, round(asked.plan.train * 100)), (self._windows, asked.plan.windows),
        ):  # fmt: skip
            field.set_value(str(value))
        self._sampler.set_value(asked.sampler.value)
        self._scheme.set_value(asked.plan.scheme.value)

    def _switch(self, _event: object = None) -> None:
        scheme = Scheme(str(self._scheme.value))
        self._train.set_visibility(scheme is not Scheme.WHOLE)
        self._windows.set_visibility(scheme is Scheme.WALK_FORWARD)
        self._hint.set_text(_hints()[scheme])


class WorkerFields:
    """Processes of this machine, or the address of a cluster with a button that tries it."""

    def __init__(self, app: App, user: Viewer) -> None:
        from services.study_sources import workers_here

        self._app, self._user = app, user
        Words("h3", _("Who computes"))
        self._workers = _whole(_("Processes"), workers_here()).props(_TIGHT).mark("st-workers")
        with ui.element("div").classes("st-cluster"):
            self._scheduler = ui.input(_("Dask scheduler"), placeholder="tcp://192.168.1.20:8786").props(f"{_TIGHT} clearable")
            self._scheduler.mark("st-scheduler")
            self._try = ui.button(_("Try it"), on_click=self._tried).props("outline no-caps").mark("st-try")
        self._said = Words("p", "", "small").props("role=status")
        self._said.set_visibility(False)
        if not user.is_administrator:
            reason = explain("scheduler_for_administrators")
            beyond_reach(self._scheduler, reason)
            beyond_reach(self._try, reason)
        self.fields: dict[str, ValidationElement[Any]] = {"workers": self._workers, "scheduler": self._scheduler}

    def values(self) -> dict[str, Any]:
        """By the names of a wish."""
        return {"workers": _read(self._workers, "workers"), "scheduler": self._address()}

    def fill(self, workers: int, scheduler: str) -> None:
        """As it was asked before."""
        if workers:
            self._workers.set_value(str(workers))
        if self._user.is_administrator:
            self._scheduler.set_value(scheduler)

    def _address(self) -> str:
        return str(self._scheduler.value or "").strip()

    async def _tried(self) -> None:
        self._try.props("loading")
        try:
            count = await self._app.studies.try_scheduler(self._user.id, self._address())
        except AristobotError as error:
            self._say(explain(error), "loss")
        else:
            self._say(_("It answers, and plays {count} trials at once.", count=count), "gain")
        finally:
            if not self._try.is_deleted:
                self._try.props(remove="loading")

    def _say(self, words: str, tone: str) -> None:
        if not self._said.is_deleted:
            self._said.set_text(words)
            self._said.classes(replace=f"small {tone}")
            self._said.set_visibility(True)


def goal_names() -> dict[str, str]:
    """The figures that can be improved, by name."""
    from aristobot.figures.table import FIGURES

    return {name: _(FIGURES[name].title) for name in GOALS}


def sampler_names() -> dict[str, str]:
    """How sets are chosen."""
    return {
        SamplerKind.TPE.value: _("Learning (TPE)"),
        SamplerKind.GRID.value: _("Whole grid"),
        SamplerKind.RANDOM.value: _("At random"),
    }


def _schemes() -> dict[str, str]:
    return {
        Scheme.SPLIT.value: _("The last part"),
        Scheme.WALK_FORWARD.value: _("Walk forward"),
        Scheme.WHOLE.value: _("None"),
    }


def _hints() -> dict[Scheme, str]:
    return {
        Scheme.SPLIT: _("Learns from the first part, and is tried on the rest, which it never saw."),
        Scheme.WALK_FORWARD: _("Learns and is tried again and again, moving on: as in life. The trials are made in each window."),
        Scheme.WHOLE: _("Learns from everything: nothing tells whether the answer holds elsewhere."),
    }


def _whole(label: str, value: int) -> ui.input:
    return ui.input(label, value=str(value)).props("inputmode=numeric stack-label").classes("amount")


def _read(field: ui.input, name: str) -> int:
    number = number_of(field.value, name)
    if number != int(number) or number < 0:
        raise InvalidInput("not_a_whole_number", field=name, value=str(field.value)[:40])
    return int(number)
