"""How the exits of one position stand at this moment: what rests, what should, what differs, and the market's price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from loguru import logger

from aristobot.errors import DataError, ExchangeError, TryAgain
from aristobot.events import CatalogDoubted
from aristobot.market import Instrument, InstrumentState
from aristobot.money import ZERO
from aristobot.store import brackets
from aristobot.store.trading_tables import Bracket, Order
from services.broker_book import Account
from services.exit_plan import Arrangement, ExitPlan, Slice, arranged, bearing, plan_of, slices, sort_out
from services.price_book import MAX_AGE
from services.trading_floor import TradingFloor

#: Seconds: how old a price may be for which something is sold.
_FRESH = 1.0


@dataclass(frozen=True, slots=True)
class Situation:
    """One position at one moment. `price` is None when nobody can tell it, or nobody needs it."""

    account: Account
    instrument: Instrument
    guarded: brackets.Guarded
    bracket: Bracket
    plan: ExitPlan
    wanted: Arrangement
    missing: list[Slice]
    stale: list[Order]
    price: Decimal | None
    #: What its exchange may have taken for targets: resting stops that sell below this price (zero: it takes a stop for a stop).
    doubted_stop: Decimal

    @property
    def in_order(self) -> bool:
        """Whether what rests is what shall rest."""
        return not self.missing and not self.stale

    @property
    def must_stay(self) -> bool:
        """Whether what rests is all that can: a closed market gives orders back, and takes none in their place."""
        return self.instrument.state is not InstrumentState.TRADING and bool(self.guarded.resting)

    @property
    def leaves_nothing_to_guard(self) -> bool:
        """Whether the stop would trigger at once, or the price has passed targets for all that is held."""
        if self.price is None:
            return False
        wanted = self.wanted.resting
        passed = bool(self.missing) and all(ZERO < cut.target <= self.price for cut in wanted)
        whole = sum((cut.quantity for cut in wanted), ZERO) == self.instrument.quantity(self.guarded.position.quantity)
        return (passed and whole) or self.price <= self.plan.stop

    @property
    def fell_through(self) -> bool:
        """Whether the price has passed a stop that asks for more: it has been triggered, and sells nothing any more."""
        return self.price is not None and self.price < self.guarded.lowest_offer

    @property
    def passed_stop(self) -> bool:
        """Whether the price has passed a stop that rests: it sells in this moment, or its exchange has taken it for a target."""
        return self.price is not None and self.price < self.doubted_stop

    @property
    def reached(self) -> tuple[Slice, ...]:
        """The watched targets that the price has reached."""
        return self.wanted.reached(self.price) if self.price is not None else ()


class ExitSurvey:
    """Looks; changes nothing. Where a closed market stands in the way, its catalogue is asked for anew: it may be old."""

    def __init__(self, floor: TradingFloor) -> None:
        self._floor = floor

    async def check_open(self, guarded: brackets.Guarded) -> None:
        """Raise TryAgain `market_closed` where something rests that could not be put up again once it is taken back."""
        if not guarded.resting:
            return
        position = guarded.position
        exchange = (await self._floor.brokers.get(position.broker_id)).broker.exchange
        instrument = self._floor.catalog.listed(exchange, position.symbol)
        if instrument is not None and instrument.state is not InstrumentState.TRADING:
            self.doubt(exchange)
            raise TryAgain("market_closed", exchange=exchange, symbol=position.symbol, state=instrument.state.value)

    def doubt(self, exchange: str) -> None:
        """Have the catalogue of an exchange read again."""
        self._floor.bus.publish(CatalogDoubted(at=self._floor.clock.now(), exchange=exchange))

    async def of(self, account: Account, guarded: brackets.Guarded, bracket: Bracket, plan: ExitPlan | None = None) -> Situation:
        """The situation of a position under `plan`, by default under what its bracket asks for. Raises UnknownSymbol."""
        position, wished = guarded.position, plan or plan_of(bracket)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, position.symbol)
        can = self._floor.gateway.client_for(account.broker).capabilities
        linked = can.native_oco and instrument.oco_allowed
        doubted = guarded.highest_stop if can.stops_by_side else ZERO
        bounds = bearing(instrument, guarded.resting)
        cuts = slices(wished, bounds.quantity(position.quantity), bounds, guarded.done_legs, guarded.parts_left)
        wanted = arranged(cuts, bounds, linked=linked, taking=guarded.taking.legs)
        missing, stale = sort_out(guarded.resting, wanted.resting, instrument)
        asks = missing or stale or wanted.watched or guarded.lowest_offer or doubted
        price = await self._price(account, position.symbol) if asks else None
        now = Situation(account, instrument, guarded, bracket, wished, wanted, missing, stale, price, doubted)
        if now.reached or now.leaves_nothing_to_guard or now.fell_through or now.passed_stop:
            # something would be sold for it: not for a price that may be gone
            now = replace(now, price=await self._price(account, position.symbol, _FRESH))
        return now

    async def _price(self, account: Account, symbol: str, max_age: float = MAX_AGE) -> Decimal | None:
        """The market's price; None when it cannot be had: a stop must be put up all the same."""
        try:
            return await self._floor.prices.price(self._floor.gateway.client_for(account.broker), symbol, max_age)
        except (ExchangeError, DataError) as error:
            logger.warning("The price of {} cannot be read while its exits are looked after: {}", symbol, error)
            return None
