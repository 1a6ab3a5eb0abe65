"""The unified protocol (v3) of Bitget: orders, strategies, and what its private socket pushes. Orders go over that socket."""

from __future__ import annotations

import msgspec

from aristobot.errors import ConnectionLost, MissingRight
from aristobot.exchange import BalanceChanged
from aristobot.money import plain
from aristobot.orders import OrderReport, OrderRequest, OrderType, Side
from aristobot.portfolio import Balance
from services.exchanges import bitget_v3_wire as wire
from services.exchanges.answers import AnswersDoubt, NamingSymbol
from services.exchanges.bitget_calls import Mode, window_from
from services.exchanges.bitget_errors import NAME, OtherAccountMode
from services.exchanges.bitget_placed import placed
from services.exchanges.bitget_socket import Frame, Subscription
from services.exchanges.bitget_v3_reads import TRADE, UnifiedReads
from services.exchanges.bitget_way import Ask, Push
from services.exchanges.bitget_wire import LIMITS, NAMED, TRIGGERED_TYPES, Named, Naming, Reply, decoded, lives_of

_TARGETS = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
_PUSHED_ORDERS = msgspec.json.Decoder(list[wire.NativeOrder])
_PUSHED_STRATEGIES = msgspec.json.Decoder(list[wire.NativeStrategy])
_PUSHED_FILLS = msgspec.json.Decoder(list[wire.NativeFill])
_PUSHED_ACCOUNTS = msgspec.json.Decoder(list[wire.PushedAccount])
_SOCKET_NAMED = msgspec.json.Decoder(list[Named])


class Unified(UnifiedReads):
    """What a unified account does."""

    subscriptions: tuple[Subscription, ...] = (
        {"instType": "UTA", "topic": "order"},
        {"instType": "UTA", "topic": "strategy-order"},
        {"instType": "UTA", "topic": "fill"},
        {"instType": "UTA", "topic": "account"},
    )

    async def place(self, ask: Ask, request: OrderRequest) -> OrderReport:
        """Send an order or a strategy, once."""
        if request.type in TRIGGERED_TYPES:
            params = strategy_params(ask.native, request)
            body = await self._calls.change(ask.signer, f"{TRADE}/place-strategy-order", params)
        else:
            order = order_params(ask.native, request)
            answer = await self._over_socket(ask, "place-order", order, windowed=True)
            if answer is not None:
                with AnswersDoubt(NAME):
                    return placed(answer, request)
            body = await self._calls.change(ask.signer, f"{TRADE}/place-order", {"category": wire.SPOT, **order})
        with AnswersDoubt(NAME):
            return placed(decoded(NAMED, body), request)

    async def amend(self, ask: Ask, request: OrderRequest) -> OrderReport:
        """Give an order or a strategy other values in place."""
        named = {"clientOid": request.client_order_id, "qty": plain(request.quantity)}
        if request.type in TRIGGERED_TYPES:
            path, change = "modify-strategy-order", {**named, **_trigger(request)}
        else:
            path, change = "modify-order", {**named, "price": plain(request.price), "autoCancel": "no"}
        body = await self._calls.change(ask.signer, f"{TRADE}/{path}", change)
        with AnswersDoubt(NAME):
            return placed(decoded(NAMED, body), request)

    async def replace(self, ask: Ask, client_id: str, request: OrderRequest) -> OrderReport | None:
        """Not in one request."""
        return None

    async def cancel(self, ask: Ask, client_id: str, order_id: str = "") -> None:
        """Have an order cancelled."""
        named = {"orderId": order_id} if order_id else {"clientOid": client_id}
        if await self._over_socket(ask, "cancel-order", named) is None:
            await self._calls.done(ask.signer, f"{TRADE}/cancel-order", named)

    async def cancel_plan(self, ask: Ask, client_id: str) -> None:
        """Have a strategy cancelled."""
        await self._calls.done(ask.signer, f"{TRADE}/cancel-strategy-order", {"clientOid": client_id})

    async def _over_socket(self, ask: Ask, topic: str, params: dict[str, str], *, windowed: bool = False) -> Reply[Named] | None:
        """The answer to a change sent over the key's socket; None when it certainly was not sent there.

        Nothing but a window in the question itself, if `windowed`, keeps one that is late from being executed.
        """
        socket = self._calls.record(ask.signer).sockets[Mode.UNIFIED]
        if not socket.takes_orders:
            return None
        await self._calls.settle_clock()
        line = await socket.line(ask.signer)
        if line is None:
            return None
        self._calls.link.budget.take(1, read=False)
        if windowed:
            params = {**params, **window_from(self._calls.link.server_clock.timestamp())}
        try:
            with NamingSymbol(params.get("symbol", "")):
                frame = await socket.order(line, topic, params)
        except ConnectionLost:
            return None
        except OtherAccountMode:
            raise
        except MissingRight:  # some keys may order over REST alone; a key that may not at all is told so there
            socket.takes_orders = False
            return None
        with AnswersDoubt(NAME):
            named = decoded(_SOCKET_NAMED, frame.args)
        return Reply(named[0] if named else Named(), self._calls.link.server_clock.timestamp())

    def pushed(self, frame: Frame, naming: Naming) -> list[Push]:
        """What a push of the private socket says; futures of the same account are none of ours."""
        match frame.arg.name if frame.arg else "":
            case "order":
                return [wire.report_of(one, naming) for one in decoded(_PUSHED_ORDERS, frame.data) if _is_spot(one.category)]
            case "strategy-order":
                return [wire.plan_of(one) for one in decoded(_PUSHED_STRATEGIES, frame.data) if _is_spot(one.category)]
            case "fill":
                return [wire.fill_of(one, naming) for one in decoded(_PUSHED_FILLS, frame.data) if _is_spot(one.category)]
            case "account":
                held = [one for account in decoded(_PUSHED_ACCOUNTS, frame.data) for one in account.coin]
                return [BalanceChanged(tuple(Balance(one.coin, one.available, one.locked) for one in held))]
        return []


