"""`/api/webhooks/` and `/api/webhook-states/`: alerts from birth to end, and the positions they opened."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from aristobot.kinds import LotStatus, WebhookOutcome, WebhookStatus
from aristobot.language import explain
from aristobot.money import ZERO
from aristobot.orders import Side
from aristobot.payloads import decoded
from aristobot.store import positions, webhooks
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Webhook, WebhookState
from services.api.auth import House, Reader
from services.api.paging import Listed, Page
from services.api.values import Facts, LastPrice, Moment, Money, Out

router = APIRouter(prefix="/api", tags=["webhooks"])

Id = Annotated[uuid.UUID, Path()]


class Period(StrEnum):
    """How far back statistics look."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def length(self) -> timedelta:
        """As a length of time."""
        return {"24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}[self.value]


class WebhookOut(Out):
    """An alert as it arrived, and what became of it. `message` is the reason in the user's language."""

    id: uuid.UUID
    broker_id: uuid.UUID
    received_at: Moment
    status: WebhookStatus
    outcome: WebhookOutcome | None
    reason: str
    message: str = ""
    reason_facts: Facts
    trace_id: str
    symbol: str
    symbol_in_payload: str
    exchange_in_payload: str
    interval: str
    action: str
    price: Money | None
    stop_loss: str
    take_profit: str
    percent: Money | None
    bar_time: Moment | None
    sent_at: Moment | None
    market_position: str
    prev_market_position: str
    order_ids: list[uuid.UUID] | None
    result: Facts
    finished_at: Moment | None


class WebhookDetailOut(WebhookOut):
    """The same with the body as it came, its token masked."""

    source: str
    payload: str


class WebhookStatsOut(Out):
    """Counts over a period; the rate in per cent of the finished ones, null when none has finished."""

    period: Period
    total: int
    succeeded: int
    errors: int
    success_rate: Money | None
    open_positions: int


class StateOut(Out):
    """A position as its alerts see it; `unrealised_pnl` is null as long as there is no price. A stop or target of 0 is none."""

    id: uuid.UUID
    broker_id: uuid.UUID
    symbol: str
    side: Side
    status: LotStatus
    entry_price: Money
    quantity: Money
    current_price: LastPrice
    stop_loss: Money
    take_profit: Money
    stop_order_id: uuid.UUID | None
    target_order_id: uuid.UUID | None
    unrealised_pnl: Annotated[Money | None, Field(validation_alias="unrealised")]
    realised_pnl: Money
    position_id: uuid.UUID | None
    opening_webhook_id: uuid.UUID | None
    opened_at: Moment
    closed_at: Moment | None
    updated_at: Moment


class StatesSummaryOut(Out):
    """What alerts opened and closed, in sums per quote asset; a sum is null when a part of it is not known."""

    open: int
    closed: int
    unrealised_pnl: dict[str, Money | None]
    realised_pnl: dict[str, Money | None]


@router.get("/webhooks/")
async def list_webhooks(house: House, who: Reader, listed: Listed, broker_id: uuid.UUID | None = None) -> Page[WebhookOut]:
    """The user's alerts, the newest first."""
    rows = await house.db.read(
        who.user_id, lambda s: webhooks.recent(s, broker_id, listed.since, limit=listed.wanted, before=listed.before)
    )
    page = listed.page(rows, lambda row: (row.received_at, row.id), lambda row: _shown(row, who.language))
    return Page[WebhookOut].model_validate(page)


@router.get("/webhooks/recent/")
async def recent_webhooks(house: House, who: Reader, broker_id: uuid.UUID | None = None) -> Page[WebhookOut]:
    """The last twenty alerts."""
    rows = await house.db.read(who.user_id, lambda s: webhooks.recent(s, broker_id, limit=20))
    return Page[WebhookOut](items=[_shown(row, who.language) for row in rows])


@router.get("/webhooks/stats/")
async def webhook_stats(
    house: House, who: Reader, period: Annotated[Period, Query()] = Period.DAY, broker_id: uuid.UUID | None = None
) -> WebhookStatsOut:
    """The four figures of the webhooks page."""
    since = house.clock.now() - period.length
    found = await house.db.read(who.user_id, lambda s: webhooks.stats(s, since, broker_id))
    return WebhookStatsOut(
        period=period,
        total=found.total,
        succeeded=found.succeeded,
        errors=found.errors,
        success_rate=found.success_rate,
        open_positions=found.open_positions,
    )


@router.get("/webhooks/{webhook_id}/")
async def webhook(house: House, who: Reader, webhook_id: Id) -> WebhookDetailOut:
    """One alert, with its body."""
    row = await house.db.read(who.user_id, lambda s: webhooks.get(s, webhook_id))
    body = decoded(row.payload)
    return WebhookDetailOut(**_shown(row, who.language).model_dump(), source=row.source, payload=body)


@router.get("/webhook-states/")
async def list_states(
    house: House, who: Reader, listed: Listed, broker_id: uuid.UUID | None = None, status: LotStatus | None = None
) -> Page[StateOut]:
    """What alerts opened, the newest first."""
    rows = await house.db.read(
        who.user_id, lambda s: positions.states(s, broker_id, status, limit=listed.wanted, before=listed.before)
    )
    return Page[StateOut].model_validate(listed.page(rows, lambda row: (row.opened_at, row.id)))


@router.get("/webhook-states/open/")
async def open_states(house: House, who: Reader, listed: Listed, broker_id: uuid.UUID | None = None) -> Page[StateOut]:
    """What is open now."""
    return await list_states(house, who, listed, broker_id, LotStatus.OPEN)


@router.get("/webhook-states/summary/")
async def states_summary(house: House, who: Reader, broker_id: uuid.UUID | None = None) -> StatesSummaryOut:
    """Counts, and what was gained and lost."""

    def work(session: GuardedSession) -> tuple[list[WebhookState], frozenset[uuid.UUID]]:
        return positions.states(session, broker_id, limit=None), positions.dust(session)

    rows, dust = await house.db.read(who.user_id, work)
    held = [row for row in rows if row.status is LotStatus.OPEN and row.position_id not in dust]
    return StatesSummaryOut(
        open=len(held),
        closed=sum(row.status is LotStatus.CLOSED for row in rows),
        unrealised_pnl=_per_quote([(row, row.unrealised) for row in held]),
        realised_pnl=_per_quote([(row, row.realised_pnl) for row in rows]),
    )


def _shown(row: Webhook, language: str) -> WebhookOut:
    shown = WebhookOut.model_validate(row)
    shown.message = explain(row.reason, row.reason_facts or {}, language) if row.reason else ""
    return shown


def _per_quote(amounts: Sequence[tuple[WebhookState, Decimal | None]]) -> dict[str, Decimal | None]:
    sums: dict[str, Decimal | None] = {}
    for row, gained in amounts:
        quote = row.symbol.partition("/")[2]
        before = sums.get(quote, ZERO)
        sums[quote] = None if before is None or gained is None else before + gained
    return sums
