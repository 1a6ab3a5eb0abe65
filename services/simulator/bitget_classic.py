"""The classic (v2) calls that need a key: orders, plans, executions, balances, rights."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aristobot.money import plain
from services.simulator.bitget_classic_json import open_order, sub_order, told_balance, told_fill, told_order, told_plan
from services.simulator.bitget_errors import BitgetError, Json, missing
from services.simulator.bitget_json import client_id, is_in_book, is_market, order_id
from services.simulator.bitget_params import Ask, Params
from services.simulator.bitget_plans import BitgetPlans
from services.simulator.records import Account, Order
from services.simulator.world import World

#: How far `orderInfo` looks back for a client id, and how far the histories reach.
BY_CLIENT_ID = 2 * 3_600_000
REACH = 90 * 86_400_000
_AUTHORITIES = {"read": ("stor",), "trade": ("stow",), "withdraw": ("wwow",), "transfer": ("wtow",)}


def accepted(order: Order) -> Json:
    """The answer to whatever names one order."""
    return {"orderId": str(order.id), "clientOid": order.client_id}


def _in_book(order: Order) -> Json:
    return {"orderId": order_id(order), "clientOid": client_id(order)}


class ClassicOrders:
    """What changes orders, one at a time or several."""

    def __init__(self, plans: BitgetPlans) -> None:
        self._plans = plans
        self._orders = plans.orders

    def place(self, ask: Ask) -> Json:
        """`place-order`."""
        return accepted(self._orders.place(ask.sender, ask.params))

    def place_batch(self, ask: Ask) -> Json:
        """`batch-orders`."""
        return self._batch(ask, "orderList", lambda params: accepted(self._orders.place(ask.sender, params)))

    def _batch(self, ask: Ask, name: str, act: Callable[[Params], Json]) -> Json:
        done: list[Json] = []
        failed: list[Json] = []
        symbol = ask.params.text("symbol")
        for params in ask.params.each(name):
            if symbol is not None:
                params = Params({"symbol": symbol, **params.given})
            try:
                done.append(act(params))
            except BitgetError as error:
                ids = {name: params.text(name) or "" for name in ("orderId", "clientOid")}
                failed.append(ids | {"errorMsg": error.text, "errorCode": error.code})
        return {"successList": done, "failureList": failed}

    def cancel(self, ask: Ask) -> Json:
        """`cancel-order`."""
        ask.params.need("symbol")
        return _in_book(self._orders.cancel(ask.sender, ask.params))

    def cancel_batch(self, ask: Ask) -> Json:
        """`batch-cancel-order`."""
        return self._batch(ask, "orderList", lambda params: _in_book(self._orders.cancel(ask.sender, params)))

    def cancel_symbol(self, ask: Ask) -> Json:
        """`cancel-symbol-order`: said to be done later; here it is done at once."""
        symbol = self._orders.symbol(ask.params)
        for order in self._orders.resting(ask.sender, symbol):
            self._orders.stop(order)
        return {"symbol": symbol.name}

    def replace(self, ask: Ask) -> Json:
        """`cancel-replace-order`: whether it went well stands inside; the old order may be gone and no new one there."""
        return self._replace(ask.sender, ask.params)

    def replace_batch(self, ask: Ask) -> list[Json]:
        """`batch-cancel-replace-order`."""
        return [self._replace(ask.sender, params) for params in ask.params.each("orderList")]

    def _replace(self, account: Account, params: Params) -> Json:
        orders = self._orders
        symbol = orders.symbol(params)
        price, size = params.need_decimal("price", symbol.price_digits), orders.size(params, symbol)
        new_id = params.client_id(orders.tongue, "newClientOid") or orders.new_id()
        order = orders.find(account, params)
        if order is None or not order.is_open or is_market(order):
            return {"orderId": None, "clientOid": None, "success": "failure", "msg": orders.tongue.unknown_order().text}
        if new_id == client_id(order):
            raise BitgetError("43118", "clientOrderId duplicate")
        try:
            orders.check_free(account, new_id)
            orders.stop(order)
            asked = {"symbol": symbol.name, "side": order.side.value, "orderType": "limit", "clientOid": new_id}
            fresh = orders.place(account, Params(asked | {"price": plain(price), "size": plain(size)}))
        except BitgetError as error:
            return {"orderId": None, "clientOid": None, "success": "failure", "msg": error.text}
        return {"orderId": str(fresh.id), "clientOid": fresh.client_id, "success": "success", "msg": None}

    def place_plan(self, ask: Ask) -> Json:
        """`place-plan-order`."""
        return accepted(self._plans.place(ask.sender, ask.params, self._plans.read(ask.params)))

    def modify_plan(self, ask: Ask) -> Json:
        """`modify-plan-order`, in place."""
        return accepted(self._plans.modify(ask.sender, ask.params))

    def cancel_plan(self, ask: Ask) -> Json:
        """`cancel-plan-order`."""
        self._plans.cancel(ask.sender, ask.params)
        return {"result": "success"}

    def cancel_plans(self, ask: Ask) -> Json:
        """`batch-cancel-plan-order`: of the symbols named, or of all."""
        names = (ask.params.text("symbolList") or "").split(",")
        wanted = {self._orders.symbol(Params({"symbol": name})).instrument.symbol for name in names if name}
        plans = [one for one in ask.sender.open_orders.values() if one.planned and not one.awake]
        chosen = [one for one in plans if not wanted or one.symbol in wanted]
        for order in chosen:
            self._orders.stop(order)
        return {"successList": [accepted(order) for order in chosen], "failureList": []}


class ClassicAccount:
    """What a key may read. Whatever belongs to another account does not exist."""

    def __init__(self, world: World, plans: BitgetPlans) -> None:
        self._world = world
        self._orders = plans.orders

    def info(self, ask: Ask) -> Json:
        """`account/info`: whose key it is, and what it may do."""
        account = ask.sender
        rights = [code for right, codes in _AUTHORITIES.items() if right in account.permissions for code in codes]
        return {
            "userId": str(account.number),
            "inviterId": "",
            "ips": "127.0.0.1" if account.ip_restricted else "",
            "authorities": rights,
            "parentId": 0,
            "traderType": "not_trader",
            "channelCode": "",
            "channel": "",
            "regisTime": str(account.opened_at),
        }

    def assets(self, ask: Ask) -> list[Json]:
        """`account/assets`: one coin, or those that are held, or all there are."""
        account, coin = ask.sender, ask.params.text("coin")
        if coin is not None:
            return [told_balance(account, coin.upper())]
        every = ask.params.choice("assetType", "hold_only", "all", default="hold_only") == "all"
        held = (asset for asset, holding in account.holdings.items() if every or holding.free or holding.locked)
        return [told_balance(account, asset) for asset in held]

    def rates(self, ask: Ask) -> Json:
        """`common/trade-rate`: what this account pays."""
        maker, taker = ask.sender.rates(self._orders.symbol(ask.params).instrument)
        return {"makerFeeRate": plain(maker), "takerFeeRate": plain(taker)}

    def order(self, ask: Ask) -> list[Json]:
        """`orderInfo`: a list of one order or none; by a client id, only what is younger than two hours."""
        order = self._orders.find(ask.sender, ask.params)
        if order is None or not self._world.venue.is_visible(order):
            return []
        old = order.accepted_at < self._world.clock.ms() - BY_CLIENT_ID
        return [] if old and not ask.params.text("orderId") else [told_order(order)]

    def _rows(self, ask: Ask, orders: Iterable[Order], number: Callable[[Order], int]) -> list[Order]:
        """The newest first, one page of them: `idLessThan`, `startTime`, `endTime`, `limit`."""
        params, venue = ask.params, self._world.venue
        symbol = self._orders.symbol(params).instrument.symbol if params.text("symbol") else None
        before, only = params.integer("idLessThan"), params.integer("orderId")
        start, end = params.integer("startTime") or 0, params.integer("endTime")
        limit = params.limit(100, 100)
        found = [
            order
            for order in orders
            if symbol in (None, order.symbol)
            and (before is None or number(order) < before)
            and only in (None, number(order))
            and order.accepted_at >= start
            and (end is None or order.accepted_at <= end)
            and venue.is_visible(order)
        ]
        return sorted(found, key=number, reverse=True)[:limit]

    def _in_book(self, ask: Ask, orders: Iterable[Order]) -> list[Order]:
        return self._rows(ask, (order for order in orders if is_in_book(order)), lambda order: order.book_id or order.id)

    def open_orders(self, ask: Ask) -> list[Json]:
        """`unfilled-orders`."""
        kind = ask.params.choice("tpslType", "normal", "tpsl", default="normal")
        rows = self._in_book(ask, ask.sender.open_orders.values()) if kind == "normal" else []
        return [open_order(order) for order in rows]

    def history(self, ask: Ask) -> list[Json]:
        """`history-orders`: what is over, of the last ninety days."""
        since = self._world.clock.ms() - REACH
        over = (order for order in ask.sender.orders.values() if not order.is_open and order.accepted_at >= since)
        return [told_order(order) for order in self._in_book(ask, over)]

    def fills(self, ask: Ask) -> list[Json]:
        """`fills`: of one order, of a symbol, or all; the newest first."""
        params = ask.params
        symbol = self._orders.symbol(params).instrument.symbol if params.text("symbol") else None
        number, before = params.text("orderId"), params.integer("idLessThan")
        start, end = params.integer("startTime") or 0, params.integer("endTime")
        found = [
            fill
            for fill in reversed(ask.sender.fills)
            if symbol in (None, fill.order.symbol)
            and number in (None, order_id(fill.order))
            and (before is None or fill.trade_id < before)
            and fill.at >= max(start, self._world.clock.ms() - REACH)
            and (end is None or fill.at <= end)
            and self._world.venue.is_visible(fill.order)
        ]
        return [told_fill(fill) for fill in found[: params.limit(100, 100)]]

    def _plans(self, ask: Ask, orders: Iterable[Order]) -> Json:
        planned = (order for order in orders if order.planned)
        client = ask.params.text("clientOid")
        rows = [row for row in self._rows(ask, planned, lambda order: order.id) if client in (None, row.client_id)]
        return {
            "nextFlag": len(rows) == ask.params.limit(100, 100),
            "idLessThan": str(rows[-1].id) if rows else "",
            "orderList": [told_plan(order) for order in rows],
        }

    def open_plans(self, ask: Ask) -> Json:
        """`current-plan-order`."""
        return self._plans(ask, (order for order in ask.sender.open_orders.values() if not order.awake))

    def plan_history(self, ask: Ask) -> Json:
        """`history-plan-order`: what is over; both ends of the time have to be said."""
        for name in ("startTime", "endTime"):
            if not ask.params.text(name):
                raise missing(name)
        return self._plans(ask, (order for order in ask.sender.orders.values() if order.awake or not order.is_open))

    def sub_orders(self, ask: Ask) -> list[Json]:
        """`plan-sub-order`: what became of a plan that was triggered."""
        order = self._orders.find_plan(ask.sender, ask.params, "planOrderId")
        if order is None or not self._world.venue.is_visible(order):
            raise self._orders.tongue.unknown_order(plan=True)
        return [sub_order(order)] if order.awake else []