def order_params(native: str, request: OrderRequest) -> dict[str, str]:
    """An order for the book; a market buy says how much quote it spends."""
    params = {
        "symbol": native,
        "clientOid": request.client_order_id,
        "side": request.side.value,
        "orderType": "limit" if request.type in LIMITS else "market",
        "qty": plain(request.quote_quantity or request.quantity),
    }
    if request.type in LIMITS:
        params["price"] = plain(request.price)
        params["timeInForce"] = lives_of(request.type, request.time_in_force)
    return params


def strategy_params(native: str, request: OrderRequest) -> dict[str, str]:
    """A strategy: what protects a holding is a stop or target for part of it, what buys is an order behind a trigger."""
    return {
        "category": wire.SPOT,
        "symbol": native,
        "side": request.side.value,
        "qty": plain(request.quantity),
        "clientOid": request.client_order_id,
        **({"type": "trigger"} if request.side is Side.BUY else {"type": "tpsl", "tpslMode": "partial"}),
        **_trigger(request),
    }


def _trigger(request: OrderRequest) -> dict[str, str]:
    """What a strategy waits for and what it then does."""
    limit = request.type in LIMITS
    kind, stop, price = "limit" if limit else "market", plain(request.stop_price), plain(request.price)
    if request.side is Side.BUY:
        named = {"triggerBy": "market", "triggerPrice": stop, "triggerOrderType": kind}
        return {**named, "triggerOrderPrice": price} if limit else named
    prefix, trigger = ("tp", "takeProfit") if request.type in _TARGETS else ("sl", "stopLoss")
    named = {f"{prefix}TriggerBy": "market", trigger: stop, f"{prefix}OrderType": kind}
    return {**named, f"{prefix}LimitPrice": price} if limit else named


def _is_spot(category: str) -> bool:
    return category.upper() == wire.SPOT
