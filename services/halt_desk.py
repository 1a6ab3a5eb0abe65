"""Who may stop and release what, what stopping would do, and the record of it: screen, API and telephone all come this way.

A trader stops and releases themselves and their own brokers, whoever stopped them; an administrator everything. Somebody
who only looks does neither. Whether the password was given again before a release is the caller's question.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from aristobot.errors import AccessDenied, InvalidInput, NotFound
from aristobot.kinds import HaltLevel, HaltScope, OrderRole, Role
from aristobot.money import ZERO, times
from aristobot.store import activations, brokers, orders, positions, strategies, users
from aristobot.store.database import Database
from aristobot.store.tables import Broker, Halt, User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import Order, PositionRow
from services.audit_trail import Actor, AuditTrail
from services.kill_switch import KillSwitch


@dataclass(frozen=True, slots=True)
class Hand:
    """Who reaches for the switch: their acts are recorded under `actor`."""

    user_id: uuid.UUID
    role: Role
    actor: Actor

    @property
    def runs_the_house(self) -> bool:
        """Whether everything may be stopped and released."""
        return self.role is Role.ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall stop, and how far."""

    scope: HaltScope
    scope_id: uuid.UUID | None = None
    level: HaltLevel = HaltLevel.HALT
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a scope holds now: entries that wait, positions that would be sold, and their value by quote currency."""

    brokers: tuple[str, ...]
    entries: int
    positions: int
    value: Mapping[str, Decimal]


class HaltDesk:
    """The switch with a guard before it."""

    def __init__(self, db: Database, kill_switch: KillSwitch, trail: AuditTrail) -> None:
        self._db = db
        self._switch = kill_switch
        self._trail = trail

    async def concerning(self, hand: Hand) -> list[Halt]:
        """The halts in force that they may see: of everything, of themselves, of their brokers; all for an administrator."""
        active = self._switch.active()
        if hand.runs_the_house or not active:
            return active
        own = {hand.user_id, *await self._db.read(hand.user_id, _belongings)}
        return [one for one in active if one.scope is HaltScope.ALL or one.scope_id in own]

    def may_release(self, hand: Hand, halt: Halt) -> bool:
        """Whether they may release a halt that they may see."""
        return hand.role is not Role.VIEWER and (hand.runs_the_house or halt.scope is not HaltScope.ALL)

    async def halt(self, hand: Hand, wish: Wish) -> Halt:
        """Stop; in force when this returns. AccessDenied, NotFound for what is not theirs, InvalidInput without an id."""
        if hand.role is Role.VIEWER or (wish.scope is HaltScope.ALL and not hand.runs_the_house):
            raise AccessDenied("halt_not_yours")
        scope_id = await self._checked(hand, wish)
        by = hand.actor.name if hand.actor.via == "screen" else f"{hand.actor.name} ({hand.actor.via})"
        made = await self._switch.set(wish.scope, scope_id, wish.level, by=by[:64], reason=wish.reason[:255])
        after = {"scope": wish.scope.value, "scope_id": str(scope_id or ""), "level": wish.level.value}
        await self._db.write(SYSTEM, lambda s: self._trail.record(s, "halt.set", hand.actor, after=after))
        return made

    async def release(self, hand: Hand, halt_id: uuid.UUID) -> Halt:
        """Let trading go on. NotFound for a halt that they do not see, AccessDenied for one that is not theirs to release."""
        found = next((one for one in await self.concerning(hand) if one.id == halt_id), None)
        if found is None:
            raise NotFound(kind="halt")
        if not self.may_release(hand, found):
            raise AccessDenied("halt_not_yours")
        by = hand.actor.name if hand.actor.via == "screen" else f"{hand.actor.name} ({hand.actor.via})"
        released = await self._switch.release(found.id, by=by[:64])
        after = {"halts": [str(found.id)]}
        await self._db.write(SYSTEM, lambda s: self._trail.record(s, "halt.released", hand.actor, after=after))
        return released

    async def outlook(self, hand: Hand, wish: Wish) -> Outlook:
        """What stopping this scope would meet now, from memory. The errors of `halt`, but for a viewer's."""
        scope_id = await self._checked(hand, wish)

        def work(session: GuardedSession) -> Outlook:
            owners = None
            if wish.scope is HaltScope.STRATEGY and scope_id is not None:
                owners = activations.owners_within(session, scope_id)
            used = {one.row.broker_id for one in activations.mine(session) if activations.owner_of(one.row.id) in (owners or ())}
            tradable = brokers.tradable(session)
            concerned = [row for row in tradable if (row.id in used if owners else _within(row, wish.scope, scope_id))]
            ids = {row.id for row in concerned}
            waiting = [row for row in orders.alive(session) if row.broker_id in ids and row.role is OrderRole.ENTRY]
            held = [row for row in positions.open_ones(session) if row.broker_id in ids]
            if owners is not None:
                waiting, held = [row for row in waiting if row.owner in owners], [row for row in held if row.owner in owners]
            return _outlook(concerned, waiting, held)

        return await self._db.read(SYSTEM, work)

    async def targets(self, hand: Hand) -> tuple[list[User], list[Broker]]:
        """Whom and which brokers they may stop: their own, or everybody's."""
        if not hand.runs_the_house:
            return [], await self._db.read(hand.user_id, brokers.mine)
        household: list[User] = await self._db.read(SYSTEM, users.everyone)
        return [user for user in household if user.is_active], await self._db.read(SYSTEM, brokers.tradable)

    async def robots(self, hand: Hand) -> tuple[dict[uuid.UUID, str], dict[uuid.UUID, str]]:
        """The names of the strategies that are active, and of what runs of them: their own, or everybody's."""
        reach = SYSTEM if hand.runs_the_house else hand.user_id
        active = await self._db.read(reach, activations.mine)
        whole = {one.strategy.id: one.strategy.name for one in active}
        return whole, {one.row.id: f"{one.strategy.name} · {one.row.symbol}" for one in active}

    async def _checked(self, hand: Hand, wish: Wish) -> uuid.UUID | None:
        """The id of the scope, when it is theirs to reach."""
        scope_id = wish.scope_id
        if wish.scope is HaltScope.ALL:
            return None
        if wish.scope is HaltScope.USER:
            if scope_id in (None, hand.user_id):
                return hand.user_id
            if not hand.runs_the_house or scope_id is None:
                raise NotFound(kind="user")
            wanted: uuid.UUID = scope_id
            return (await self._db.read(SYSTEM, lambda s: users.get(s, wanted))).id
        if scope_id is None:
            raise InvalidInput("missing", field="scope_id")
        meant: uuid.UUID = scope_id
        reach = SYSTEM if hand.runs_the_house else hand.user_id
        find = brokers.get if wish.scope is HaltScope.BROKER else strategies.stoppable
        await self._db.read(reach, lambda s: find(s, meant))
        return meant


def _belongings(session: GuardedSession) -> set[uuid.UUID]:
    """What a user may have that can be stopped: brokers, strategies, activations."""
    running = activations.mine(session)
    return {one.id for one in brokers.mine(session)} | {one.row.id for one in running} | {one.strategy.id for one in running}


def _within(row: Broker, scope: HaltScope, scope_id: uuid.UUID | None) -> bool:
    if scope is HaltScope.USER:
        return row.user_id == scope_id
    return scope is HaltScope.ALL or row.id == scope_id


def _outlook(concerned: list[Broker], waiting: list[Order], held: list[PositionRow]) -> Outlook:
    value: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in held:
        value[row.quote] += times(row.quantity, row.current_price or row.entry)
    return Outlook(tuple(sorted(row.name for row in concerned)), len(waiting), len(held), dict(value))
