"""`/api/brokers/`: a user's accounts at exchanges. Keys go in and never come back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from aristobot.kinds import BrokerAccess, BrokerMode
from aristobot.language import explain
from services.api.auth import House, Reader, Trader, actor
from services.api.exact import ExactRoute
from services.api.paging import Listed, Page, made
from services.api.values import Facts, In, Moment, Money, Out
from services.broker_connection import ConnectionTest, StepState

router = APIRouter(prefix="/api/brokers", tags=["brokers"], route_class=ExactRoute)

Id = Annotated[uuid.UUID, Path()]
Secret = Annotated[str | None, Field(max_length=8192, description="write-only")]


class BrokerOut(Out):
    """A broker; of its keys only the last four characters."""

    id: uuid.UUID
    exchange: str
    name: str
    key_last_four: str
    mode: BrokerMode
    access: BrokerAccess
    is_default: bool
    quote: str
    limits: Facts
    endpoints: dict[str, str] | None
    key_rights: dict[str, Any] | None
    checked_at: Moment | None
    created_at: Moment


class BrokerChange(In):
    """What may change of a broker."""

    name: str | None = None
    api_key: Secret = None
    api_secret: Secret = None
    passphrase: Secret = None
    mode: str | None = None
    access: str | None = None
    is_default: bool | None = None
    quote: str | None = None
    limits: dict[str, Any] | None = None
    endpoints: dict[str, str] | None = None
    allow_withdraw: Annotated[bool | None, Field(description="take a key that may withdraw; administrators only")] = None


class BrokerIn(BrokerChange):
    """A broker to be."""

    exchange: str


class StepOut(Out):
    """One step of a connection test."""

    name: str
    state: StepState
    reason: str
    message: str
    facts: Facts


class BalanceOut(Out):
    """What is there of one asset."""

    asset: str
    free: Money
    locked: Money
    total: Money


class ConnectionOut(Out):
    """How a connection test went."""

    ok: bool
    clock_offset_ms: int
    steps: list[StepOut]
    balances: list[BalanceOut]


class MarketsOut(Out):
    """How many pairs an exchange lists, and how many of them are new, changed and gone."""

    exchange: str
    total: int
    added: int
    changed: int
    removed: int
    at: Moment


class TokenIn(In):
    """How long the addresses before this one stay valid."""

    overlap_hours: Annotated[int, Field(ge=0, le=720)] = 24


class WebhookAddressOut(Out):
    """A fresh webhook token, told this once, and the address for TradingView that holds it."""

    token: str
    url: str
    last_four: str


@router.get("/")
async def brokers(house: House, who: Reader, listed: Listed) -> Page[BrokerOut]:
    """The user's brokers."""
    rows, more = listed.part(await house.brokers.mine(who.user_id), made)
    return Page[BrokerOut](items=[BrokerOut.model_validate(row) for row in rows], next=more)


@router.post("/", status_code=201)
async def add_broker(house: House, who: Trader, form: BrokerIn) -> BrokerOut:
    """Add a broker. A key that may withdraw is refused."""
    return BrokerOut.model_validate(await house.brokers.add(who.user_id, _named(form.given()), actor(who)))


@router.get("/{broker_id}/")
async def broker(house: House, who: Reader, broker_id: Id) -> BrokerOut:
    """One broker."""
    return BrokerOut.model_validate(await house.brokers.get(who.user_id, broker_id))


@router.patch("/{broker_id}/")
async def change_broker(house: House, who: Trader, broker_id: Id, form: BrokerChange) -> BrokerOut:
    """Change the fields that are named."""
    return BrokerOut.model_validate(await house.brokers.change(who.user_id, broker_id, _named(form.given()), actor(who)))


@router.delete("/{broker_id}/", status_code=204)
async def remove_broker(house: House, who: Trader, broker_id: Id) -> None:
    """Delete a broker that holds neither orders nor positions: its keys are wiped, its history stays."""
    await house.brokers.remove(who.user_id, broker_id, actor(who))


@router.post("/{broker_id}/test-connection/")
async def test_connection(house: House, who: Trader, broker_id: Id) -> ConnectionOut:
    """Try the keys at the exchange, step by step."""
    return _connection(await house.brokers.test_connection(who.user_id, broker_id), who.language)


@router.post("/{broker_id}/load-markets/")
async def load_markets(house: House, who: Trader, broker_id: Id) -> MarketsOut:
    """Read the exchange's catalogue afresh; its progress goes over `/ws/user-account/`."""
    row = await house.brokers.get(who.user_id, broker_id)
    return MarketsOut.model_validate(await house.catalog.refresh(row.exchange))


@router.post("/{broker_id}/webhook-token/", status_code=201)
async def rotate_webhook_token(house: House, who: Trader, broker_id: Id, form: TokenIn | None = None) -> WebhookAddressOut:
    """A new address for alerts; those before it stay valid for the overlap."""
    overlap = timedelta(hours=(form or TokenIn()).overlap_hours)
    webhooks = house.brokers.webhooks
    token = await webhooks.rotate(who.user_id, broker_id, actor(who), overlap=overlap)
    return WebhookAddressOut(token=token, url=webhooks.url(token), last_four=token[-4:])


@router.post("/{broker_id}/webhook-test/")
async def send_test(house: House, who: Trader, broker_id: Id) -> dict[str, Any]:
    """Send a PING through the real address, and tell the answer and the time it took."""
    result = await house.brokers.webhooks.send_test(who.user_id, broker_id)
    message = explain(result.reason, {"detail": result.detail}, who.language) if result.reason else ""
    return {**asdict(result), "milliseconds": round(result.milliseconds, 1), "message": message}


@router.get("/{broker_id}/balances/")
async def balances(house: House, who: Reader, broker_id: Id) -> Page[BalanceOut]:
    """What the exchange says is there now."""
    held = await house.brokers.balances(who.user_id, broker_id)
    return Page[BalanceOut](items=[BalanceOut.model_validate(one) for one in held])


def _named(form: Mapping[str, Any]) -> dict[str, Any]:
    """Fields set to null mean "as it is", but for those that can be emptied."""
    return {name: value for name, value in form.items() if value is not None or name in ("limits", "endpoints", "quote")}


def _connection(result: ConnectionTest, language: str) -> ConnectionOut:
    steps = [
        StepOut(
            name=step.name,
            state=step.state,
            reason=step.reason,
            message=explain(step.reason, step.facts, language) if step.reason else "",
            facts=dict(step.facts),
        )
        for step in result.steps
    ]
    held = [BalanceOut.model_validate(one) for one in result.balances]
    return ConnectionOut(ok=result.ok, clock_offset_ms=result.clock_offset_ms, steps=steps, balances=held)
