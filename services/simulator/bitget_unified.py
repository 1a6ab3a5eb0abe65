"""The unified (v3) calls that need a key: orders, strategies, executions, balances, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from aristobot.money import ZERO, plain
from aristobot.orders import OrderRequest, OrderType, Side
from services.simulator.bitget_catalogue import BitgetSymbol, dollars
from services.simulator.bitget_errors import BitgetError, Json, missing, wrong
from services.simulator.bitget_json import client_id, is_in_book, is_market, legs_of, native, order_id
from services.simulator.bitget_orders import refuse_category
from services.simulator.bitget_params import Ask, Params, of_object
from services.simulator.bitget_plans import BitgetPlans, as_leg, refuse_side, type_of
from services.simulator.bitget_unified_json import (
    strategy_status,
    told_balance,
    told_fill,
    told_order,
    told_strategy,
    totals,
)
from services.simulator.records import Account, Order
from services.simulator.world import World

#: How far the histories reach, and how much of them one question may span.
REACH = 90 * 86_400_000
SPAN = 30 * 86_400_000
_EXITS = {
    "stopLoss": ("sl", OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT),
    "takeProfit": ("tp", OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT),
}
#: `permType` says what a key may do with what it is for.
_RIGHTS = {"read": "uta_trade", "withdraw": "withdraw", "transfer": "uta_mgt"}


def named(order: Order) -> Json:
    """The answer to whatever names one order in the book."""
    return {"clientOid": client_id(order), "orderId": order_id(order)}


def named_plan(order: Order) -> Json:
    """The answer to whatever names one strategy."""
    return {"clientOid": order.client_id, "orderId": str(order.id)}


class UnifiedOrders:
    """What changes orders and strategies."""

    def __init__(self, plans: BitgetPlans) -> None:
        self._plans = plans
        self._orders = plans.orders
        self.socket_calls: Mapping[str, Callable[[Account, Mapping[str, Any]], Json]] = {
            "place-order": lambda account, args: self._over_socket(self._place, account, args),
            "cancel-order": lambda account, args: self._over_socket(self._orders.cancel, account, args),
        }

    def _over_socket(self, act: Callable[[Account, Params], Order], account: Account, args: Mapping[str, Any]) -> Json:
        order = act(account, of_object(args))
        return {"symbol": native(order.symbol), **named(order), "cTime": str(order.updated_at)}

    def _place(self, account: Account, params: Params) -> Order:
        refuse_category(params)
        return self._orders.place(account, params)

    def place(self, ask: Ask) -> Json:
        """`place-order`."""
        ask.params.need("category")
        return named(self._place(ask.sender, ask.params))

    def modify(self, ask: Ask) -> Json:
        """`modify-order`: another price or quantity of a limit order, in place."""
        params, orders = ask.params, self._orders
        order = orders.find(ask.sender, params)
        if order is None or not order.is_open or not is_in_book(order):
            raise orders.tongue.unknown_order()
        symbol = orders.symbol_of(order)
        price = params.decimal("price", symbol.price_digits) or order.price
        quantity = params.decimal("qty", symbol.base_digits) or order.quantity
        if is_market(order):
            raise wrong("orderType")
        if quantity <= order.filled:
            raise wrong("qty")
        request = OrderRequest(order.client_id, order.symbol, order.side, OrderType.LIMIT, quantity, ZERO, price)
        orders.check(symbol, request)
        try:
            self._plans.amend(order, quantity, price)
        except BitgetError:
            if (params.text("autoCancel") or "no").lower() == "yes":
                orders.stop(order)
            raise
        return named(order)

    def cancel(self, ask: Ask) -> Json:
        """`cancel-order`."""
        return named(self._orders.cancel(ask.sender, ask.params))

    def cancel_symbol(self, ask: Ask) -> Json:
        """`cancel-symbol-order`: of one symbol, or all."""
        account, params = ask.sender, ask.params
        if params.text("symbol"):
            chosen = self._orders.resting(account, self._orders.symbol(params))
        else:
            chosen = [order for order in account.open_orders.values() if is_in_book(order)]
        for order in chosen:
            self._orders.stop(order)
        return {"list": [named(order) | {"code": "00000", "msg": "success"} for order in chosen]}

    def place_strategy(self, ask: Ask) -> Json:
        """`place-strategy-order`: `tpsl` is a stop, a target, or both of which one cancels the other; `trigger` any trigger."""
        params, orders = ask.params, self._orders
        refuse_category(params)
        symbol = orders.symbol(params)
        side = Side(params.choice("side", "buy", "sell"))
        kind = params.choice("type", "tpsl", "trigger", default="tpsl")
        requests = self._exits(params, symbol, side) if kind == "tpsl" else [self._trigger(params, symbol, side)]
        for request in requests:
            orders.check(symbol, request)
        if len(requests) == 2:
            group = self._plans.place_pair(ask.sender, params, requests[0], as_leg(requests[1], "-target"))
            return named_plan(group.rivals[0])
        return named_plan(self._plans.place(ask.sender, params, requests[0], strategy=kind))

    def _sized(self, params: Params, symbol: BitgetSymbol, kind: OrderType, price: Decimal, trigger: Decimal) -> OrderRequest:
        orders = self._orders
        side = Side(params.need("side").lower())
        in_quote = side is Side.BUY and not price
        size = orders.size(params, symbol, quote=in_quote)
        quantity = symbol.instrument.quantity(size / trigger) if in_quote else size
        client = params.client_id(orders.tongue) or orders.new_id()
        return OrderRequest(client, symbol.instrument.symbol, side, kind, quantity, size if in_quote else ZERO, price, trigger)

    def _trigger(self, params: Params, symbol: BitgetSymbol, side: Side) -> OrderRequest:
        limit = params.choice("triggerOrderType", "limit", "market", default="market") == "limit"
        trigger = params.need_decimal("triggerPrice", symbol.price_digits)
        price = params.need_decimal("triggerOrderPrice", symbol.price_digits) if limit else ZERO
        return self._sized(params, symbol, type_of(side, trigger, self._plans.last(symbol), limit=limit), price, trigger)

    def _exits(self, params: Params, symbol: BitgetSymbol, side: Side) -> list[OrderRequest]:
        requests: list[OrderRequest] = []
        at = {name: params.decimal(name, symbol.price_digits) for name in _EXITS}
        refuse_side(at["stopLoss"], at["takeProfit"], side, self._plans.last(symbol))
        for name, (short, market, limited) in _EXITS.items():
            trigger = at[name]
            if trigger is None:
                continue
            limit = params.choice(f"{short}OrderType", "limit", "market", default="market") == "limit"
            price = params.need_decimal(f"{short}LimitPrice", symbol.price_digits) if limit else ZERO
            requests.append(self._sized(params, symbol, limited if limit else market, price, trigger))
        if not requests:
            raise missing("takeProfit")
        return requests

    def modify_strategy(self, ask: Ask) -> Json:
        """`modify-strategy-order`: other triggers, prices or another quantity, in place."""
        params = ask.params
        order = self._plans.sleeping(ask.sender, params)
        symbol = self._orders.symbol_of(order)
        quantity = params.decimal("qty", symbol.base_digits)
        if order.tags.get("strategy") == "trigger":
            trigger = params.decimal("triggerPrice", symbol.price_digits) or order.stop_price
            price = params.decimal("triggerOrderPrice", symbol.price_digits) or order.price
            self._plans.retell(order, symbol, quantity or order.quantity, price, trigger)
            return named_plan(order)
        legs = legs_of(order)
        refuse_side(
            params.decimal("stopLoss", symbol.price_digits),
            params.decimal("takeProfit", symbol.price_digits),
            order.side,
            self._plans.last(symbol),
        )
        for name, (short, market, limited) in _EXITS.items():
            for leg in (one for one in legs if one.type in (market, limited)):
                trigger = params.decimal(name, symbol.price_digits) or leg.stop_price
                limit = params.choice(f"{short}OrderType", "limit", "market", default="market" if leg.type is market else "limit")
                price = (params.decimal(f"{short}LimitPrice", symbol.price_digits) or leg.price) if limit == "limit" else ZERO
                self._plans.retell(leg, symbol, quantity or leg.quantity, price, trigger)
        return named_plan(order)

    def cancel_strategy(self, ask: Ask) -> None:
        """`cancel-strategy-order`: nothing is said beside that it was done."""
        self._plans.cancel(ask.sender, ask.params)


class UnifiedAccount:
    """What a key may read. Whatever belongs to another account does not exist."""

    def __init__(self, world: World, plans: BitgetPlans) -> None:
        self._world = world
        self._orders = plans.orders

    def settings(self, ask: Ask) -> Json:
        """`account/settings`: that the account is unified, and how."""
        return {
            "uid": str(ask.sender.number),
            "accountMode": "unified",
            "assetMode": "multi_assets",
            "accountLevel": "advanced",
            "holdMode": "one_way_mode",
            "stpMode": "none",
            "symbolConfigList": [
                {"category": "USDT-FUTURES", "symbol": "BTCUSDT", "marginMode": "crossed", "leverage": "20"},
            ],
            "coinConfigList": [{"coin": "USDT", "leverage": "3"}],
        }

    def info(self, ask: Ask) -> Json:
        """`account/info`: whose key it is, and what it may do."""
        account = ask.sender
        return {
            "userId": str(account.number),
            "inviterId": "",
            "parentId": "",
            "channelCode": "",
            "channel": "",
            "ips": "127.0.0.1" if account.ip_restricted else "",
            "permType": "read-and-write" if "trade" in account.permissions else "read-only",
            "permissions": [code for right, code in _RIGHTS.items() if right in account.permissions],
            "regisTime": str(account.opened_at),
        }

    def value(self, account: Account, asset: str) -> Decimal:
        """What a holding is worth, in dollars."""
        tape = self._world.feed.tapes.get(f"{asset}/USDT")
        holding = account.holding(asset)
        return (holding.free + holding.locked) * (tape.last if tape else dollars(asset))

    def assets(self, ask: Ask) -> Json:
        """`account/assets`: all coins that are held, and what they are worth together."""
        account, coin = ask.sender, ask.params.text("coin")
        held = {asset: self.value(account, asset) for asset, one in account.holdings.items() if one.free or one.locked}
        rows = [told_balance(account, asset, value) for asset, value in held.items() if coin in (None, asset)]
        return self.totals(account) | {"assets": rows}

    def totals(self, account: Account) -> Json:
        """What all coins together are worth."""
        worth = sum((self.value(account, asset) for asset in account.holdings), ZERO)
        tape = self._world.feed.tapes.get("BTC/USDT")
        return totals(worth, tape.last if tape else ZERO)

    def rates(self, ask: Ask) -> Json:
        """`account/fee-rate`: what this account pays."""
        maker, taker = ask.sender.rates(self._orders.symbol(ask.params).instrument)
        return {"makerFeeRate": plain(maker), "takerFeeRate": plain(taker)}

    def order(self, ask: Ask) -> Json:
        """`order-info`."""
        order = self._orders.find(ask.sender, ask.params)
        if order is None or not self._world.venue.is_visible(order):
            raise self._orders.tongue.unknown_order()
        return told_order(order)

    def _span(self, params: Params) -> tuple[int, int]:
        now = self._world.clock.ms()
        end = params.integer("endTime")
        start = params.integer("startTime")
        if start is not None and end is not None and end - start > SPAN:
            raise BitgetError("40705", "The start and end time cannot exceed 30 days")
        return max(start or 0, now - REACH), now if end is None else end

    def _page(self, ask: Ask, orders: Iterable[Order], number: Callable[[Order], int]) -> list[Order]:
        """The newest first, those before `cursor`."""
        params = ask.params
        symbol = self._orders.symbol(params).instrument.symbol if params.text("symbol") else None
        cursor, (start, end) = params.integer("cursor"), self._span(params)
        found = [
            order
            for order in orders
            if symbol in (None, order.symbol) and (cursor is None or number(order) < cursor) and start <= order.accepted_at <= end
        ]
        seen = [order for order in found if self._world.venue.is_visible(order)]
        return sorted(seen, key=number, reverse=True)[: params.limit(100, 100)]

    def _orders_page(self, ask: Ask, orders: Iterable[Order]) -> Json:
        in_book = (order for order in orders if is_in_book(order))
        rows = self._page(ask, in_book, lambda order: order.book_id or order.id)
        return {"list": [told_order(order) for order in rows], "cursor": order_id(rows[-1]) if rows else ""}

    def open_orders(self, ask: Ask) -> Json:
        """`unfilled-orders`."""
        refuse_category(ask.params)
        return self._orders_page(ask, ask.sender.open_orders.values())

    def history(self, ask: Ask) -> Json:
        """`history-orders`: what is over; thirty days at a time, ninety days back."""
        refuse_category(ask.params)
        return self._orders_page(ask, (order for order in ask.sender.orders.values() if not order.is_open))

    def fills(self, ask: Ask) -> Json:
        """`fills`: of one order, of a symbol, or all; the newest first."""
        params = ask.params
        refuse_category(params)
        symbol = self._orders.symbol(params).instrument.symbol if params.text("symbol") else None
        number, cursor, (start, end) = params.text("orderId"), params.integer("cursor"), self._span(params)
        found = [
            fill
            for fill in reversed(ask.sender.fills)
            if symbol in (None, fill.order.symbol)
            and number in (None, order_id(fill.order))
            and (cursor is None or fill.trade_id < cursor)
        ]
        rows = [fill for fill in found if start <= fill.at <= end and self._world.venue.is_visible(fill.order)]
        rows = rows[: params.limit(100, 100)]
        return {"list": [told_fill(fill) for fill in rows], "cursor": str(rows[-1].trade_id) if rows else ""}

    def _strategies(self, ask: Ask, *, pending: bool) -> list[Order]:
        first = (order for order in ask.sender.orders.values() if order.planned and legs_of(order)[0] is order)
        chosen = (order for order in first if (strategy_status(order) == "pending") is pending)
        return self._page(ask, chosen, lambda order: order.id)

    def open_strategies(self, ask: Ask) -> list[Json]:
        """`unfilled-strategy-orders`: a bare list."""
        refuse_category(ask.params)
        return [told_strategy(order) for order in self._strategies(ask, pending=True)]

    def strategy_history(self, ask: Ask) -> Json:
        """`history-strategy-orders`."""
        refuse_category(ask.params)
        rows = self._strategies(ask, pending=False)
        return {"list": [told_strategy(order) for order in rows], "cursor": str(rows[-1].id) if rows else ""}
