"""`/api/studies/`: ask for a search for better parameters, follow it, stop it, go on with it, read what it found."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field

from aristobot.clock import from_milliseconds
from aristobot.kinds import SamplerKind, StudyStatus
from aristobot.language import explain
from aristobot.search.spans import Plan, Scheme
from aristobot.store.study_tables import Study
from services.api.auth import House, Reader, Trader
from services.api.exact import ExactRoute
from services.api.paging import Listed, Page, number_of
from services.api.trial_values import Parameters, StrategyName, SymbolName, TimeframeName, TrialIn
from services.api.values import Facts, Line, Moment, Money, Out
from services.app import App
from services.study_sources import asked_of
from services.study_wish import StudyWish

router = APIRouter(prefix="/api/studies", tags=["studies"], route_class=ExactRoute)

Id = Annotated[uuid.UUID, Path()]
Whole = Annotated[int, Field(ge=0, lt=2**31)]


class ProgressOut(Out):
    """How far a search under way is: queued, candles, searching or weighing; trials done of all; the best score so far."""

    stage: str
    done: int
    total: int
    seconds_left: float | None
    best: float | None


class StudyOut(Out):
    """A search: what was asked and how it stands. Each of `axes` varies, `fixed` stand still; `train` is a fraction."""

    id: uuid.UUID
    strategy: str
    strategy_version_id: uuid.UUID | None
    template: str
    exchange: str
    symbol: str
    timeframe: str
    since: Moment
    until: Moment
    axes: list[dict[str, Any]]
    fixed: Facts
    goal: str
    least_trades: int
    scheme: Scheme
    train: float
    windows: int
    sampler: SamplerKind
    trials: int
    seed: int
    cash: Money
    costs: Facts
    workers: int
    scheduler: str
    status: StudyStatus
    progress: ProgressOut | None = None
    error: str
    message: str = ""
    data_hash: str
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class StudyDetailOut(StudyOut):
    """The same with the text that was searched, and what was found."""

    code: str
    findings: dict[str, Any] | None


class TrialOut(Out):
    """One set of parameters that was tried. More `score` is better; null: not to be believed, or it fell with `fault`."""

    number: int
    fold: int
    parameters: Facts
    score: float | None
    figures: dict[str, float | None]
    fault: str
    done_at: Moment


class StudyIn(TrialIn):
    """What to search: `strategy` is a name in the database or a template's.

    Each of `parameters` is `20` (stands still), `10:50` or `10:50:5` (a range), `a,b` (a choice); else its own bounds are
    searched. `workers` 0 is one per core; only administrators may name a `scheduler`.
    """

    strategy: StrategyName
    symbol: SymbolName
    timeframe: TimeframeName
    parameters: Parameters = Field(default_factory=dict)
    goal: Annotated[Line, Field(max_length=40)] = "sharpe"
    least_trades: Whole = 10
    scheme: Scheme = Scheme.SPLIT
    train: Annotated[float, Field(ge=0, le=1)] = 0.7
    windows: Whole = 4
    sampler: SamplerKind = SamplerKind.TPE
    trials: Whole = 100
    seed: Whole = 0
    workers: Whole = 0
    scheduler: Annotated[Line, Field(max_length=255)] = ""


Kind = TypeVar("Kind", bound=StudyOut)


@router.get("/")
async def list_studies(house: House, who: Reader, listed: Listed) -> Page[StudyOut]:
    """The user's searches, the newest first."""
    rows = await house.studies.recent(who.user_id, listed.wanted, listed.before)
    return Page[StudyOut].model_validate(listed.recent(rows, lambda row: _shown(house, row, who.language, StudyOut)))


@router.post("/", status_code=201)
async def start_study(house: House, who: Trader, form: StudyIn) -> StudyOut:
    """Queue a search; follow it with GET or on the feed /ws/study/."""
    source = await house.backtester.sources.find(who.user_id, form.strategy)
    plain = form.model_dump(exclude={"strategy", "parameters", "costs", "scheme", "train", "windows"})
    wish = StudyWish(
        **plain,
        strategy=source.name,
        text=source.text,
        asked={name: str(value) for name, value in form.parameters.items()},
        plan=Plan(form.scheme, form.train, form.windows),
        costs=form.costs.texts,
        version_id=source.version_id,
        template=source.template,
    )
    return _shown(house, await house.studies.start(who.user_id, wish), who.language, StudyOut)


@router.get("/{study_id}/")
async def study(house: House, who: Reader, study_id: Id) -> StudyDetailOut:
    """One search, with what it found when it is done."""
    return _shown(house, await house.studies.get(who.user_id, study_id), who.language, StudyDetailOut)


@router.delete("/{study_id}/", status_code=204)
async def delete_study(house: House, who: Trader, study_id: Id) -> None:
    """Stop a search if it is under way, and forget it with its trials."""
    await house.studies.delete(who.user_id, study_id)


@router.post("/{study_id}/cancel/")
async def cancel_study(house: House, who: Trader, study_id: Id) -> StudyOut:
    """Stop a search; what it tried is kept, and it can be gone on with."""
    await house.studies.cancel(who.user_id, study_id)
    return _shown(house, await house.studies.get(who.user_id, study_id), who.language, StudyOut)


@router.post("/{study_id}/resume/")
async def resume_study(house: House, who: Trader, study_id: Id) -> StudyOut:
    """Go on with a search that was stopped, interrupted or failed, as if nothing had been."""
    return _shown(house, await house.studies.resume(who.user_id, study_id), who.language, StudyOut)


@router.get("/{study_id}/trials/")
async def trials(
    house: House,
    who: Reader,
    study_id: Id,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str, Query(max_length=20)] = "",
    since: Annotated[Moment | None, Query()] = None,
) -> Page[TrialOut]:
    """What has been tried, the latest first; a cursor is the number of the last one seen."""
    before = number_of(cursor) if cursor else None
    rows = await house.studies.trials(who.user_id, study_id, limit + 1, before, since)
    more = str(rows[limit - 1].number) if len(rows) > limit else None
    return Page[TrialOut](items=[TrialOut.model_validate(row) for row in rows[:limit]], next=more)


def _shown(house: App, row: Study, language: str, kind: type[Kind]) -> Kind:
    asked = asked_of(row)
    told = {
        **{name: getattr(row, name) for name in kind.model_fields if hasattr(row, name)},
        **{name: getattr(asked, name) for name in ("exchange", "symbol", "timeframe", "trials", "seed", "sampler", "costs")},
        "since": from_milliseconds(asked.since),
        "until": from_milliseconds(asked.until),
        "axes": msgspec.to_builtins(asked.axes),
        "fixed": asked.fixed,
        "goal": asked.goal.figure,
        "least_trades": asked.goal.least_trades,
        "scheme": asked.plan.scheme,
        "train": asked.plan.train,
        "windows": asked.plan.windows,
        "cash": asked.cash,
        "progress": house.studies.queue.progress(row.id) if row.status.is_under_way else None,
        "message": explain(row.error, row.error_facts or {}, language) if row.error else "",
    }
    return kind.model_validate(told)
