"""Watches the prices that no exchange watches for us: targets beside a resting stop, and stops that may be away.

The price book follows what is watched here, live where the exchange tells its prices. Where it does not, and where a broker has
addresses of its own, each symbol concerned has a stream of candles as long as there is something to watch; the book's round of
one batch call stands in when a stream is silent, and for what is more than a sensible number of streams. Nothing is decided
here: a price that was met has the keeper look at the position.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from loguru import logger

from aristobot.errors import AristobotError
from aristobot.events import PositionUpdated, PricesUpdated
from aristobot.exchange import Capabilities, ExchangeClient
from aristobot.logs import log_context
from aristobot.market import Symbol, Timeframe
from aristobot.money import ZERO
from aristobot.store import brackets
from aristobot.store.brackets import Guarded
from aristobot.store.tenancy import SYSTEM
from services.bracket_keeper import BracketKeeper
from services.exit_plan import plan_of
from services.trading_floor import TradingFloor

#: Streams per exchange; the symbols beyond are watched by the price book's rounds alone.
MOST_STREAMS = 20
#: Seconds after which the list of what is to be watched is read anew although nobody told of a change.
ROUND = 10.0
_RETRY = 5.0
#: Changes come in crowds (an entry, its fills, its exits): one look is enough for those that come so close together.
_GATHER = 0.05

Place = tuple[str, Symbol]


@dataclass(frozen=True, slots=True)
class Guard:
    """What is to be watched of one position: its stop, and the nearest target that does not rest (zero: none).

    Below `floor` a stop that rests sells nothing any more, or had to sell before.
    """

    user_id: uuid.UUID
    position_id: uuid.UUID
    stop: Decimal
    target: Decimal
    floor: Decimal = ZERO

    @classmethod
    def of(cls, guarded: Guarded, can: Capabilities) -> Guard:
        """A position whose target rests at the exchange has none to watch."""
        position, bracket = guarded.position, guarded.bracket
        plan = plan_of(bracket) if bracket else None
        rests = any(order.role == "target" for order in guarded.resting)
        legs = enumerate(plan.targets) if plan and plan.stop and not rests else ()
        open_ones = (price for i, (_, price) in legs if f"t{i}" not in guarded.done_legs)
        floor = guarded.highest_stop if can.stops_by_side else guarded.lowest_offer
        return cls(position.user_id, position.id, plan.stop if plan else ZERO, min(open_ones, default=ZERO), floor)


class TargetWatch:
    """One stream per symbol on which a target or a gap is to be watched; prices of all others come by the rounds as well."""

    name = "target_watch"

    def __init__(self, floor: TradingFloor, keeper: BracketKeeper) -> None:
        self._floor = floor
        self._keeper = keeper
        self._changes = floor.bus.subscribe(PositionUpdated, keep="latest")
        self._changed = asyncio.Event()
        self._streams: dict[Place, asyncio.Task[None]] = {}
        self._guards: Mapping[Place, tuple[Guard, ...]] = {}
        floor.bus.listen(PricesUpdated, do=self._on_prices)

    async def run(self) -> None:
        """After recovery: follow the positions, and the prices that matter to them."""
        await self._floor.ready.wait()
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                await self._survey()
                await self._pause()
        finally:
            tasks = [listening, *self._streams.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._streams.clear()

    async def _listen(self) -> None:
        async for _ in self._changes:
            self._changed.set()

    async def _pause(self) -> None:
        timer, change = asyncio.ensure_future(self._floor.clock.sleep(ROUND)), asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({timer, change}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            change.cancel()
        await self._floor.clock.sleep(_GATHER)
        self._changed.clear()

    async def _survey(self) -> None:
        """Read what is to be watched, and keep one stream for each symbol of it."""
        found: dict[Place, list[Guard]] = {}
        clients: dict[Place, ExchangeClient] = {}
        for guarded in await self._floor.db.read(SYSTEM, brackets.open_ones):
            try:
                account = await self._floor.brokers.get(guarded.position.broker_id)
            except AristobotError:
                continue  # its broker is gone: nothing could be sold
            place = (account.broker.exchange, guarded.position.symbol)
            client = self._floor.gateway.client_for(account.broker)
            guard = Guard.of(guarded, client.capabilities)
            found.setdefault(place, []).append(guard)
            if (guard.target or self._keeper.is_in_gap(guard.position_id)) and not self._floor.prices.follows(client):
                clients[place] = client
        self._guards = {place: tuple(guards) for place, guards in found.items()}
        for exchange in {exchange for exchange, _ in found}:
            self._floor.prices.watch(exchange, [symbol for where, symbol in found if where == exchange])
        self._keep_streams(clients)
        for exchange, symbol in found:  # what was met while nobody knew of the guard: the next price may be long in coming
            if (price := self._floor.prices.last(exchange, symbol)) is not None:
                self._met((exchange, symbol), price)

    def _keep_streams(self, clients: Mapping[Place, ExchangeClient]) -> None:
        for place in [place for place, task in self._streams.items() if place not in clients or task.done()]:
            self._streams.pop(place).cancel()
        for place, client in clients.items():
            taken = sum(exchange == place[0] for exchange, _ in self._streams)
            if place not in self._streams and taken < MOST_STREAMS:
                self._streams[place] = asyncio.create_task(self._stream(client, place))

    async def _stream(self, client: ExchangeClient, place: Place) -> None:
        """The forming minute of a symbol: its close is the last price."""
        exchange, symbol = place
        with log_context(service=self.name):
            while True:
                try:
                    async for candle in client.stream_candles(symbol, [Timeframe.M1]):
                        self._floor.prices.note(exchange, symbol, candle.close)
                        self._met(place, candle.close)
                except AristobotError as error:
                    logger.warning("Prices of {} on {} cannot be followed live: {}", symbol, exchange, error)
                await self._floor.clock.sleep(_RETRY)

    def _on_prices(self, event: PricesUpdated) -> None:
        for symbol, price in event.prices.items():
            self._met((event.exchange, symbol), price)

    def _met(self, place: Place, price: Decimal) -> None:
        for guard in self._due(self._guards.get(place, ()), price):
            self._keeper.price_met(guard.user_id, guard.position_id)

    def _due(self, guards: Iterable[Guard], price: Decimal) -> Iterable[Guard]:
        for guard in guards:
            reached = ZERO < guard.target <= price
            if reached or price < guard.floor or (price <= guard.stop and self._keeper.is_in_gap(guard.position_id)):
                yield guard
