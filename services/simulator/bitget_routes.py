"""Every call of Bitget that the simulator answers: its address, how often it may be asked, who may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.simulator.bitget_classic import ClassicAccount, ClassicOrders
from services.simulator.bitget_history import BitgetHistory
from services.simulator.bitget_market import BitgetMarket
from services.simulator.bitget_orders import BitgetOrders
from services.simulator.bitget_params import Ask
from services.simulator.bitget_plans import BitgetPlans
from services.simulator.bitget_tongue import Tongue, Tongues
from services.simulator.bitget_unified import UnifiedAccount, UnifiedOrders
from services.simulator.plans import Plans
from services.simulator.world import World

_TRADE = "/api/v2/spot/trade"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call. `right`: empty for anybody, else what the key must be allowed; `rate`: times a second."""

    event: str
    act: Callable[[Ask], object]
    rate: int
    right: str = ""
    tongue: Tongue = Tongues.CLASSIC


def public_calls(market: BitgetMarket, history: BitgetHistory) -> dict[str, Endpoint]:
    """What needs no key."""
    spot = "GET /api/v2/spot"
    calls = {
        "GET /api/v2/public/time": Endpoint("time", market.time, 20),
        f"{spot}/public/symbols": Endpoint("exchange_info", market.classic_symbols, 20),
        f"{spot}/public/coins": Endpoint("exchange_info", market.coins, 3),
        f"{spot}/market/tickers": Endpoint("ticker", market.classic_tickers, 20),
        f"{spot}/market/candles": Endpoint("klines", history.classic_candles, 20),
        f"{spot}/market/history-candles": Endpoint("klines", history.classic_history, 20),
        f"{spot}/market/fills": Endpoint("ticker", history.classic_executions, 10),
        f"{spot}/market/fills-history": Endpoint("ticker", history.classic_executions, 10),
        "GET /api/v2/margin/currencies": Endpoint("exchange_info", market.nothing, 10),
        "GET /api/v2/mix/market/contracts": Endpoint("exchange_info", market.nothing, 20),
    }
    v3, unified = "GET /api/v3/market", Tongues.UNIFIED
    return calls | {
        f"{v3}/instruments": Endpoint("exchange_info", market.unified_symbols, 20, tongue=unified),
        f"{v3}/tickers": Endpoint("ticker", market.unified_tickers, 20, tongue=unified),
        f"{v3}/candles": Endpoint("klines", history.unified_candles, 20, tongue=unified),
        f"{v3}/history-candles": Endpoint("klines", history.unified_history, 20, tongue=unified),
        f"{v3}/fills": Endpoint("ticker", history.unified_executions, 20, tongue=unified),
    }


def classic_reads(account: ClassicAccount) -> dict[str, Endpoint]:
    """What a classic key may read."""
    get = f"GET {_TRADE}"
    return {
        "GET /api/v2/spot/account/info": Endpoint("permissions", account.info, 1, "read"),
        "GET /api/v2/spot/account/assets": Endpoint("account", account.assets, 10, "read"),
        "GET /api/v2/common/trade-rate": Endpoint("fees", account.rates, 10, "read"),
        f"{get}/orderInfo": Endpoint("order.status", account.order, 20, "read"),
        f"{get}/unfilled-orders": Endpoint("orders.open", account.open_orders, 20, "read"),
        f"{get}/history-orders": Endpoint("orders.all", account.history, 20, "read"),
        f"{get}/fills": Endpoint("fills", account.fills, 10, "read"),
        f"{get}/current-plan-order": Endpoint("orders.open", account.open_plans, 20, "read"),
        f"{get}/history-plan-order": Endpoint("orders.all", account.plan_history, 20, "read"),
        f"{get}/plan-sub-order": Endpoint("order.status", account.sub_orders, 20, "read"),
    }


