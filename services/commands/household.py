"""`init`, `user`, `token`: who lives in the house, and who may speak to its API."""

from __future__ import annotations

import re
import secrets
import sys
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from aristobot.clock import iso_milliseconds
from aristobot.errors import InvalidInput, NotFound
from aristobot.kinds import Role, TokenScope
from aristobot.language import _
from aristobot.store.tables import User
from services.commands.memory_access import OPERATOR, Memory, with_memory
from services.commands.options import AsJson, print_rows
from services.household import NewUser
from services.rights import role_names

Name = Annotated[str, typer.Argument(help="The user's name")]
PasswordFile = Annotated[str, typer.Option("--password-file", help="File whose first line is the password; - for standard input")]
TokenId = Annotated[uuid.UUID, typer.Argument(metavar="ID", help="As `token list` shows it")]
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def add_to(cli: typer.Typer) -> None:
    """Hang the commands on the parser."""
    cli.command("init")(init)
    user = typer.Typer(rich_markup_mode=None)
    user.command("add")(add_user)
    user.command("list")(list_users)
    user.command("disable")(disable_user)
    user.command("reset")(reset_user)
    cli.add_typer(user, name="user", help="Users: add, list, disable, reset")
    token = typer.Typer(rich_markup_mode=None)
    token.command("create")(create_token)
    token.command("list")(list_tokens)
    token.command("revoke")(revoke_token)
    cli.add_typer(token, name="token", help="Tokens of the API: create, list, revoke")


def init(
    ctx: typer.Context,
    admin: Annotated[str, typer.Option("--admin", help="Name of the first administrator")],
    password_file: PasswordFile = "",
) -> None:
    """Create the database and the first administrator"""
    password = _password_from(password_file) if password_file else secrets.token_urlsafe(15)
    _add(ctx, admin, Role.ADMINISTRATOR, password, first=True)
    if not password_file:
        _say(_("The password, shown this once:"))
        print(password)


def add_user(
    ctx: typer.Context,
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="An administrator")] = False,
    viewer: Annotated[bool, typer.Option("--viewer", help="Somebody who sees and changes nothing")] = False,
    password_file: PasswordFile = "",
) -> None:
    """Add a user; five may be active. Without a password file they get a one-time password"""
    if admin and viewer:
        raise InvalidInput("two_roles", field="--viewer", name=name)
    role = Role.ADMINISTRATOR if admin else Role.VIEWER if viewer else Role.TRADER
    if password_file:
        _add(ctx, name, role, _password_from(password_file), first=False)
    else:
        _invite(ctx, name, role)


def list_users(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the users"""
    users = with_memory(ctx, lambda memory: memory.accounts.household.everyone())
    rows = [
        {
            "id": str(user.id),
            "name": user.name,
            "role": user.role.value if as_json else _role(user),
            "active": user.is_active,
            "password_expires_at": iso_milliseconds(user.password_expires_at) if user.password_expires_at else None,
            "created_at": iso_milliseconds(user.created_at),
        }
        for user in users
    ]
    print_rows(rows, as_json=as_json)


def disable_user(ctx: typer.Context, name: Name) -> None:
    """Disable a user: sessions end, tokens stop working"""

    async def work(memory: Memory) -> None:
        user = await _user(memory, name)
        await memory.accounts.household.change(user.id, OPERATOR, active=False)

    with_memory(ctx, work)
    _say(_("{name} is disabled.", name=name))


def reset_user(ctx: typer.Context, name: Name) -> None:
    """Give a user a one-time password in the place of theirs: sessions end"""

    async def work(memory: Memory) -> tuple[str, datetime]:
        user = await _user(memory, name)
        return await memory.accounts.household.reset_password(user.id, OPERATOR)

    _show_once(*with_memory(ctx, work))


def create_token(
    ctx: typer.Context,
    user: Annotated[str, typer.Option("--user", help="Whose token it is")],
    scope: Annotated[TokenScope, typer.Option("--scope", help="How far it reaches: read, trade or admin")],
    expires: Annotated[str, typer.Option("--expires", help="Its life: 12h, 90d, 4w or never")] = "90d",
    name: Annotated[str, typer.Option("--name", help="What it is for")] = "",
) -> None:
    """Make a token; it is printed once"""
    life = _life(expires)

    async def work(memory: Memory) -> str:
        owner = await _user(memory, user)
        token, _row = await memory.accounts.tokens.create(owner.id, scope, OPERATOR, name=name, life=life)
        return token

    token = with_memory(ctx, work)
    _say(_("The token, shown this once:"))
    print(token)


def list_tokens(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the tokens"""
    rows = []
    for user, token in with_memory(ctx, lambda memory: memory.accounts.tokens.everyones()):
        ends = token.revoked_at or token.expires_at
        rows.append(
            {
                "id": str(token.id),
                "user": user.name,
                "scope": token.scope.value,
                "last_four": token.last_four,
                "revoked": token.revoked_at is not None,
                "expires_at": iso_milliseconds(ends) if ends else None,
                "name": token.name,
            }
        )
    print_rows(rows, as_json=as_json)


def revoke_token(ctx: typer.Context, token_id: TokenId) -> None:
    """End a token at once"""
    with_memory(ctx, lambda memory: memory.accounts.tokens.revoke(token_id, OPERATOR))
    _say(_("The token is revoked."))


def _add(ctx: typer.Context, name: str, role: Role, password: str, *, first: bool) -> None:
    async def work(memory: Memory) -> User:
        new = NewUser(name, password, role, memory.settings.language)
        return await memory.accounts.household.add(new, OPERATOR, first=first)

    made = with_memory(ctx, work)
    _say(_("{name} is added ({role}).", name=made.name, role=_role(made)))


def _invite(ctx: typer.Context, name: str, role: Role) -> None:
    async def work(memory: Memory) -> tuple[User, str]:
        return await memory.accounts.household.invite(NewUser(name, "", role, memory.settings.language), OPERATOR)

    made, once = with_memory(ctx, work)
    _say(_("{name} is added ({role}).", name=made.name, role=_role(made)))
    _show_once(once, made.password_expires_at)


def _role(user: User) -> str:
    """What they may do, in the reader's language, as it stands inside a sentence."""
    return role_names()[user.role.value].lower()


def _show_once(password: str, until: datetime | None) -> None:
    end = f"{until:%Y-%m-%d %H:%M} UTC" if until else ""
    _say(_("The one-time password, shown this once; they choose their own with it, before {moment}:", moment=end))
    print(password)


def _password_from(file: str) -> str:
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("unreadable_file", field="--password-file", value=file, detail=type(error).__name__) from None
    return text.splitlines()[0] if text.strip() else ""


def _life(text: str) -> timedelta | None:
    if text == "never":
        return None
    found = re.fullmatch(r"(\d{1,4})([hdw])", text)
    if found is None:
        raise InvalidInput("bad_duration", field="--expires", value=text)
    return int(found[1]) * _UNITS[found[2]]


async def _user(memory: Memory, name: str) -> User:
    user = await memory.accounts.household.by_name(name)
    if user is None:
        raise NotFound("user_unknown", value=name)
    return user


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
