"""What a search found: what speaks against it, the best sets here and on unseen candles, the map, and how much hung on luck."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui

from aristobot.language import _, explain
from aristobot.search.definition import Definition
from aristobot.search.findings import Candidate, Findings
from aristobot.search.space import Values
from aristobot.store.study_tables import Study
from components.notice import notice
from components.page_head import panel
from components.plain_table import plain_table
from components.study_map import StudyMap
from components.study_words import Goal, figure, parameters, plain
from components.words import Words

Take = Callable[[Values], Awaitable[None]]
#: Figures that are compared between where it learned and where it had never been.
_COMPARED = ("net_profit", "roi", "sharpe", "max_drawdown_share", "count")


@dataclass(frozen=True, slots=True)
class Found:
    """A finished search."""

    row: Study
    asked: Definition
    findings: Findings

    @property
    def goal(self) -> Goal:
        """What was improved."""
        return Goal.of(self.asked)

    def line(self, one: Candidate) -> str:
        """What varies of a set, on one line."""
        return parameters(one.learned.parameters, self.asked.space.names)


def draw_findings(found: Found, on_take: Take) -> None:
    """Draw everything where this is called; `on_take` opens a set of parameters in the form of backtests."""
    asked, findings = found.asked, found.findings
    if not findings.best:
        with panel(_title(asked)), ui.element("div").classes("panel-body"):
            words = _("Of {tried} sets of parameters none closed enough trades to be believed.", tried=findings.tried)
            notice(words, "warn")
        return
    with panel(_title(asked), "bt-result") as head:
        with head:
            _take(found, on_take)
        with ui.element("div").classes("panel-body"):
            _doubts(found)
            _best(found)
    _compared(found)
    if findings.maps:
        StudyMap(findings.maps, found.goal)
    if len(findings.folds) > 1:
        _folds(found)
    _luck(found)
    _ranks(found)


def _title(asked: Definition) -> str:
    return _("{strategy} on {symbol}", strategy=asked.strategy, symbol=f"{asked.symbol} · {asked.timeframe}")


def _take(found: Found, on_take: Take) -> None:
    sets = {at: f"{at + 1}. {found.line(one)}" for at, one in enumerate(found.findings.best)}
    which = ui.select(sets, value=0, label=_("Set")).props("outlined dense options-dense").classes("st-set").mark("st-set")

    async def take() -> None:
        await on_take(found.findings.best[int(which.value)].learned.parameters)

    button = ui.button(_("Backtest with these parameters"), icon="play_arrow", on_click=take)
    button.props("outline no-caps").mark("st-take")


def _doubts(found: Found) -> None:
    findings = found.findings
    best = findings.best[0]
    lost = ((best.test_figures or best.learned.figures).get("net_profit") or 0.0) < 0
    if lost:
        notice(_("Even the best set lost money."), "bad")
    elif not findings.doubts:
        notice(_("Nothing speaks against it: it holds on unseen candles, beside its peak, and beyond luck."))
    for doubt in findings.doubts:
        facts = {name: _fact(found.goal, name, value) for name, value in doubt.facts.items()}
        notice(explain(doubt.code, facts), "warn")
    tried = _("{tried} sets of parameters were tried: the best of many looks better than it is.", tried=findings.tried)
    Words("p", tried, "small muted")


def _fact(goal: Goal, name: str, value: float | int | str) -> float | int | str:
    """Scores as their figures are written."""
    return goal.written(goal.value(float(value))) if name in ("train", "test") else value


def _best(found: Found) -> None:
    values = found.findings.best[0].learned.parameters
    with ui.element("dl").classes("bt-figures first"):
        for name in (*found.asked.space.names, *found.asked.fixed):
            with ui.element("div"):
                Words("dt", name)
                Words("dd", plain(values[name]))


def _compared(found: Found) -> None:
    """The best set where it learned, and where it had never been."""
    best, goal = found.findings.best[0], found.goal
    from aristobot.figures.table import FIGURES

    names = [goal.name, *(one for one in _COMPARED if one != goal.name)]
    rows = [
        [
            _(FIGURES[name].title),
            figure(name, best.learned.figures.get(name), goal.quote),
            figure(name, best.test_figures.get(name), goal.quote),
        ]
        for name in names
    ]
    with panel(_("Where it learned, and where it had never been")):
        plain_table(_("Where it learned, and where it had never been"), [_("Figure"), _("Learned"), _("Unseen")], rows)


def _luck(found: Found) -> None:
    """Monte Carlo: the closed trades drawn again and in other orders, and candles with noise."""
    from aristobot.search.luck import QUANTILES
    from services.backtest_words import share

    findings, quote = found.findings, found.goal.quote
    head = [_("Monte Carlo"), *(f"{round(one * 100)}\u00a0%" for one in QUANTILES)]
    kinds = (
        (_("Net profit, trades drawn again"), "net_profit", findings.drawn.get("profit")),
        (_("Drawdown, trades drawn again"), "max_drawdown_share", findings.drawn.get("drawdown")),
        (_("Drawdown, trades in other orders"), "max_drawdown_share", findings.reordered.get("drawdown")),
        (_("Net profit, candles with noise"), "net_profit", findings.noise.get("profit")),
        (_("Drawdown, candles with noise"), "max_drawdown_share", findings.noise.get("drawdown")),
    )
    rows = [[title, *(figure(name, one, quote) for one in values)] for title, name, values in kinds if values]
    with panel(_("How much hung on luck")):
        if rows:
            plain_table(_("How much hung on luck"), head, rows)
        else:
            Words("p", _("Too few trades closed to shuffle them."), "muted st-none")
        facts = []
        if findings.probability is not None:
            chance = share(findings.probability, 0)
            facts.append(_("Deflated Sharpe ratio: {chance} that it is more than the luckiest of its trials.", chance=chance))
        if findings.steadiness is not None:
            facts.append(_("One step beside, {share} of the score is left.", share=share(findings.steadiness, 0)))
        if facts:
            with ui.element("ul").classes("bt-rules"):
                for sentence in facts:
                    Words("li", sentence)


def _folds(found: Found) -> None:
    """What each window of a walk forward chose, and how it went on."""
    from services.backtest_words import day

    goal, rows = found.goal, []
    for at, one in enumerate(found.findings.folds, 1):
        test = one.fold.test
        chosen = one.chosen
        rows.append(
            [
                str(at),
                f"{day(one.fold.train.since)} – {day(one.fold.train.until)}",
                f"{day(test.since)} – {day(test.until)}" if test else "",
                found.line(chosen) if chosen else _("nothing believable"),
                figure(goal.name, chosen.learned.figures.get(goal.name) if chosen else None),
                figure(goal.name, chosen.test_figures.get(goal.name) if chosen else None),
                figure("roi", chosen.test_figures.get("roi") if chosen else None),
            ]
        )
    head = [_("Window"), _("Learns"), _("Is tried"), _("Parameters"), _("Learned"), _("Unseen"), _("Unseen return")]
    with panel(_("Walk forward")):
        plain_table(_("Walk forward"), head, rows, words=(1, 2, 3))
        if found.findings.unseen_roi is not None:
            roi = figure("roi", found.findings.unseen_roi)
            Words("p", _("On the unseen candles, one stretch after the other: {roi}.", roi=roi), "st-none")


def _ranks(found: Found) -> None:
    from aristobot.figures.table import FIGURES

    goal = found.goal
    others = [name for name in ("net_profit", "max_drawdown_share", "count") if name != goal.name]
    rows = []
    for at, one in enumerate(found.findings.best, 1):
        told = one.learned.figures
        scores = [figure(goal.name, figures.get(goal.name)) for figures in (told, one.test_figures)]
        rows.append([str(at), found.line(one), *scores, *(figure(name, told.get(name)) for name in others)])
    learned, unseen = (f"{goal.title} · {one}" for one in (_("Learned"), _("Unseen")))
    head = ["", _("Parameters"), learned, unseen, *(_(FIGURES[name].title) for name in others)]
    with panel(_("The best sets")):
        plain_table(_("The best sets"), head, rows, words=(1,))
