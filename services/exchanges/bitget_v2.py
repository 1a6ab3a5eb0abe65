"""The classic protocol (v2) of Bitget: orders, plans, and what its private socket pushes."""

from __future__ import annotations

import msgspec

from aristobot.errors import InvalidOrder, OutcomeUnknown
from aristobot.exchange import BalanceChanged
from aristobot.money import ZERO, plain
from aristobot.orders import Fill, OrderReport, OrderRequest, OrderType
from services.exchanges import bitget_v2_wire as wire
from services.exchanges.answers import AnswersDoubt
from services.exchanges.bitget_errors import NAME
from services.exchanges.bitget_placed import AmendRefused, placed
from services.exchanges.bitget_socket import Frame, Subscription
from services.exchanges.bitget_v2_reads import TRADE, ClassicReads
from services.exchanges.bitget_way import Ask, Push
from services.exchanges.bitget_wire import (
    LIMITS,
    NAMED,
    SIDES,
    TRIGGERED_TYPES,
    Naming,
    cost,
    decoded,
    lives_of,
    moment,
    number,
    status_of,
    type_of,
    word,
)


class PushedOrder(msgspec.Struct, rename="camel"):
    """An order as it is pushed: `accBaseVolume` and `priceAvg` of all its executions, the rest of the last one."""

    inst_id: str
    order_id: str
    order_type: str
    side: str
    status: str
    client_oid: str | None = ""
    price: str | None = ""
    new_size: str | None = ""
    size: str | None = ""
    force: str | None = ""
    acc_base_volume: str | None = ""
    price_avg: str | None = ""
    trade_id: str | None = ""
    fill_price: str | None = ""
    base_volume: str | None = ""
    fill_fee: str | None = ""
    fill_fee_coin: str | None = ""
    fill_time: str | None = ""
    trade_scope: str | None = ""
    c_time: str | None = ""
    u_time: str | None = ""


_PUSHED_ORDERS = msgspec.json.Decoder(list[PushedOrder])
_PUSHED_PLANS = msgspec.json.Decoder(list[wire.NativePlan])
_PUSHED_FILLS = msgspec.json.Decoder(list[wire.NativeFill])
_PUSHED_HOLDINGS = msgspec.json.Decoder(list[wire.NativeHolding])


class Classic(ClassicReads):
    """What a classic account does."""

    subscriptions: tuple[Subscription, ...] = (
        {"instType": "SPOT", "channel": "orders", "instId": "default"},
        {"instType": "SPOT", "channel": "orders-algo", "instId": "default"},
        {"instType": "SPOT", "channel": "fill", "instId": "default"},
        {"instType": "SPOT", "channel": "account", "coin": "default"},
    )

    async def place(self, ask: Ask, request: OrderRequest) -> OrderReport:
        """Send an order or a plan, once."""
        if request.type in TRIGGERED_TYPES:
            plan = {"symbol": ask.native, "side": request.side.value, **_trigger(request), "clientOid": request.client_order_id}
            body = await self._calls.change(ask.signer, f"{TRADE}/place-plan-order", plan)
        else:
            order = order_params(ask.native, request)
            body = await self._calls.change(ask.signer, f"{TRADE}/place-order", order, windowed=True)
        with AnswersDoubt(NAME):
            return placed(decoded(NAMED, body), request)

    async def amend(self, ask: Ask, request: OrderRequest) -> OrderReport:
        """Give a plan other values in place; this protocol cannot for an order in the book, which needs a new client id."""
        if request.type not in TRIGGERED_TYPES:
            raise InvalidOrder("edit_needs_new_id", exchange=NAME)
        plan = {"clientOid": request.client_order_id, **_trigger(request)}
        body = await self._calls.change(ask.signer, f"{TRADE}/modify-plan-order", plan)
        with AnswersDoubt(NAME):
            return placed(decoded(NAMED, body), request)

    async def replace(self, ask: Ask, client_id: str, request: OrderRequest) -> OrderReport | None:
        """Cancel an order and place a limit order in one request; None for any other kind of order."""
        if request.type is not OrderType.LIMIT:
            return None
        change = {
            "symbol": ask.native,
            "clientOid": client_id,
            "newClientOid": request.client_order_id,
            "price": plain(request.price),
            "size": plain(request.quantity),
        }
        body = await self._calls.change(ask.signer, f"{TRADE}/cancel-replace-order", change)
        with AnswersDoubt(NAME):
            answer = decoded(wire.REPLACED, body)
        if answer.data.success == "success":
            return placed(answer, request)
        if answer.data.success == "failure":
            raise AmendRefused(exchange=NAME, detail=(answer.data.msg or "")[:200])
        raise OutcomeUnknown("unreadable_answer", exchange=NAME, detail=answer.data.success[:40])

    async def cancel(self, ask: Ask, client_id: str, order_id: str = "") -> None:
        """Have an order cancelled."""
        named = {"orderId": order_id} if order_id else {"clientOid": client_id}
        await self._calls.done(ask.signer, f"{TRADE}/cancel-order", {"symbol": ask.native, **named})

    async def cancel_plan(self, ask: Ask, client_id: str) -> None:
        """Have a plan cancelled."""
        await self._calls.done(ask.signer, f"{TRADE}/cancel-plan-order", {"clientOid": client_id})

    def pushed(self, frame: Frame, naming: Naming) -> list[Push]:
        """What a push of the private socket says."""
        match frame.arg.name if frame.arg else "":
            case "orders":
                return [pushed_order(one, naming) for one in decoded(_PUSHED_ORDERS, frame.data)]
            case "orders-algo":
                return [wire.plan_of(one) for one in decoded(_PUSHED_PLANS, frame.data)]
            case "fill":
                return [wire.fill_of(one, naming) for one in decoded(_PUSHED_FILLS, frame.data)]
            case "account":
                held = decoded(_PUSHED_HOLDINGS, frame.data)
                return [BalanceChanged(tuple(wire.balance_of(one) for one in held))]
        return []


