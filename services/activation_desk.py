"""Activations as their owner keeps them: made, changed, looked at, deleted; they are started and stopped by strategy_trading."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import Conflict, InvalidInput
from aristobot.market import timeframe_of
from aristobot.money import ZERO, plain
from aristobot.store import activations, brokers, strategies
from aristobot.store.database import Database
from aristobot.store.paging import Place
from aristobot.store.strategy_tables import Activation, ActivationLine
from aristobot.store.tables import Broker
from aristobot.store.tenancy import GuardedSession
from aristobot.strategy_events import ActivationUpdated
from services.exchange_gateway import ExchangeGateway
from services.market_catalog import MarketCatalog
from services.rights import for_traders

#: The most that can be allotted: more is a slip of the hand.
_MOST = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Wish:
    """An activation to be: a saved version on a broker's market. `allotted` is in the quote of the symbol."""

    version_id: uuid.UUID
    broker_id: uuid.UUID
    symbol: str
    timeframe: str
    allotted: Decimal
    parameters: Mapping[str, Any] = field(default_factory=dict)


@for_traders("mine", "get", "lines")
class ActivationDesk:
    """Each user sees and changes their own alone."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, gateway: ExchangeGateway, catalog: MarketCatalog) -> None:
        self._db, self._bus, self._clock = db, bus, clock
        self._gateway, self._catalog = gateway, catalog

    async def mine(self, user_id: uuid.UUID) -> list[activations.Shown]:
        """The user's activations, the oldest first."""
        return await self._db.read(user_id, lambda s: [activations.shown(s, one) for one in activations.mine(s)])

    async def get(self, user_id: uuid.UUID, activation_id: uuid.UUID) -> activations.Shown:
        """One of them; NotFound."""
        return await self._db.read(user_id, lambda s: activations.shown(s, activations.posted(s, activation_id)))

    async def lines(
        self, user_id: uuid.UUID, activation_id: uuid.UUID, limit: int = 100, before: Place | None = None
    ) -> list[ActivationLine]:
        """Its log, the newest line first; NotFound."""
        return await self._db.read(user_id, lambda s: activations.lines(s, activation_id, limit, before))

    async def create(self, user_id: uuid.UUID, wish: Wish) -> Activation:
        """A new activation, stopped. NotFound, InvalidInput, UnknownSymbol; Conflict `already_active`."""
        row = await self._checked(user_id, wish)
        made = await self._db.write(user_id, lambda s: activations.create(s, row))
        self._tell(user_id, made.id)
        return made

    async def change(
        self, user_id: uuid.UUID, activation_id: uuid.UUID, allotted: Decimal | None, parameters: Mapping[str, Any] | None
    ) -> Activation:
        """Allot another sum, or give it other parameters, while it is stopped. NotFound; Conflict `activation_running`."""
        values: dict[str, Any] = {"updated_at": self._clock.now()}
        if allotted is not None:
            values["allotted"] = _sum(allotted)
        if parameters is not None:
            values["parameters"] = dict(parameters)

        def work(session: GuardedSession) -> Activation:
            _refuse_running(activations.get(session, activation_id))
            return activations.change(session, activation_id, **values)

        changed = await self._db.write(user_id, work)
        self._tell(user_id, activation_id)
        return changed

    async def remove(self, user_id: uuid.UUID, activation_id: uuid.UUID) -> None:
        """Forget a stopped one that holds nothing, and its log.

        NotFound; Conflict `activation_running`, `activation_holds`, `activation_waits`.
        """

        def work(session: GuardedSession) -> None:
            shown = activations.shown(session, activations.posted(session, activation_id))
            _refuse_running(shown.row)
            if shown.position is not None:
                facts = {"quantity": plain(shown.position.quantity), "symbol": shown.row.symbol}
                raise Conflict("activation_holds", **facts)
            if activations.alive(session, activations.owner_of(activation_id)):
                raise Conflict("activation_waits", symbol=shown.row.symbol)
            activations.remove(session, activation_id)

        await self._db.write(user_id, work)
        self._tell(user_id, activation_id)

    async def _checked(self, user_id: uuid.UUID, wish: Wish) -> Activation:
        def work(session: GuardedSession) -> Broker:
            strategies.version(session, wish.version_id)
            return brokers.get(session, wish.broker_id)

        broker = await self._db.read(user_id, work)
        timeframe = timeframe_of(wish.timeframe)
        offered = self._gateway.factory(broker.exchange).capabilities.timeframes
        if timeframe not in offered:
            listed = ", ".join(sorted(offered))
            raise InvalidInput("timeframe_not_offered", field="timeframe", value=timeframe.value, offered=listed)
        instrument = await self._catalog.instrument(broker.exchange, wish.symbol)
        now = self._clock.now()
        return Activation(
            user_id=user_id,
            version_id=wish.version_id,
            broker_id=broker.id,
            symbol=instrument.symbol,
            timeframe=timeframe.value,
            allotted=_sum(wish.allotted),
            parameters=dict(wish.parameters),
            created_at=now,
            updated_at=now,
        )

    def _tell(self, user_id: uuid.UUID, activation_id: uuid.UUID) -> None:
        self._bus.publish(ActivationUpdated(at=self._clock.now(), user_id=user_id, activation_id=activation_id))


def _sum(value: Decimal) -> Decimal:
    if not ZERO < value <= _MOST:
        raise InvalidInput("allotted_out_of_range", field="allotted")
    return value


def _refuse_running(row: Activation) -> None:
    if row.status in activations.AT_WORK:
        raise Conflict("activation_running")
