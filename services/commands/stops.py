"""`halt` and `resume`: the kill switch without the screen. A running house follows within a second."""

from __future__ import annotations

import sys
import uuid
from typing import Annotated

import typer

from aristobot.bus import Bus
from aristobot.errors import InvalidInput, NotFound
from aristobot.kinds import HaltLevel, HaltScope
from aristobot.language import _
from aristobot.store import brokers, strategies
from aristobot.store.tables import Halt
from aristobot.store.tenancy import SYSTEM
from services.commands.memory_access import OPERATOR, Memory, with_memory
from services.kill_switch import HALT_FILE, KillSwitch

Scope = Annotated[HaltScope, typer.Option("--scope", help="Whom to stop: all, user, broker or strategy")]
Level = Annotated[HaltLevel, typer.Option("--level", help="halt: no entries; reduce: exits alone; flatten: sell out")]
Target = Annotated[str, typer.Argument(metavar="ID", help="Id or name of the user, or id of the broker or strategy")]


def add_to(cli: typer.Typer) -> None:
    """Hang the commands on the parser."""
    cli.command("halt")(halt)
    cli.command("resume")(resume)


def halt(
    ctx: typer.Context,
    target: Target = "",
    scope: Scope = HaltScope.ALL,
    level: Level = HaltLevel.HALT,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever looks later")] = "",
) -> None:
    """Stop trading, at once and until `resume`"""

    async def work(memory: Memory) -> Halt:
        if scope is HaltScope.ALL:
            (memory.settings.data_dir / HALT_FILE).touch(mode=0o600)  # seen by the desk even when nothing else answers
        scope_id = await _scope_id(memory, scope, target)
        made = await _switch(memory).set(scope, scope_id, level, by=OPERATOR.name, reason=reason)
        after = {"scope": scope.value, "scope_id": str(scope_id or ""), "level": level.value}
        await memory.db.write(SYSTEM, lambda s: memory.accounts.trail.record(s, "halt.set", OPERATOR, after=after))
        return made

    made = with_memory(ctx, work)
    print(_("Trading is stopped: {scope}, level {level}.", scope=made.scope.value, level=made.level.value), file=sys.stderr)


def resume(ctx: typer.Context, target: Target = "", scope: Scope = HaltScope.ALL) -> None:
    """Let trading go on: release every halt, or those of one scope"""

    async def work(memory: Memory) -> int:
        switch = _switch(memory)
        await switch.load()
        wanted = switch.active()
        if scope is not HaltScope.ALL:
            scope_id = await _scope_id(memory, scope, target)
            wanted = [one for one in wanted if (one.scope, one.scope_id) == (scope, scope_id)]
        for one in wanted:
            await switch.release(one.id, by=OPERATOR.name)
        after = {"halts": [str(one.id) for one in wanted]}
        await memory.db.write(SYSTEM, lambda s: memory.accounts.trail.record(s, "halt.released", OPERATOR, after=after))
        return len({(one.scope, one.scope_id) for one in wanted})  # a scope halted at two levels is one that stands still

    print(_released(with_memory(ctx, work)), file=sys.stderr)


def _released(count: int) -> str:
    if not count:
        return _("Trading was not stopped.")
    return _("One halt is released.") if count == 1 else _("{count} halts are released.", count=count)


def _switch(memory: Memory) -> KillSwitch:
    return KillSwitch(memory.db, Bus(), memory.clock, memory.settings.data_dir)


async def _scope_id(memory: Memory, scope: HaltScope, target: str) -> uuid.UUID | None:
    """The id that a scope needs; a user may be named, a broker or a strategy (or what runs of it) must be there."""
    if scope is HaltScope.ALL:
        return None
    if scope is HaltScope.USER and (user := await memory.accounts.household.by_name(target)) is not None:
        return user.id
    try:
        scope_id = uuid.UUID(target)
    except ValueError:
        if scope is HaltScope.USER and target:
            raise NotFound("user_unknown", value=target) from None
        code, field = ("not_an_id", scope.value) if target else ("option_missing", "ID")
        raise InvalidInput(code, field=field) from None
    if scope is HaltScope.USER:
        return (await memory.accounts.household.get(scope_id)).id
    if scope is HaltScope.BROKER:
        return (await memory.db.read(SYSTEM, lambda s: brokers.get(s, scope_id))).id
    await memory.db.read(SYSTEM, lambda s: strategies.stoppable(s, scope_id))
    return scope_id