def order_params(native: str, request: OrderRequest) -> dict[str, str]:
    """An order for the book; a market buy says how much quote it spends."""
    params = {
        "symbol": native,
        "side": request.side.value,
        "orderType": "limit" if request.type in LIMITS else "market",
        "force": lives_of(request.type, request.time_in_force),
        "size": plain(request.quote_quantity or request.quantity),
        "clientOid": request.client_order_id,
    }
    if request.type in LIMITS:
        params["price"] = plain(request.price)
    return params


def _trigger(request: OrderRequest) -> dict[str, str]:
    """What a plan waits for and what it then does; its size is in base, for buys as well."""
    limit = request.type in LIMITS
    params = {
        "triggerPrice": plain(request.stop_price),
        "triggerType": "fill_price",
        "orderType": "limit" if limit else "market",
        "planType": "amount",
        "size": plain(request.quantity),
    }
    return {**params, "executePrice": plain(request.price)} if limit else params


def pushed_order(native: PushedOrder, naming: Naming) -> OrderReport:
    """An order with the execution that its push tells of, if any; of its two sizes `newSize` can be believed.

    What it spent is left open: the average price is rounded, its executions are not.
    """
    kind, side = type_of(native.order_type, native.force), word(SIDES, native.side, "side")
    symbol, filled = naming(native.inst_id.upper()), number(native.acc_base_volume)
    at, size = moment(native.u_time or native.c_time), number(native.base_volume)
    fill = Fill(
        trade_id=native.trade_id or "",
        symbol=symbol,
        side=side,
        price=number(native.fill_price),
        quantity=size,
        fee=cost(native.fill_fee),
        fee_asset=(native.fill_fee_coin or "").upper(),
        at=moment(native.fill_time) if native.fill_time else at,
        exchange_order_id=native.order_id,
        client_order_id=native.client_oid or "",
        maker=native.trade_scope == "M",
    )
    return OrderReport(
        client_order_id=native.client_oid or "",
        exchange_order_id=native.order_id,
        symbol=symbol,
        side=side,
        type=kind,
        status=status_of(native.status, filled),
        quantity=wire.quantity_of(kind, side, number(native.new_size or native.size), filled),
        filled=filled,
        at=at,
        price=ZERO if kind is OrderType.MARKET else number(native.price),
        fills=(fill,) if native.trade_id and size else (),
    )