def classic_orders(orders: ClassicOrders) -> dict[str, Endpoint]:
    """What changes orders of a classic account."""
    post = f"POST {_TRADE}"
    return {
        f"{post}/place-order": Endpoint("order.place", orders.place, 10, "trade"),
        f"{post}/batch-orders": Endpoint("order.place", orders.place_batch, 5, "trade"),
        f"{post}/cancel-order": Endpoint("order.cancel", orders.cancel, 10, "trade"),
        f"{post}/batch-cancel-order": Endpoint("orders.cancel", orders.cancel_batch, 10, "trade"),
        f"{post}/cancel-symbol-order": Endpoint("orders.cancel", orders.cancel_symbol, 5, "trade"),
        f"{post}/cancel-replace-order": Endpoint("order.replace", orders.replace, 5, "trade"),
        f"{post}/batch-cancel-replace-order": Endpoint("order.replace", orders.replace_batch, 5, "trade"),
        f"{post}/place-plan-order": Endpoint("order.place", orders.place_plan, 20, "trade"),
        f"{post}/modify-plan-order": Endpoint("order.amend", orders.modify_plan, 20, "trade"),
        f"{post}/cancel-plan-order": Endpoint("order.cancel", orders.cancel_plan, 20, "trade"),
        f"{post}/batch-cancel-plan-order": Endpoint("orders.cancel", orders.cancel_plans, 5, "trade"),
    }


def unified_reads(account: UnifiedAccount) -> dict[str, Endpoint]:
    """What a unified key may read."""

    def read(event: str, act: Callable[[Ask], object]) -> Endpoint:
        return Endpoint(event, act, 20, "read", Tongues.UNIFIED)

    return {
        "GET /api/v3/account/settings": read("permissions", account.settings),
        "GET /api/v3/account/info": read("permissions", account.info),
        "GET /api/v3/account/assets": read("account", account.assets),
        "GET /api/v3/account/fee-rate": read("fees", account.rates),
        "GET /api/v3/trade/order-info": read("order.status", account.order),
        "GET /api/v3/trade/unfilled-orders": read("orders.open", account.open_orders),
        "GET /api/v3/trade/history-orders": read("orders.all", account.history),
        "GET /api/v3/trade/fills": read("fills", account.fills),
        "GET /api/v3/trade/unfilled-strategy-orders": read("orders.open", account.open_strategies),
        "GET /api/v3/trade/history-strategy-orders": read("orders.all", account.strategy_history),
    }


def unified_orders(orders: UnifiedOrders) -> dict[str, Endpoint]:
    """What changes orders of a unified account."""

    def change(event: str, act: Callable[[Ask], object]) -> Endpoint:
        return Endpoint(event, act, 10, "trade", Tongues.UNIFIED)

    return {
        "POST /api/v3/trade/place-order": change("order.place", orders.place),
        "POST /api/v3/trade/modify-order": change("order.amend", orders.modify),
        "POST /api/v3/trade/cancel-order": change("order.cancel", orders.cancel),
        "POST /api/v3/trade/cancel-symbol-order": change("orders.cancel", orders.cancel_symbol),
        "POST /api/v3/trade/place-strategy-order": change("order.place", orders.place_strategy),
        "POST /api/v3/trade/modify-strategy-order": change("order.amend", orders.modify_strategy),
        "POST /api/v3/trade/cancel-strategy-order": change("order.cancel", orders.cancel_strategy),
    }


@dataclass(frozen=True, slots=True)
class Calls:
    """All calls by `METHOD path`, and what the unified socket needs of those behind them."""

    by_address: Mapping[str, Endpoint]
    account: UnifiedAccount
    orders: UnifiedOrders


def every_call(world: World, market: BitgetMarket) -> Calls:
    """All calls of both tongues, over the same plans and orders."""
    plans = Plans(world.venue)
    classic, unified = (
        BitgetPlans(world, plans, BitgetOrders(world, market.symbols, tongue)) for tongue in (Tongues.CLASSIC, Tongues.UNIFIED)
    )
    account, orders = UnifiedAccount(world, unified), UnifiedOrders(unified)
    reads = classic_reads(ClassicAccount(world, classic)) | unified_reads(account)
    changes = classic_orders(ClassicOrders(classic)) | unified_orders(orders)
    return Calls(public_calls(market, BitgetHistory(world, market)) | reads | changes, account, orders)
