"""The orders that carry out what the keeper wants: exits that rest, sales at the market, and exits taken back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal

from aristobot.errors import ExchangeError
from aristobot.kinds import OrderOrigin, OrderRole
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, OrderType, Side, TimeInForce
from aristobot.store import orders
from aristobot.store.trading_tables import Order
from services.exit_plan import Slice
from services.exit_survey import Situation
from services.order_desk import OrderDesk
from services.order_draft import PlaceOrder, PlacePair, stop_form


class ExitOrders:
    """The keeper's way to the desk."""

    def __init__(self, desk: OrderDesk) -> None:
        self._desk = desk

    async def place(self, now: Situation, cut: Slice, attempt: int) -> bool:
        """Whether the orders of a slice now rest, or have already done their work. Raises ExchangeError in doubt."""
        if cut.stop and cut.target:
            placed = await self._desk.place_pair(now.account.user_id, self._pair(now, cut, attempt))
        else:
            placed = [await self._desk.place(now.account.user_id, self._single(now, cut, attempt))]
        for row in placed:
            _make_sure(row)
        return all(row.status.is_working or row.status in (OrderStatus.FILLED, OrderStatus.EXPIRED) for row in placed)

    async def sell(self, now: Situation, quantity: Decimal, leg: str, attempt: int) -> Order:
        """Sell at the market: the leg of a target that was reached, or (`exit`) everything. Raises ExchangeError in doubt."""
        position = now.guarded.position
        wish = PlaceOrder(
            broker_id=position.broker_id,
            symbol=position.symbol,
            side=Side.SELL,
            type=OrderType.MARKET,
            quantity=now.instrument.quantity(quantity),
            origin=OrderOrigin.KEEPER,
            role=OrderRole.EXIT if leg == "exit" else OrderRole.TARGET,
            owner=position.owner,
            cause=now.bracket.id,
            leg=leg,
            attempt=attempt,
            position_id=position.id,
        )
        return _make_sure(await self._desk.place(now.account.user_id, wish))

    async def withdraw(self, user_id: uuid.UUID, exits: Iterable[Order]) -> None:
        """Take resting exits back. Raises ExchangeError when one cannot be."""
        for order in exits:
            await self._desk.cancel(user_id, order.id)

    @staticmethod
    def _pair(now: Situation, cut: Slice, attempt: int) -> PlacePair:
        position = now.guarded.position
        return PlacePair(
            position.broker_id,
            position.id,
            position.symbol,
            cut.quantity,
            cut.stop,
            cut.target,
            position.owner,
            now.bracket.id,
            cut.leg,
            attempt,
        )

    @staticmethod
    def _single(now: Situation, cut: Slice, attempt: int) -> PlaceOrder:
        position = now.guarded.position
        kind, limit = stop_form(now.instrument, cut.stop) if cut.stop else (OrderType.LIMIT, cut.target)
        return PlaceOrder(
            broker_id=position.broker_id,
            symbol=position.symbol,
            side=Side.SELL,
            type=OrderType.MARKET if cut.reached else kind,
            quantity=cut.quantity,
            price=ZERO if cut.reached else limit,
            stop_price=cut.stop,
            time_in_force=TimeInForce.GTC,
            origin=OrderOrigin.KEEPER,
            role=OrderRole.STOP if cut.stop else OrderRole.TARGET,
            owner=position.owner,
            cause=now.bracket.id,
            leg=cut.leg,
            attempt=attempt,
            position_id=position.id,
        )


def _make_sure(row: Order) -> Order:
    if not orders.is_settled(row):
        raise ExchangeError("exit_in_doubt", order=row.id.hex)
    return row
