"""Every call of Binance that the simulator answers: its address, its name on the WebSocket API, its weight, who may ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.simulator.binance_account import BinanceAccount
from services.simulator.binance_limits import Limits
from services.simulator.binance_lists import BinanceLists
from services.simulator.binance_market import BinanceMarket
from services.simulator.binance_orders import BinanceOrders
from services.simulator.binance_params import Params
from services.simulator.binance_requests import Ask
from services.simulator.world import World

Weigh = Callable[[Params], int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call. `right`: empty for anybody, else what the key must be allowed. `free`: costs nothing when it succeeds."""

    event: str
    act: Callable[[Ask], object]
    weight: int | Weigh
    right: str = ""
    free: bool = False

    def weigh(self, params: Params) -> int:
        """What it costs."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _symbols(one: int, few: int, many: int, every: int) -> Weigh:
    def weigh(params: Params) -> int:
        if params.has("symbol"):
            return one
        if not params.has("symbols"):
            return every
        count = params.given["symbols"].count('"') // 2
        return few if count <= 20 else many if count <= 100 else every

    return weigh


def _if_given(name: str, given: int, otherwise: int) -> Weigh:
    return lambda params: given if params.has(name) else otherwise


def public_calls(market: BinanceMarket) -> dict[str, Endpoint]:
    """What needs no key, by `METHOD path`; the part after `|` is the name on the WebSocket API."""
    return {
        "GET /api/v3/ping|ping": Endpoint("ping", market.ping, 1),
        "GET /api/v3/time|time": Endpoint("time", market.time, 1),
        "GET /api/v3/exchangeInfo|exchangeInfo": Endpoint("exchange_info", market.exchange_info, 20),
        "GET /api/v3/executionRules|executionRules": Endpoint("exchange_info", market.execution_rules, _symbols(2, 20, 40, 40)),
        "GET /api/v3/klines|klines": Endpoint("klines", market.klines, 2),
        "GET /api/v3/uiKlines|uiKlines": Endpoint("klines", market.klines, 2),
        "GET /api/v3/avgPrice|avgPrice": Endpoint("ticker", market.average_price, 2),
        "GET /api/v3/ticker/24hr|ticker.24hr": Endpoint("ticker", market.ticker_24hr, _symbols(2, 2, 40, 80)),
        "GET /api/v3/ticker/price|ticker.price": Endpoint("ticker", market.price, _if_given("symbol", 2, 4)),
        "GET /api/v3/ticker/bookTicker|ticker.book": Endpoint("ticker", market.book_ticker, _if_given("symbol", 2, 4)),
    }


def account_calls(account: BinanceAccount, lists: BinanceLists) -> dict[str, Endpoint]:
    """What a key may read."""
    return {
        "GET /api/v3/account|account.status": Endpoint("account", account.status, 20, "read"),
        "GET /api/v3/account/commission|account.commission": Endpoint("fees", account.commission, 20, "read"),
        "GET /sapi/v1/account/apiRestrictions|": Endpoint("permissions", account.restrictions, 1, "read"),
        "GET /api/v3/rateLimit/order|account.rateLimits.orders": Endpoint("account", account.order_limits, 40, "read"),
        "GET /api/v3/order|order.status": Endpoint("order.status", account.order, 4, "read"),
        "GET /api/v3/openOrders|openOrders.status": Endpoint(
            "orders.open", account.open_orders, _if_given("symbol", 6, 80), "read"
        ),
        "GET /api/v3/allOrders|allOrders": Endpoint("orders.all", account.all_orders, 20, "read"),
        "GET /api/v3/myTrades|myTrades": Endpoint("fills", account.my_trades, _if_given("orderId", 5, 20), "read"),
        "GET /api/v3/orderList|orderList.status": Endpoint("list.status", lists.query, 4, "read"),
        "GET /api/v3/openOrderList|openOrderLists.status": Endpoint("lists.open", lists.open, 6, "read"),
        "GET /api/v3/allOrderList|allOrderLists": Endpoint("lists.all", lists.all, 20, "read"),
    }


def trading_calls(orders: BinanceOrders, lists: BinanceLists) -> dict[str, Endpoint]:
    """What changes orders. A success costs no weight (since April 2026)."""
    new, gone, amended, replaced = "order.place", "order.cancel", "order.amend", "order.replace"
    bound, unbound = "list.place", "list.cancel"
    return {
        "POST /api/v3/order|order.place": Endpoint(new, orders.place, 1, "trade", free=True),
        "POST /api/v3/order/test|order.test": Endpoint(
            "order.test", orders.test, _if_given("computeCommissionRates", 20, 1), "trade"
        ),
        "DELETE /api/v3/order|order.cancel": Endpoint(gone, orders.cancel, 1, "trade", free=True),
        "DELETE /api/v3/openOrders|openOrders.cancelAll": Endpoint("orders.cancel", orders.cancel_all, 1, "trade", free=True),
        "PUT /api/v3/order/amend/keepPriority|order.amend.keepPriority": Endpoint(amended, orders.amend, 4, "trade"),
        "POST /api/v3/order/cancelReplace|order.cancelReplace": Endpoint(replaced, orders.replace, 1, "trade", free=True),
        "POST /api/v3/orderList/oco|orderList.place.oco": Endpoint(bound, lists.oco, 1, "trade", free=True),
        "POST /api/v3/orderList/oto|orderList.place.oto": Endpoint(bound, lists.oto, 1, "trade", free=True),
        "POST /api/v3/orderList/otoco|orderList.place.otoco": Endpoint(bound, lists.otoco, 1, "trade", free=True),
        "POST /api/v3/orderList/opo|orderList.place.opo": Endpoint(bound, lists.opo, 1, "trade", free=True),
        "POST /api/v3/orderList/opoco|orderList.place.opoco": Endpoint(bound, lists.opoco, 1, "trade", free=True),
        "DELETE /api/v3/orderList|orderList.cancel": Endpoint(unbound, lists.cancel, 1, "trade", free=True),
    }


def every_call(world: World, market: BinanceMarket, limits: Limits) -> tuple[dict[str, Endpoint], dict[str, Endpoint]]:
    """All calls: by `METHOD path`, and by their names on the WebSocket API."""
    orders = BinanceOrders(world, market.symbols, limits)
    lists = BinanceLists(world, orders, limits)
    calls = public_calls(market) | account_calls(BinanceAccount(world, orders, limits), lists) | trading_calls(orders, lists)
    named = [(*names.partition("|")[::2], endpoint) for names, endpoint in calls.items()]
    return {address: endpoint for address, _, endpoint in named}, {name: endpoint for _, name, endpoint in named if name}
