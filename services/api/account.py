"""`/api/account/`: what the holder of the token may see and change of their own account."""

from __future__ import annotations

import uuid

from fastapi import APIRouter
from pydantic import Field

from aristobot.kinds import CostMethod, Role, TokenScope
from aristobot.language import explain
from aristobot.store import brokers
from aristobot.store.tables import User
from services.api.auth import House, Reader, Trader, actor
from services.api.exact import ExactRoute
from services.api.values import In, Line, Moment, Out
from services.api_tokens import TokenHolder

router = APIRouter(prefix="/api/account", tags=["account"], route_class=ExactRoute)


class AccountOut(Out):
    """The account behind the token, and how far the token reaches."""

    id: uuid.UUID
    name: str
    role: Role
    language: str
    timezone: str
    default_broker: uuid.UUID | None
    ai_provider: str | None
    ai_url: str | None
    ai_model: str | None
    ai_key_set: bool
    cost_method: CostMethod
    second_factor: bool
    scope: TokenScope
    created_at: Moment


class AccountIn(In):
    """What may change; null or an empty text empties a field.

    `ai_provider` is openrouter, ollama or compatible. `ai_key` is write-only, and forgotten when `ai_url` leads to another
    server. `ai_url` may be without encryption at home alone.
    """

    language: Line = "fr"
    timezone: Line = "Europe/Paris"
    default_broker: uuid.UUID | None = None
    ai_provider: Line | None = None
    ai_url: Line | None = None
    ai_model: Line | None = None
    ai_key: Line | None = Field(default=None, description="write-only")
    cost_method: CostMethod = CostMethod.AVERAGE


class AiTrialIn(In):
    """What is to be tried in the place of what is kept."""

    ai_provider: Line | None = None
    ai_url: Line | None = None
    ai_model: Line | None = None
    ai_key: Line | None = Field(default=None, description="write-only")


class AiTrialOut(Out):
    """How the trial ended: the reason in a sentence, the time of the last answer, the models that are offered."""

    ok: bool
    milliseconds: float
    reason: str
    message: str
    models: list[str]


@router.get("/")
async def account(house: House, who: Reader) -> AccountOut:
    """The account of the token's user."""
    return await _shown(house, who, await house.accounts.household.get(who.user_id))


@router.patch("/")
async def change_account(house: House, who: Trader, changes: AccountIn) -> AccountOut:
    """Change the fields that are named, and no others."""
    values = changes.given()
    if "default_broker" in values:
        values["default_broker_id"] = values.pop("default_broker")
    return await _shown(house, who, await house.accounts.profiles.update(who.user_id, values, actor(who)))


@router.post("/ai-test/")
async def try_ai(house: House, who: Trader, form: AiTrialIn | None = None) -> AiTrialOut:
    """Ask the AI provider for its models, and the chosen model for one token."""
    trial = await house.accounts.profiles.ai.try_out(who.user_id, form.given() if form is not None else None)
    message = explain(trial.reason, trial.facts, who.language) if trial.reason else ""
    taken = round(trial.milliseconds, 1)
    return AiTrialOut(ok=trial.ok, milliseconds=taken, reason=trial.reason, message=message, models=list(trial.models))


async def _shown(house: House, who: TokenHolder, user: User) -> AccountOut:
    mine = await house.db.read(who.user_id, brokers.mine)
    return AccountOut(
        id=user.id,
        name=user.name,
        role=user.role,
        language=user.language,
        timezone=user.timezone,
        default_broker=next((broker.id for broker in mine if broker.is_default), None),
        ai_provider=user.ai_provider,
        ai_url=user.ai_url,
        ai_model=user.ai_model,
        ai_key_set=user.ai_key_sealed is not None,
        cost_method=user.cost_method,
        second_factor=user.totp_sealed is not None,
        scope=who.scope,
        created_at=user.created_at,
    )
