"""`/api/positions/` with their protection, and `/api/portfolio/`: what is held, what guards it, what it is worth."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from aristobot.errors import Conflict, InvalidInput
from aristobot.kinds import BracketStatus, LotStatus, Protection
from aristobot.language import explain
from aristobot.money import HUNDRED, ZERO, round_up
from aristobot.store import brackets, brokers, positions
from aristobot.store.brackets import Guarded
from services.api.auth import House, Reader, Trader
from services.api.exact import ExactRoute
from services.api.paging import Listed, Page
from services.api.values import In, LastPrice, Moment, Money, Out
from services.exit_plan import RECENT, ExitPlan, plan_of, refuse_reached
from services.portfolio import Holdings, together

router = APIRouter(prefix="/api", tags=["positions"], route_class=ExactRoute)

Id = Annotated[uuid.UUID, Path()]


class PositionOut(Out):
    """What is held of one base asset through our orders; amounts in the quote asset but for `quantity`."""

    id: uuid.UUID
    broker_id: uuid.UUID
    symbol: str
    base: str
    quote: str
    owner: str
    status: LotStatus
    quantity: Money
    cost: Money
    entry: Money
    realised: Money
    bought: Money
    sold: Money
    current_price: LastPrice
    opened_at: Moment
    closed_at: Moment | None
    #: What is left is too small to be sold.
    is_dust: bool


class TargetOut(Out):
    """A price at which a share of the position, in per cent, is sold."""

    percent: Money
    price: Money


class ProtectionOut(Out):
    """The stop and the targets that were asked for, and the orders that rest for them.

    `protection` says who sees to them: `exchange` (all rest there), `half` (what does not rest is watched by the bot), or
    `bot`; null when nothing was asked for.
    """

    position_id: uuid.UUID
    status: BracketStatus | None
    protection: Protection | None
    stop_loss: Money | None
    take_profit: list[TargetOut]
    unprotected_since: Moment | None
    order_ids: list[uuid.UUID]


class TargetIn(In):
    """A target of a share of the position."""

    percent: Money = HUNDRED
    price: Money


class ProtectionIn(In):
    """What shall guard the position, in place of what did; what is not named is taken away."""

    stop_loss: Money | None = None
    take_profit: Annotated[list[TargetIn], Field(max_length=10)] | Money | None = None


class HoldingOut(Out):
    """One asset of one broker."""

    asset: str
    free: Money
    locked: Money
    total: Money
    price: Money | None
    value: Money | None
    value_eur: Money | None


class HoldingsOut(Out):
    """One broker's assets; `error` when the exchange did not tell. A total is null when nobody knows it.

    Assets without a price count for nothing in a total; `unpriced` names those that have none in the quote asset.
    """

    broker_id: uuid.UUID
    broker: str
    exchange: str
    total: Money | None
    total_eur: Money | None
    unpriced: list[str]
    error: str | None
    assets: list[HoldingOut]


class PortfolioOut(Out):
    """Everything the user has, valued in one quote asset; a total is null as soon as that of one broker is not known."""

    quote: str
    total: Money | None
    total_eur: Money | None
    brokers: list[HoldingsOut]


@router.get("/positions/")
async def list_positions(
    house: House, who: Reader, listed: Listed, broker_id: uuid.UUID | None = None, status: LotStatus | None = None
) -> Page[PositionOut]:
    """The user's positions, the newest first."""
    rows = await house.db.read(
        who.user_id, lambda s: positions.recent(s, broker_id, status, limit=listed.wanted, before=listed.before)
    )
    return Page[PositionOut].model_validate(listed.page(rows, lambda row: (row.opened_at, row.id)))


@router.get("/positions/{position_id}/")
async def position(house: House, who: Reader, position_id: Id) -> PositionOut:
    """One position."""
    return PositionOut.model_validate(await house.db.read(who.user_id, lambda s: positions.get(s, position_id)))


