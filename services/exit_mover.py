"""A stop that rests is given another price or quantity in place: the position is never without it (reliability, 3.4).

The intent is committed before the call. Asking the same change twice does no harm, so a lost answer is met by looking at the
order and asking again; as long as a change of unknown outcome could come true, the order is looked at before anything else.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from enum import StrEnum

from loguru import logger

from aristobot.errors import (
    AristobotError,
    ExchangeError,
    InstanceRunning,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TryAgain,
    UnknownOrder,
)
from aristobot.kinds import BrokerAccess
from aristobot.market import Instrument
from aristobot.money import ZERO
from aristobot.orders import OrderReport, OrderRequest, OrderType, Side
from aristobot.store import brackets
from aristobot.store.instance import installation
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.exit_plan import Slice
from services.exit_watch import Watch
from services.order_draft import stop_form
from services.order_records import OrderRecords
from services.order_resolver import fence
from services.trading_floor import TradingFloor

_PAUSES = (0.05, 0.3, 1.0)
#: An exchange that asks for a longer silence than this is asked again by the next round.
_LONGEST_WAIT = 2.0


class Moved(StrEnum):
    """What became of a change: the stop rests as wanted, rests as before, or does not rest any more."""

    DONE = "done"
    REFUSED = "refused"
    GONE = "gone"


class ExitMover:
    """Changes one resting stop at a time, for who holds the position's lock."""

    def __init__(self, floor: TradingFloor, records: OrderRecords, watch: Watch) -> None:
        self._floor = floor
        self._records = records
        self._watch = watch

    def can_move(self, account: Account) -> bool:
        """Whether the broker's exchange changes stops in place, and this broker may send anything at all."""
        client = self._floor.gateway.client_for(account.broker)
        return client.capabilities.amends_stops and account.broker.access is not BrokerAccess.READ_ONLY

    async def move(self, account: Account, order: Order, cut: Slice) -> Moved:
        """Make a resting stop be this slice. Raises ExchangeError when nobody can say what became of it: ask again later."""
        instrument = await self._floor.catalog.instrument(account.broker.exchange, order.symbol)
        request = _request(order, cut, instrument)
        earlier = await self._intend(account, order)
        certain = True
        for pause in (*_PAUSES, None):
            try:
                return await self._ask(account, order, request, certain=certain, alone=certain and not earlier)
            except (OutcomeUnknown, TryAgain) as error:
                logger.warning("Whether stop {} was moved is not sure: {}", order.id.hex, error)
                certain = certain and isinstance(error, TryAgain)
                wait = error.retry_after if isinstance(error, RateLimited) else pause
                if pause is None or wait is None or wait > _LONGEST_WAIT:
                    raise
            await self._floor.clock.sleep(wait)
        raise AssertionError("the last try raises")

    async def look(self, account: Account, guarded: brackets.Guarded) -> None:
        """Believe what the exchange says of stops that a change of unknown outcome may have reached. Raises ExchangeError."""
        for order in guarded.resting:
            if order.role == "stop":
                await self._see(account, order)
        position, until = guarded.position, guarded.amended_until
        if until is None or self._floor.clock.now() > until:
            await self._floor.db.write(account.user_id, lambda s: brackets.end_amend(s, position.id))
        else:
            self._look_again(position.id, until)

    async def _intend(self, account: Account, order: Order) -> bool:
        """Commit what is about to be asked; until its fence a lost request may still come true. Whether an earlier one may."""
        now, position_id = self._floor.clock.now(), _position_of(order)
        until = fence(now, self._floor.gateway.client_for(account.broker).capabilities.request_window)

        def work(session: GuardedSession) -> bool:
            if installation(session).epoch != self._floor.epoch:  # a newer start of the house holds the store
                raise InstanceRunning(folder="")
            return brackets.begin_amend(session, position_id, until, now)

        earlier = await self._floor.db.write(account.user_id, work)
        self._look_again(position_id, until)
        return earlier

    async def _ask(self, account: Account, order: Order, request: OrderRequest, *, certain: bool, alone: bool) -> Moved:
        """Once: look first when an earlier answer was lost (not `certain`), then ask. Raises TryAgain, OutcomeUnknown.

        With its answer the matter is over, unless some other change may come true after it (not `alone`).
        """
        if not certain and (found := await self._found(account, order, request)) is not None:
            return found
        gateway = self._floor.gateway
        try:
            amending = gateway.amending(account.broker)
            report = await amending.edit_order(await gateway.keys(account.broker), order.symbol, order.client_order_id, request)
        except UnknownOrder:
            seen = await self._see(account, order)
            return Moved.REFUSED if seen.status.is_working else Moved.GONE
        except Refused as error:
            gateway.noticed(account.broker, error)
            logger.warning("Stop {} cannot be moved in place: {}", order.id.hex, error)
            return Moved.REFUSED
        except (OutcomeUnknown, TryAgain):
            raise
        except AristobotError as error:
            raise OutcomeUnknown(detail=str(error)[:200]) from error
        if report.status.is_working and report.stop_price == request.stop_price:
            await self._believe(account, order, report, ended=alone)
            return Moved.DONE
        found = await self._found(account, order, request)
        if found is None:
            raise OutcomeUnknown(detail="the stop rests where it was")
        return found

    async def _found(self, account: Account, order: Order, request: OrderRequest) -> Moved | None:
        """What a look at the order says of the change; None when it rests as before."""
        seen = await self._see(account, order)
        if not seen.status.is_working:
            return Moved.GONE
        as_wanted = (seen.stop_price, seen.quantity) == (request.stop_price, request.quantity)
        return Moved.DONE if as_wanted else None

    async def _see(self, account: Account, order: Order) -> Order:
        """The order as its exchange shows it now, believed. Raises ExchangeError."""
        gateway = self._floor.gateway
        client = gateway.client_for(account.broker)
        report = await client.find_order(await gateway.keys(account.broker), order.symbol, order.client_order_id)
        if report is None:
            raise ExchangeError("order_not_found", order=order.id.hex, symbol=order.symbol)
        return await self._believe(account, order, report, ended=False)

    async def _believe(self, account: Account, order: Order, report: OrderReport, *, ended: bool) -> Order:
        await self._records.apply(account, report)
        now, position_id = self._floor.clock.now(), _position_of(order)

        def work(session: GuardedSession) -> Order:
            if ended:
                brackets.end_amend(session, position_id)
            return brackets.amended(session, order.id, report, now)

        if ended:
            self._watch.look_again.pop(position_id, None)
        return await self._floor.db.write(account.user_id, work)

    def _look_again(self, position_id: uuid.UUID, until: datetime) -> None:
        wait = (until - self._floor.clock.now()) / timedelta(seconds=1)
        self._watch.look_again[position_id] = self._floor.clock.monotonic() + max(wait, 0.0) + 1.0


def _request(order: Order, cut: Slice, instrument: Instrument) -> OrderRequest:
    """The order as it shall be, under its own id; what it has already sold counts among its quantity."""
    limited = order.type is OrderType.STOP_LOSS_LIMIT
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=Side.SELL,
        type=order.type,
        quantity=cut.quantity + order.filled,
        price=stop_form(instrument, cut.stop)[1] if limited else ZERO,
        stop_price=instrument.price(cut.stop),
        time_in_force=order.time_in_force,
    )


def _position_of(order: Order) -> uuid.UUID:
    if order.position_id is None:
        raise LookupError(f"order {order.id} guards no position")
    return order.position_id
