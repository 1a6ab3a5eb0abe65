"""`/api/activations/`: saved versions of strategies at work on a broker's market."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from aristobot.kinds import ActivationStatus
from aristobot.language import explain, use_language
from aristobot.store.activations import Shown
from aristobot.store.strategy_tables import ActivationLine
from aristobot.store.trading_tables import PositionRow
from services.activation_desk import Wish
from services.api.auth import House, Reader, Trader
from services.api.exact import ExactRoute
from services.api.paging import Listed, Page, made
from services.api.values import Facts, In, LastPrice, Line, Moment, Money, Out
from services.notice_words import sentence

router = APIRouter(prefix="/api/activations", tags=["activations"], route_class=ExactRoute)

Id = Annotated[uuid.UUID, Path()]
Parameters = Annotated[dict[Line, bool | int | float | Line], Field(max_length=100)]


class HoldingOut(Out):
    """What it holds now, at the last price seen; `unrealised` in quote, before the fee of a sale, null without one."""

    id: uuid.UUID
    quantity: Money
    entry: Money
    current_price: LastPrice
    unrealised: Money | None
    opened_at: Moment


class ActivationOut(Out):
    """An activation. `view` is what its strategy shows since the last candle, `gained` what its positions brought, in quote."""

    id: uuid.UUID
    strategy_id: uuid.UUID
    strategy: str
    version_id: uuid.UUID
    version: int
    broker_id: uuid.UUID
    broker: str
    exchange: str
    symbol: str
    timeframe: str
    allotted: Money
    parameters: Facts
    status: ActivationStatus
    reason: str
    message: str
    view: Facts
    position: HoldingOut | None
    gained: Money
    decided_at: Moment | None
    created_at: Moment
    updated_at: Moment


class ActivationIn(In):
    """What shall run: a version of `/api/strategies/{id}/versions/`, and the quote that it may spend."""

    version_id: uuid.UUID
    broker_id: uuid.UUID
    symbol: Annotated[Line, Field(max_length=48)]
    timeframe: Annotated[Line, Field(max_length=8)]
    allotted: Money
    parameters: Parameters = Field(default_factory=dict)


class ActivationChange(In):
    """What may change while it is stopped."""

    allotted: Money | None = None
    parameters: Parameters | None = None


class LineOut(Out):
    """One line of its log: `code` and `facts` of what the house says, only `text` for what the strategy says."""

    id: uuid.UUID
    at: Moment
    level: str
    code: str
    facts: Facts
    text: str


@router.get("/")
async def list_activations(house: House, who: Reader, listed: Listed) -> Page[ActivationOut]:
    """The user's activations, the oldest first."""
    rows, more = listed.part(await house.runner.desk.mine(who.user_id), lambda one: made(one.row))
    return Page[ActivationOut](items=[_out(one, who.language) for one in rows], next=more)


@router.post("/", status_code=201)
async def add_activation(house: House, who: Trader, form: ActivationIn) -> ActivationOut:
    """A new one, stopped."""
    made = await house.runner.desk.create(who.user_id, Wish(**form.model_dump()))
    return await _one(house, who.user_id, made.id, who.language)


@router.get("/{activation_id}/")
async def activation(house: House, who: Reader, activation_id: Id) -> ActivationOut:
    """One of them."""
    return await _one(house, who.user_id, activation_id, who.language)


@router.patch("/{activation_id}/")
async def change_activation(house: House, who: Trader, activation_id: Id, form: ActivationChange) -> ActivationOut:
    """Another sum, other parameters."""
    await house.runner.desk.change(who.user_id, activation_id, form.allotted, form.parameters)
    return await _one(house, who.user_id, activation_id, who.language)


@router.delete("/{activation_id}/", status_code=204)
async def remove_activation(house: House, who: Trader, activation_id: Id) -> None:
    """Forget a stopped one that holds nothing, and its log."""
    await house.runner.remove(who.user_id, activation_id)


@router.post("/{activation_id}/start/")
async def start_activation(house: House, who: Trader, activation_id: Id) -> ActivationOut:
    """Let it decide from the next closed candle on."""
    await house.runner.start(who.user_id, activation_id)
    return await _one(house, who.user_id, activation_id, who.language)


@router.post("/{activation_id}/stop/")
async def stop_activation(house: House, who: Trader, activation_id: Id) -> ActivationOut:
    """Let it rest; what it holds keeps its exits."""
    await house.runner.stop(who.user_id, activation_id)
    return await _one(house, who.user_id, activation_id, who.language)


@router.get("/{activation_id}/log/")
async def log(house: House, who: Reader, activation_id: Id, listed: Listed) -> Page[LineOut]:
    """What it did and said, the newest line first."""
    rows = await house.runner.desk.lines(who.user_id, activation_id, listed.wanted, listed.before)
    with use_language(who.language):
        return Page[LineOut].model_validate(listed.page(rows, lambda row: (row.at, row.id), _line))


async def _one(house: Any, user_id: uuid.UUID, activation_id: uuid.UUID, language: str) -> ActivationOut:
    return _out(await house.runner.desk.get(user_id, activation_id), language)


def _line(row: ActivationLine) -> LineOut:
    words = row.text or sentence(row.code, row.facts)
    return LineOut(id=row.id, at=row.at, level=row.level, code=row.code, facts=row.facts or {}, text=words)


def _out(one: Shown, language: str) -> ActivationOut:
    row = one.row
    same = ("id", "version_id", "broker_id", "symbol", "timeframe", "allotted", "parameters", "status", "reason", "view")
    return ActivationOut(
        **{name: getattr(row, name) for name in (*same, "decided_at", "created_at", "updated_at")},
        strategy_id=one.posted.strategy.id,
        strategy=one.posted.strategy.name,
        version=one.posted.version.number,
        broker=one.broker.name,
        exchange=one.broker.exchange,
        message=explain(f"error.{row.reason}", row.reason_facts or {}, language) if row.reason else "",
        position=_holding(one.position) if one.position is not None else None,
        gained=one.gained,
    )


def _holding(row: PositionRow) -> HoldingOut:
    same = ("id", "quantity", "entry", "current_price", "opened_at")
    return HoldingOut(**{name: getattr(row, name) for name in same}, unrealised=row.unrealised())
