"""`/api/backtests/`: ask for a run, follow it, read its report."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from aristobot.errors import InvalidInput
from aristobot.kinds import BacktestStatus
from aristobot.language import explain, use_language
from aristobot.store.backtest_tables import Backtest
from services.api.auth import House, Reader, Trader
from services.api.exact import ExactRoute
from services.api.paging import Listed, Page
from services.api.trial_values import LegIn, LegOut, Parameters, StrategyName, SymbolName, TimeframeName, TrialIn
from services.api.values import Facts, In, Moment, Money, Out
from services.app import App
from services.backtest_legs import LegWish, check_count, legs_of
from services.backtest_sources import Source
from services.backtest_wish import Wish

router = APIRouter(prefix="/api/backtests", tags=["backtests"], route_class=ExactRoute)

Id = Annotated[uuid.UUID, Path()]


class BacktestOut(Out):
    """A run: what was asked, how far it is, and its figures when it is done. Shares are fractions.

    `legs` are the strategies that played over one balance, mostly one; the fields of the run itself are the first one's.
    """

    id: uuid.UUID
    strategy: str
    strategy_version_id: uuid.UUID | None
    template: str
    exchange: str
    symbol: str
    timeframe: str
    since: Moment
    until: Moment
    parameters: Facts
    costs: Facts
    cash: Money
    seed: int
    variants: int
    status: BacktestStatus
    stage: str = ""
    progress: float = 0.0
    seconds_left: float | None = None
    summary: dict[str, Any] | None
    error: str
    message: str = ""
    detail: bool
    pinned: bool
    data_hash: str
    fingerprint: str
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    legs: list[LegOut] = Field(default_factory=list)


class BacktestDetailOut(BacktestOut):
    """The same with the texts that were played."""

    code: str


class BacktestIn(TrialIn):
    """What to try: `strategy` (a name in the database or a template's) on `symbol`, or several over one balance as `legs`.

    With `detail` orders are executed along the minutes inside larger candles, where the store has them.
    """

    strategy: StrategyName | None = None
    symbol: SymbolName | None = None
    timeframe: TimeframeName | None = None
    parameters: Parameters = Field(default_factory=dict)
    legs: list[LegIn] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    detail: bool = False

    @property
    def asked(self) -> list[LegIn]:
        """The legs, whichever way they were named. Raises InvalidInput for neither and for both."""
        named = {"strategy": self.strategy, "symbol": self.symbol, "timeframe": self.timeframe}
        if self.legs is None:
            missing = [name for name, value in named.items() if value is None]
            if missing:
                raise InvalidInput("missing", field=missing[0])
            return [LegIn.model_validate({**named, "parameters": self.parameters})]
        if self.model_fields_set & {*named, "parameters"}:
            raise InvalidInput("legs_or_one_strategy", field="legs")
        check_count(self.legs)
        return self.legs


class PinIn(In):
    """Whether a run is kept whatever comes after it."""

    pinned: bool


Kind = TypeVar("Kind", bound=BacktestOut)


@router.get("/")
async def list_backtests(house: House, who: Reader, listed: Listed) -> Page[BacktestOut]:
    """The user's runs, the newest first."""
    rows = await house.backtester.recent(who.user_id, listed.wanted, listed.before)
    page = listed.recent(rows, lambda row: _shown(house, row, who.language, BacktestOut))
    return Page[BacktestOut].model_validate(page)


@router.post("/", status_code=201)
async def start_backtest(house: House, who: Trader, form: BacktestIn) -> BacktestOut:
    """Queue a run; follow it with GET or on the feed /ws/backtest/."""
    asked = form.asked
    sources = [await house.backtester.sources.find(who.user_id, one.strategy) for one in asked]
    row = await house.backtester.start(who.user_id, _wish(form, asked, sources))
    return _shown(house, row, who.language, BacktestOut)


@router.get("/{backtest_id}/")
async def backtest(house: House, who: Reader, backtest_id: Id) -> BacktestDetailOut:
    """One run."""
    return _shown(house, await house.backtester.get(who.user_id, backtest_id), who.language, BacktestDetailOut)


@router.patch("/{backtest_id}/")
async def pin_backtest(house: House, who: Trader, backtest_id: Id, form: PinIn) -> BacktestOut:
    """Keep a run however many come after it, or not any more."""
    return _shown(house, await house.backtester.pin(who.user_id, backtest_id, form.pinned), who.language, BacktestOut)


@router.delete("/{backtest_id}/", status_code=204)
async def delete_backtest(house: House, who: Trader, backtest_id: Id) -> None:
    """End a run if it is under way, and forget it."""
    await house.backtester.delete(who.user_id, backtest_id)


@router.post("/{backtest_id}/cancel/")
async def cancel_backtest(house: House, who: Trader, backtest_id: Id) -> BacktestOut:
    """End a run; it stays in the list."""
    await house.backtester.cancel(who.user_id, backtest_id)
    return _shown(house, await house.backtester.get(who.user_id, backtest_id), who.language, BacktestOut)


@router.get("/{backtest_id}/report/", responses={200: {"content": {"application/json": {}, "text/html": {}, "text/csv": {}}}})
async def report(
    house: House, who: Reader, backtest_id: Id, form: Annotated[Literal["json", "html", "csv"], Query(alias="format")] = "json"
) -> Response:
    """The whole report: JSON, a page that opens alone, or its closed trades as CSV."""
    from services.backtest_report import as_csv, as_html

    row = await house.backtester.get(who.user_id, backtest_id)
    found = await house.backtester.report(who.user_id, backtest_id)
    with use_language(who.language):
        if form == "html":
            return HTMLResponse(as_html(row.strategy, found))
        if form == "csv":
            return PlainTextResponse(as_csv(found), media_type="text/csv")
    return Response(msgspec.json.encode(found), media_type="application/json")


def _wish(form: BacktestIn, asked: list[LegIn], sources: list[Source]) -> Wish:
    first, *further = [_leg(one, source) for one, source in zip(asked, sources, strict=True)]
    plain = form.model_dump(exclude={"strategy", "symbol", "timeframe", "parameters", "legs", "costs"})
    return Wish(**plain, **first, costs=form.costs.texts, further=tuple(LegWish(**one) for one in further))


def _leg(form: LegIn, source: Source) -> dict[str, Any]:
    """What a leg wishes, by the names of a wish."""
    named = {"strategy": source.name, "text": source.text, "version_id": source.version_id, "template": source.template}
    return form.model_dump() | named


def _shown(house: App, row: Backtest, language: str, kind: type[Kind]) -> Kind:
    shown = kind.model_validate(row)
    if not row.status.is_over:
        now = house.backtester.queue.progress(row.id)
        shown.stage, shown.progress, shown.seconds_left = now.stage, now.done, now.seconds_left
    shown.message = explain(row.error, row.error_facts or {}, language) if row.error else ""
    whole = isinstance(shown, BacktestDetailOut)
    shown.legs = [LegOut.model_validate(one if whole else {**one, "code": None}) for one in legs_of(row)]
    return shown
