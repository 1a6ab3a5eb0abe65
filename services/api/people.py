"""`/api/users/` and `/api/tokens/`: the household and its tokens, for administrators."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from aristobot.kinds import Role, TokenScope
from services.api.auth import Administrator, House, actor
from services.api.exact import ExactRoute
from services.api.paging import Listed, Page, made
from services.api.values import In, Line, Moment, Out
from services.household import NewUser

router = APIRouter(prefix="/api", tags=["administration"], route_class=ExactRoute)

Id = Annotated[uuid.UUID, Path()]


class UserOut(Out):
    """One of the household; `password_expires_at` is the end of a one-time password, null for one of their own."""

    id: uuid.UUID
    name: str
    role: Role
    is_active: bool
    language: str
    timezone: str
    must_choose_password: bool
    password_expires_at: Moment | None
    created_at: Moment


class NewUserOut(UserOut):
    """A user just added; `one_time_password` is told here and nowhere else, null when the password was chosen."""

    one_time_password: str | None


class OneTimePasswordOut(Out):
    """A password that is good for one login in time, at which the user chooses their own; told here and nowhere else."""

    one_time_password: str
    expires_at: Moment


class UserIn(In):
    """A user to be. Without a password they get a one-time password."""

    name: Line
    password: Annotated[str | None, Field(max_length=1024)] = None
    role: Role = Role.TRADER
    language: Line = "fr"
    timezone: Line = "Europe/Paris"


class UserChange(In):
    """What an administrator may change."""

    role: Role | None = None
    is_active: bool | None = None
    password: Annotated[str | None, Field(max_length=1024)] = None


class TokenOut(Out):
    """A token as it is kept: never its text."""

    id: uuid.UUID
    user_id: uuid.UUID
    name: str
    scope: TokenScope
    last_four: str
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class NewTokenOut(TokenOut):
    """A token just made; `token` is shown here and nowhere else."""

    token: str


class TokenIn(In):
    """A token to be, for a user of the household (by default oneself)."""

    scope: TokenScope
    user_id: uuid.UUID | None = None
    name: Annotated[Line, Field(max_length=64)] = ""
    expires_days: Annotated[int | None, Field(ge=1, le=3660)] = 90


@router.get("/users/")
async def users(house: House, who: Administrator, listed: Listed) -> Page[UserOut]:
    """Everybody, active or not."""
    rows, more = listed.part(await house.accounts.household.everyone(), made)
    return Page[UserOut](items=[UserOut.model_validate(user) for user in rows], next=more)


@router.post("/users/", status_code=201)
async def add_user(house: House, who: Administrator, form: UserIn) -> NewUserOut:
    """A new active user; five at most."""
    new, once = NewUser(form.name, form.password or "", form.role, form.language, form.timezone), None
    if form.password is None:
        made, once = await house.accounts.household.invite(new, actor(who))
    else:
        made = await house.accounts.household.add(new, actor(who))
    return NewUserOut(one_time_password=once, **UserOut.model_validate(made).model_dump())


@router.get("/users/{user_id}/")
async def user(house: House, who: Administrator, user_id: Id) -> UserOut:
    """One user."""
    return UserOut.model_validate(await house.accounts.household.get(user_id))


@router.patch("/users/{user_id}/")
async def change_user(house: House, who: Administrator, user_id: Id, form: UserChange) -> UserOut:
    """Change role or password, disable, enable. The user's sessions end."""
    household = house.accounts.household
    if form.password is not None:
        await household.set_password(user_id, form.password, actor(who))
    if form.role is None and form.is_active is None:
        return UserOut.model_validate(await household.get(user_id))
    return UserOut.model_validate(await household.change(user_id, actor(who), role=form.role, active=form.is_active))


@router.post("/users/{user_id}/reset-password/")
async def reset_password(house: House, who: Administrator, user_id: Id) -> OneTimePasswordOut:
    """A one-time password in the place of theirs. The user's sessions end."""
    once, until = await house.accounts.household.reset_password(user_id, actor(who))
    return OneTimePasswordOut(one_time_password=once, expires_at=until)


@router.get("/tokens/")
async def tokens(house: House, who: Administrator, listed: Listed) -> Page[TokenOut]:
    """Every token of the household, the newest first."""
    rows, more = listed.part([row for _, row in await house.accounts.tokens.everyones()], made)
    return Page[TokenOut](items=[TokenOut.model_validate(row) for row in rows], next=more)


@router.post("/tokens/", status_code=201)
async def create_token(house: House, who: Administrator, form: TokenIn) -> NewTokenOut:
    """A new token, told this once."""
    life = timedelta(days=form.expires_days) if form.expires_days is not None else None
    owner = form.user_id or who.user_id
    token, row = await house.accounts.tokens.create(owner, form.scope, actor(who), name=form.name, life=life)
    return NewTokenOut(token=token, **TokenOut.model_validate(row).model_dump())


@router.delete("/tokens/{token_id}/", status_code=204)
async def revoke_token(house: House, who: Administrator, token_id: Id) -> None:
    """End a token at once."""
    await house.accounts.tokens.revoke(token_id, actor(who))
