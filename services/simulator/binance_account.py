"""What a Binance account may ask about itself: money, orders, executions, rights, limits."""

from __future__ import annotations

from decimal import Decimal

from services.simulator.binance_errors import BinanceError
from services.simulator.binance_json import Json, balances, eight, queried, traded
from services.simulator.binance_limits import Limits
from services.simulator.binance_orders import BinanceOrders, discount
from services.simulator.binance_requests import Ask
from services.simulator.records import Fill, Order
from services.simulator.world import World

DAY = 86_400_000
RATE = Decimal("0.001")


def check_span(start: int | None, end: int | None) -> None:
    """Histories are told one day at a time."""
    if start is not None and end is not None and end - start > DAY:
        raise BinanceError(-1127, "More than 24 hours between startTime and endTime.")


class BinanceAccount:
    """Queries of one account. Whatever belongs to another account does not exist."""

    def __init__(self, world: World, orders: BinanceOrders, limits: Limits) -> None:
        self._world = world
        self._orders = orders
        self._limits = limits

    def status(self, ask: Ask) -> Json:
        """`GET /api/v3/account`, `account.status`."""
        ask.params.only({"omitZeroBalances"})
        account = ask.sender
        fee = int(RATE * 10_000)
        return {
            "makerCommission": fee,
            "takerCommission": fee,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {"maker": eight(RATE), "taker": eight(RATE), "buyer": "0.00000000", "seller": "0.00000000"},
            "canTrade": "trade" in account.permissions,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": account.updated_at,
            "accountType": "SPOT",
            "balances": balances(account, omit_zero=ask.params.flag("omitZeroBalances")),
            "permissions": ["SPOT"],
            "uid": account.number,
        }

    def restrictions(self, ask: Ask) -> Json:
        """`GET /sapi/v1/account/apiRestrictions`: what the key may do."""
        ask.params.only(set())
        account = ask.sender
        return {
            "ipRestrict": account.ip_restricted,
            "createTime": account.opened_at,
            "enableReading": "read" in account.permissions,
            "enableSpotAndMarginTrading": "trade" in account.permissions,
            "enableWithdrawals": "withdraw" in account.permissions,
            "enableInternalTransfer": "transfer" in account.permissions,
            "permitsUniversalTransfer": "transfer" in account.permissions,
            "enableMargin": False,
            "enableFutures": False,
            "enableVanillaOptions": False,
            "enablePortfolioMarginTrading": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": False,
        }

    def commission(self, ask: Ask) -> Json:
        """`GET /api/v3/account/commission`."""
        ask.params.only({"symbol"})
        maker, taker = ask.sender.rates(self._orders.symbol(ask).instrument)
        zero = {name: "0.00000000" for name in ("maker", "taker", "buyer", "seller")}
        standard = zero | {"maker": eight(maker), "taker": eight(taker)}
        return {
            "symbol": ask.params.need("symbol"),
            "standardCommission": standard,
            "specialCommission": zero,
            "taxCommission": zero,
            "discount": discount(ask.sender),
        }

    def order_limits(self, ask: Ask) -> list[Json]:
        """`GET /api/v3/rateLimit/order`, `account.rateLimits.orders`."""
        ask.params.only(set())
        return self._limits.order_status(ask.sender)

    def order(self, ask: Ask) -> Json:
        """`GET /api/v3/order`, `order.status`."""
        ask.params.only({"symbol", "orderId", "origClientOrderId"})
        found = self._orders.find(ask, self._orders.symbol(ask), "orderId", "origClientOrderId")
        if found is None or not self._world.venue.is_visible(found):
            raise BinanceError(-2013, "Order does not exist.")
        return queried(found)

    def open_orders(self, ask: Ask) -> list[Json]:
        """`GET /api/v3/openOrders`, `openOrders.status`."""
        ask.params.only({"symbol"})
        symbol = self._orders.symbol(ask).instrument.symbol if ask.params.has("symbol") else None
        found = (order for order in ask.sender.open_orders.values() if symbol in (None, order.symbol))
        return [queried(order) for order in found if self._world.venue.is_visible(order)]

    def all_orders(self, ask: Ask) -> list[Json]:
        """`GET /api/v3/allOrders`, `allOrders`: by id from `orderId` on, or of a span of time, else the newest."""
        ask.params.only({"symbol", "orderId", "startTime", "endTime", "limit"})
        symbol = self._orders.symbol(ask).instrument.symbol
        first, start, end = (ask.params.integer(name) for name in ("orderId", "startTime", "endTime"))
        check_span(start, end)
        found = [
            order
            for order in ask.sender.orders.values()
            if order.symbol == symbol and order.id >= (first or 0) and self._within(order, start, end)
        ]
        limit = ask.params.limit(500, 1000)
        chosen = found[:limit] if first is not None or start is not None else found[-limit:]
        return [queried(order) for order in chosen]

    def _within(self, order: Order, start: int | None, end: int | None) -> bool:
        at = order.accepted_at
        return at >= (start or 0) and (end is None or at <= end) and self._world.venue.is_visible(order)

    def my_trades(self, ask: Ask) -> list[Json]:
        """`GET /api/v3/myTrades`, `myTrades`: of one order, from an id on, of a span of time, else the newest."""
        ask.params.only({"symbol", "orderId", "startTime", "endTime", "fromId", "limit"})
        symbol = self._orders.symbol(ask).instrument.symbol
        number, first = ask.params.integer("orderId"), ask.params.integer("fromId")
        start, end = ask.params.integer("startTime"), ask.params.integer("endTime")
        check_span(start, end)
        if first is not None and (start is not None or end is not None):
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        found = [
            fill
            for fill in ask.sender.fills
            if fill.order.symbol == symbol and number in (None, fill.order.id) and self._counts(fill, first, start, end)
        ]
        limit = ask.params.limit(500, 1000)
        chosen = found[:limit] if first is not None or start is not None else found[-limit:]
        return [traded(fill) for fill in chosen]

    def _counts(self, fill: Fill, first: int | None, start: int | None, end: int | None) -> bool:
        in_time = fill.at >= (start or 0) and (end is None or fill.at <= end)
        return in_time and fill.trade_id >= (first or 0) and self._world.venue.is_visible(fill.order)