@router.get("/positions/{position_id}/protection/")
async def protection(house: House, who: Reader, position_id: Id) -> ProtectionOut:
    """What guards a position."""
    return _protection(await house.db.read(who.user_id, lambda s: brackets.guarded(s, position_id)))


@router.put("/positions/{position_id}/protection/")
async def protect(house: House, who: Trader, position_id: Id, form: ProtectionIn) -> ProtectionOut:
    """Ask for a stop and targets in the place of those before, and answer with what then stands."""
    row = await house.db.read(who.user_id, lambda s: positions.get(s, position_id))
    if row.status is not LotStatus.OPEN:
        raise Conflict("position_closed")
    broker = await house.db.read(who.user_id, lambda s: brokers.get(s, row.broker_id))
    instrument = await house.catalog.instrument(broker.exchange, row.symbol)
    targets = [(one.percent, round_up(one.price, instrument.tick)) for one in _targets(form)]
    plan = ExitPlan(instrument.price(form.stop_loss or ZERO), tuple(sorted(targets, key=lambda target: target[1])))
    _check(plan)
    refuse_reached(plan.stop, house.prices.last(broker.exchange, row.symbol, RECENT), "stop_loss")
    return _protection(await house.keeper.guard(who.user_id, position_id, plan))


@router.get("/portfolio/")
async def portfolio(
    house: House, who: Reader, quote: Annotated[str, Query(min_length=1, max_length=24, pattern="^[A-Za-z0-9]+$")] = "USDT"
) -> PortfolioOut:
    """The balances of every broker, and what they are worth."""
    found = await house.portfolio.of_user(who.user_id, quote.upper())
    shown = [_holdings(one, who.language) for one in found]
    return PortfolioOut(
        quote=quote.upper(),
        total=together(one.total for one in found),
        total_eur=together(one.euros for one in found),
        brokers=shown,
    )


def _targets(form: ProtectionIn) -> list[TargetIn]:
    if form.take_profit is None:
        return []
    return form.take_profit if isinstance(form.take_profit, list) else [TargetIn(price=form.take_profit)]


def _check(plan: ExitPlan) -> None:
    if plan.stop < ZERO:
        raise InvalidInput("not_positive", field="stop_loss")
    if any(share <= ZERO or price <= ZERO for share, price in plan.targets):
        raise InvalidInput("not_positive", field="take_profit")
    if sum((share for share, _ in plan.targets), ZERO) > HUNDRED:
        raise InvalidInput("more_than_all", field="take_profit")
    if plan.targets and plan.stop >= plan.targets[0][1]:
        raise InvalidInput("stop_above_target", field="stop_loss")


def _protection(guarded: Guarded) -> ProtectionOut:
    bracket = guarded.bracket
    plan = plan_of(bracket) if bracket else ExitPlan()
    return ProtectionOut(
        position_id=guarded.position.id,
        status=bracket.status if bracket else None,
        protection=guarded.protection,
        stop_loss=plan.stop or None,
        take_profit=[TargetOut(percent=share, price=price) for share, price in plan.targets],
        unprotected_since=bracket.unprotected_since if bracket else None,
        order_ids=[order.id for order in guarded.resting],
    )


def _holdings(found: Holdings, language: str) -> HoldingsOut:
    assets = [
        HoldingOut(
            asset=one.balance.asset,
            free=one.balance.free,
            locked=one.balance.locked,
            total=one.balance.total,
            price=one.price,
            value=one.value,
            value_eur=one.euros,
        )
        for one in found.holdings
    ]
    return HoldingsOut(
        broker_id=found.broker.id,
        broker=found.broker.name,
        exchange=found.broker.exchange,
        total=found.total,
        total_eur=found.euros,
        unpriced=[one.balance.asset for one in found.holdings if one.value is None],
        error=explain(found.error, language=language) if found.error else None,
        assets=assets,
    )
