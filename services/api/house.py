"""`/api/kill-switch/`, `/api/reconcile/`, `/api/audit/`, `/api/frontend-log`: the levers and the record."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from loguru import logger
from pydantic import Field

from aristobot.errors import AccessDenied, AristobotError, NotFound
from aristobot.kinds import HaltLevel, HaltScope, Role, TokenScope
from aristobot.language import explain
from aristobot.store import audit
from aristobot.store.tenancy import SYSTEM
from services.api.auth import House, Reader, Trader, actor
from services.api.exact import ExactRoute
from services.api.paging import MOST, Listed, Page, number_of
from services.api.values import Facts, In, Line, Moment, Money, Out
from services.api_tokens import TokenHolder
from services.halt_desk import Hand, Wish
from services.sign_in import LoginForm

router = APIRouter(prefix="/api", tags=["house"], route_class=ExactRoute)


class HaltOut(Out):
    """A setting of the kill switch in force."""

    id: uuid.UUID
    scope: HaltScope
    scope_id: uuid.UUID | None
    level: HaltLevel
    reason: str
    set_by: str
    set_at: Moment
    completed_at: Moment | None


class HaltIn(In):
    """What to stop: by default everything of the user; `all` is for administrators."""

    scope: HaltScope = HaltScope.USER
    scope_id: uuid.UUID | None = None
    level: HaltLevel = HaltLevel.HALT
    reason: Line = ""


class ReleaseIn(In):
    """Which halts to release (by default the user's own, all of them). A token below `admin` needs the password as well."""

    id: uuid.UUID | None = None
    password: Annotated[str, Field(max_length=1024)] = ""
    code: Annotated[str, Field(max_length=64)] = ""


class OutlookOut(Out):
    """What a scope holds now; `value` of the positions by quote currency, at the last prices known."""

    brokers: list[str]
    entries: int
    positions: int
    value: dict[str, Money]


class DifferenceOut(Out):
    """Our order, what we believed, what the exchange says."""

    broker_id: uuid.UUID
    order_id: uuid.UUID
    symbol: str
    ours: str
    theirs: str


class UncomparedOut(Out):
    """A broker whose exchange did not tell, and why: of its orders nothing is known."""

    broker_id: uuid.UUID
    code: str
    message: str


class ReconciledOut(Page[DifferenceOut]):
    """The differences of the brokers that were compared, and those that were not."""

    failed: list[UncomparedOut]


class AuditOut(Out):
    """One act."""

    id: int
    at: Moment
    actor: str
    via: str
    action: str
    subject: str
    before: Facts
    after: Facts
    trace_id: str


class FrontendLine(In):
    """A line for the log from somebody's screen or script."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    message: Annotated[str, Field(min_length=1, max_length=2000)]
    context: dict[str, Any] = Field(default_factory=dict)


@router.get("/kill-switch/")
async def halts(house: House, who: Reader, listed: Listed) -> Page[HaltOut]:
    """The halts in force that concern the user; a HALT file in the data folder is one of them."""
    rows, more = listed.part(await house.halts.concerning(_hand(who)), lambda one: (one.set_at, one.id))
    return Page[HaltOut](items=[HaltOut.model_validate(halt) for halt in rows], next=more)


@router.post("/kill-switch/", status_code=201)
async def halt(house: House, who: Trader, form: HaltIn) -> HaltOut:
    """Stop. In force when this answers."""
    if form.scope is HaltScope.ALL and not who.may(TokenScope.ADMIN):
        raise AccessDenied("scope_too_small", needed=TokenScope.ADMIN.value)
    made = await house.halts.halt(_hand(who), Wish(form.scope, form.scope_id, form.level, form.reason))
    return HaltOut.model_validate(made)


@router.get("/kill-switch/outlook/")
async def outlook(house: House, who: Reader, scope: HaltScope = HaltScope.USER, scope_id: uuid.UUID | None = None) -> OutlookOut:
    """What stopping this scope would meet now: entries that wait, positions that would be sold."""
    if scope is HaltScope.ALL and not who.may(TokenScope.ADMIN):
        raise AccessDenied("scope_too_small", needed=TokenScope.ADMIN.value)
    return OutlookOut.model_validate(await house.halts.outlook(_hand(who), Wish(scope, scope_id)))


@router.delete("/kill-switch/")
async def release(house: House, who: Trader, form: ReleaseIn | None = None) -> Page[HaltOut]:
    """Let trading go on; answers with what was released."""
    form, hand = form or ReleaseIn(), _hand(who)
    if not who.may(TokenScope.ADMIN):
        user = await house.accounts.sign_in.verify(LoginForm(who.name, form.password, form.code), f"token {who.token_id}")
        if user.id != who.user_id:
            raise AccessDenied("confirmation_needed")
    mine = [one for one in await house.halts.concerning(hand) if form.id in (None, one.id) and house.halts.may_release(hand, one)]
    if form.id is not None and not mine:
        raise NotFound(kind="halt")
    return Page[HaltOut](items=[HaltOut.model_validate(await house.halts.release(hand, one.id)) for one in mine])


@router.post("/reconcile/", responses={207: {"model": ReconciledOut, "description": "some brokers could not be compared"}})
async def reconcile(house: House, who: Trader, response: Response) -> ReconciledOut:
    """Compare the user's orders with their exchanges now; answers the differences found.

    207 when some brokers could not be compared; an error when none could.
    """
    answers = await house.monitor.reconcile(who.user_id)
    failed = {broker_id: one for broker_id, one in answers.items() if isinstance(one, AristobotError)}
    if failed and len(failed) == len(answers):
        raise next(iter(failed.values()))
    response.status_code = 207 if failed else 200
    found = [one for answer in answers.values() if not isinstance(answer, AristobotError) for one in answer]
    return ReconciledOut(
        items=[DifferenceOut.model_validate(one) for one in found],
        failed=[_uncompared(broker_id, error, who.language) for broker_id, error in failed.items()],
    )


def _uncompared(broker_id: uuid.UUID, error: AristobotError, language: str) -> UncomparedOut:
    code = error.code.removeprefix("reason.").removeprefix("error.")
    return UncomparedOut(broker_id=broker_id, code=code, message=explain(error, language=language))


@router.get("/audit/")
async def audit_entries(
    house: House,
    who: Reader,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    cursor: Annotated[str, Query(max_length=20)] = "",
    since: Annotated[Moment | None, Query()] = None,
) -> Page[AuditOut]:
    """Who did what, the newest first: the user's own acts, everybody's for an administrator's token."""
    before = number_of(cursor) if cursor else None
    scope = SYSTEM if who.may(TokenScope.ADMIN) else who.user_id
    rows = await house.db.read(scope, lambda s: audit.recent(s, limit + 1, before, since))
    more = str(rows[limit - 1].id) if len(rows) > limit else None
    return Page[AuditOut](items=[AuditOut.model_validate(row) for row in rows[:limit]], next=more)


@router.post("/frontend-log", status_code=204)
async def frontend_log(who: Reader, line: FrontendLine) -> None:
    """Write a line into the log of the screen."""
    logger.log(line.level.upper(), "From the screen: {} {}", line.message, json.dumps(line.context, default=str)[:500])


def _hand(who: TokenHolder) -> Hand:
    """The holder at the desk of halts; a token reaches no further than its scope."""
    role = Role.ADMINISTRATOR if who.may(TokenScope.ADMIN) else Role.TRADER if who.may(TokenScope.TRADE) else Role.VIEWER
    return Hand(who.user_id, role, actor(who))
