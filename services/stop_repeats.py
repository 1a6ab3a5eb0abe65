"""A stop in doubt, sent again under its own id: for exchanges that take no stop twice under one id, and lock nothing for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from loguru import logger

from aristobot.errors import InstanceRunning, OutcomeUnknown, Refused
from aristobot.kinds import BrokerAccess, OrderRole
from aristobot.orders import OrderRequest, OrderType
from aristobot.store.instance import installation
from aristobot.store.tenancy import SYSTEM
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.exit_watch import Watch
from services.order_records import OrderRecords
from services.order_resolver import fence
from services.trading_floor import TradingFloor

#: How often a stop in doubt is sent again, and how long before its fence for the last time.
_MOST_SENDINGS = 3
_BEFORE_THE_FENCE = timedelta(seconds=20)


class StopRepeats:
    """Whoever holds the position's lock may ask; whether a second stop could sell anything is for them to see."""

    def __init__(self, floor: TradingFloor, records: OrderRecords, watch: Watch) -> None:
        self._floor = floor
        self._records = records
        self._watch = watch

    def may_repeat(self, account: Account, in_doubt: Sequence[Order]) -> bool:
        """Whether all that is in doubt is one stop, so young that nobody is about to conclude that it never arrived."""
        (order, *others), now = in_doubt, self._floor.clock.now()
        is_stop = order.role is OrderRole.STOP and order.type in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
        early = order.fence_at is not None and order.fence_at - now > _BEFORE_THE_FENCE
        few = self._watch.sent_again[order.id] < _MOST_SENDINGS
        return not others and is_stop and early and few and account.broker.access is not BrokerAccess.READ_ONLY

    async def repeat(self, account: Account, order: Order) -> None:
        """The same stop under the same id, once more; a fence of its own is written before. What it comes to is believed.

        A refusal proves nothing of the first one, which is looked for as before. Raises ExchangeError, InstanceRunning.
        """
        gateway = self._floor.gateway
        client = gateway.client_for(account.broker)
        self._watch.sent_again[order.id] += 1
        if await client.find_order(await gateway.keys(account.broker), order.symbol, order.client_order_id) is not None:
            return  # whoever looks for it finds it
        if await self._floor.db.read(SYSTEM, lambda s: installation(s).epoch) != self._floor.epoch:
            raise InstanceRunning(folder="")
        await self._records.sent_again([order], fence(self._floor.clock.now(), client.capabilities.request_window))
        logger.warning("Stop {} is not to be found: it is sent again under its own id", order.id.hex)
        try:
            report = await client.place_order(await gateway.keys(account.broker), _as_sent(order))
        except (Refused, OutcomeUnknown) as error:
            logger.warning("Stop {} was sent again: {}", order.id.hex, error)
        else:
            await self._records.apply(account, report)


def _as_sent(order: Order) -> OrderRequest:
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        quantity=order.quantity,
        price=order.price,
        stop_price=order.stop_price,
        time_in_force=order.time_in_force,
    )
