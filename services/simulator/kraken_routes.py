"""Every call of Kraken's REST interface that the simulator answers: its name, its event, who may ask, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.simulator.kraken_account import KrakenAccount
from services.simulator.kraken_json import Json, order_id
from services.simulator.kraken_keys import Tokens
from services.simulator.kraken_market import KrakenMarket
from services.simulator.kraken_orders import KrakenOrders
from services.simulator.kraken_requests import Ask
from services.simulator.world import World


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call. `right`: empty for anybody, else what the key must be allowed; `cost`: on the counter of the key."""

    event: str
    act: Callable[[Ask], object]
    right: str = ""
    cost: int = 1


def every_call(world: World, orders: KrakenOrders, market: KrakenMarket, tokens: Tokens) -> dict[str, Endpoint]:
    """All calls, by the last part of their path."""
    return public_calls(market) | account_calls(KrakenAccount(world, orders, market, tokens)) | trading_calls(orders)


def public_calls(market: KrakenMarket) -> dict[str, Endpoint]:
    """What needs no key."""
    return {
        "Time": Endpoint("time", market.time),
        "SystemStatus": Endpoint("ping", market.system_status),
        "Assets": Endpoint("exchange_info", market.assets),
        "AssetPairs": Endpoint("exchange_info", market.asset_pairs),
        "Ticker": Endpoint("ticker", market.ticker),
        "OHLC": Endpoint("klines", market.ohlc),
        "Depth": Endpoint("ticker", market.depth),
        "Trades": Endpoint("ticker", market.executions),
    }


def account_calls(account: KrakenAccount) -> dict[str, Endpoint]:
    """What a key may read."""
    return {
        "Balance": Endpoint("account", account.balance, "read"),
        "BalanceEx": Endpoint("account", account.balance_ex, "read"),
        "OpenOrders": Endpoint("orders.open", account.open_orders, "read"),
        "ClosedOrders": Endpoint("orders.all", account.closed_orders, "read"),
        "QueryOrders": Endpoint("order.status", account.query_orders, "read"),
        "TradesHistory": Endpoint("fills", account.trades_history, "read", 2),
        "QueryTrades": Endpoint("fills", account.query_trades, "read", 2),
        "TradeVolume": Endpoint("fees", account.trade_volume, "read"),
        "GetApiKeyInfo": Endpoint("permissions", account.key_info, "any"),
        "GetWebSocketsToken": Endpoint("token", account.token, "read"),
    }


def trading_calls(orders: KrakenOrders) -> dict[str, Endpoint]:
    """What changes orders: counted per pair, not per key."""

    def add(ask: Ask) -> Json:
        placed = orders.place(ask)
        answer: Json = {"descr": placed.words}
        return answer if placed.order is None else answer | {"txid": [order_id(placed.order)]}

    def amend(ask: Ask) -> Json:
        return {"amend_id": orders.amend_id(orders.amend(ask))}

    def edit(ask: Ask) -> Json:
        placed = orders.edit(ask)
        answer: Json = {"status": "ok", "originaltxid": ask.params.text("txid"), "descr": placed.words}
        return answer if placed.order is None else answer | {"txid": order_id(placed.order)}

    return {
        "AddOrder": Endpoint("order.place", add, "trade", 0),
        "AmendOrder": Endpoint("order.amend", amend, "trade", 0),
        "EditOrder": Endpoint("order.replace", edit, "trade", 0),
        "CancelOrder": Endpoint("order.cancel", lambda ask: {"count": len(orders.cancel(ask))}, "trade", 0),
        "CancelAll": Endpoint("orders.cancel", lambda ask: {"count": len(orders.cancel_all(ask))}, "trade"),
    }
