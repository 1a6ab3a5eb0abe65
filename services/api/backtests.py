"""`/api/backtests/`: ask for a run, follow it, read its report."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from aristobot.kinds import BacktestStatus
from aristobot.language import explain, use_language
from aristobot.store.backtest_tables import Backtest
from services.api.auth import House, Reader, Trader
from services.api.paging import Listed, Page
from services.api.values import Facts, In, Line, Moment, Money, Out
from services.app import App
from services.backtest_sources import Source
from services.backtest_wish import Wish

router = APIRouter(prefix="/api/backtests", tags=["backtests"])

Id = Annotated[uuid.UUID, Path()]


class BacktestOut(Out):
    """A run: what was asked, how far it is, and its figures when it is done. Shares are fractions."""

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


class BacktestDetailOut(BacktestOut):
    """The same with the text that was played."""

    code: str


class CostsIn(In):
    """Fees as fractions, slippage in hundredths of a per cent and as a fraction of the candle's range, latency in seconds.

    Without a fee the pair's own is taken; `fee_asset` is in what a purchase's fee is paid.
    """

    maker: Money | None = None
    taker: Money | None = None
    slippage_bps: Money = Decimal(0)
    slippage_range: Money = Decimal(0)
    fee_asset: Literal["quote", "base"] = "quote"
    latency: Money = Decimal(0)


class BacktestIn(In):
    """What to try: `strategy` is a name in the database or a template's. `fetch` downloads what candles are missing.

    With `detail` orders are executed along the minutes inside larger candles, where the store has them.
    """

    strategy: Annotated[Line, Field(min_length=1, max_length=64)]
    exchange: Annotated[Line, Field(max_length=32)]
    symbol: Annotated[Line, Field(max_length=48)]
    timeframe: Annotated[Line, Field(max_length=8)]
    since: Moment
    until: Moment
    parameters: Annotated[dict[Line, bool | int | float | Line], Field(max_length=100)] = Field(default_factory=dict)
    costs: CostsIn = Field(default_factory=CostsIn)
    cash: Money = Decimal(10_000)
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    fetch: bool = False
    detail: bool = False


class PinIn(In):
    """Whether a run is kept whatever comes after it."""

    pinned: bool


Kind = TypeVar("Kind", bound=BacktestOut)


@router.get("/")
async def list_backtests(house: House, who: Reader, listed: Listed) -> Page[BacktestOut]:
    """The user's runs, the newest first."""
    rows = await house.backtester.recent(who.user_id, listed.wanted, listed.before)
    page = listed.page(rows, lambda row: (row.created_at, row.id))
    shown = [_shown(house, row, who.language, BacktestOut) for row in rows[: listed.limit]]
    kept = [one for one in shown if listed.since is None or one.created_at >= listed.since]
    return Page[BacktestOut].model_validate({**page, "items": kept})


@router.post("/", status_code=201)
async def start_backtest(house: House, who: Trader, form: BacktestIn) -> BacktestOut:
    """Queue a run; follow it with GET or on the feed /ws/backtest/."""
    source = await house.backtester.sources.find(who.user_id, form.strategy)
    row = await house.backtester.start(who.user_id, _wish(form, source))
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


def _wish(form: BacktestIn, source: Source) -> Wish:
    costs = {name: None if value is None else str(value) for name, value in form.costs.model_dump().items()}
    plain = form.model_dump(exclude={"strategy", "costs"})
    return Wish(
        **plain, strategy=source.name, text=source.text, costs=costs, version_id=source.version_id, template=source.template
    )


def _shown(house: App, row: Backtest, language: str, kind: type[Kind]) -> Kind:
    shown = kind.model_validate(row)
    if not row.status.is_over:
        now = house.backtester.queue.progress(row.id)
        shown.stage, shown.progress, shown.seconds_left = now.stage, now.done, now.seconds_left
    shown.message = explain(row.error, row.error_facts or {}, language) if row.error else ""
    return shown
