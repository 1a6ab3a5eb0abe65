"""From parameters to what they ask for: symbols, and orders of every type with what each type needs and must not have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from aristobot.matching import STOPS
from aristobot.money import ZERO
from aristobot.orders import OrderRequest, OrderType, Side, TimeInForce
from services.simulator.binance_catalogue import BinanceSymbol
from services.simulator.binance_errors import BinanceError
from services.simulator.binance_filters import check_positive
from services.simulator.binance_params import Params
from services.simulator.records import Account

_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_TYPES = {kind.value.upper(): kind for kind in OrderType}
_FORCES = {force.value.upper(): force for force in TimeInForce}
_TIMED = frozenset({OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_PRICED = _TIMED | {OrderType.LIMIT_MAKER}
_PREVENTIONS = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
#: What one order may say, without a prefix.
ORDER_NAMES = frozenset(
    {
        "symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "newClientOrderId", "strategyId",
        "strategyType", "stopPrice", "trailingDelta", "icebergQty", "newOrderRespType", "selfTradePreventionMode",
    }
)  # fmt: skip
_LEG_NAMES = (
    "Type",
    "TimeInForce",
    "Price",
    "StopPrice",
    "ClientOrderId",
    "StrategyId",
    "StrategyType",
    "TrailingDelta",
    "IcebergQty",
)


@dataclass(slots=True)
class Ask:
    """One request, its parameters read and its sender known."""

    params: Params
    account: Account | None = None
    over_socket: bool = False

    @property
    def sender(self) -> Account:
        """Who asks, on a call that only known ones may make."""
        if self.account is None:
            raise BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
        return self.account


def leg_names(prefix: str) -> set[str]:
    """What one leg of a list may say."""
    return {prefix + name for name in _LEG_NAMES}


def read_side(params: Params, name: str = "side") -> Side:
    """BUY or SELL."""
    side = _SIDES.get(params.need(name))
    if side is None:
        raise BinanceError(-1117, "Invalid side.")
    return side


def response_type(params: Params, kind: OrderType) -> str:
    """How much of the new order the answer tells."""
    asked = params.text("newOrderRespType")
    if asked is None:
        return "FULL" if kind in (OrderType.MARKET, OrderType.LIMIT) else "ACK"
    if asked not in ("ACK", "RESULT", "FULL"):
        raise BinanceError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return asked


def read_tags(params: Params) -> dict[str, object]:
    """What is only echoed."""
    tags: dict[str, object] = {}
    strategy, kind = params.integer("strategyId"), params.integer("strategyType")
    if strategy is not None:
        tags["strategyId"] = strategy
    if kind is not None:
        if kind < 1_000_000:
            raise BinanceError(-1134, "strategyType was less than 1000000.")
        tags["strategyType"] = kind
    prevention = params.text("selfTradePreventionMode")
    if prevention is not None:
        if prevention not in _PREVENTIONS:
            raise BinanceError(-1130, "Data sent for parameter 'selfTradePreventionMode' is not valid.")
        tags["selfTradePreventionMode"] = prevention
    return tags


@dataclass(frozen=True, slots=True)
class Leg:
    """Where one order stands among the parameters: their prefix, and what the list has fixed for it."""

    prefix: str = ""
    side: Side | None = None
    quantity: Decimal | None = None

    def name(self, plain: str) -> str:
        """The name of a parameter."""
        if self.prefix:
            return self.prefix + plain[0].upper() + plain[1:]
        return "newClientOrderId" if plain == "clientOrderId" else plain


def read_order(params: Params, symbol: BinanceSymbol, leg: Leg, new_id: Callable[[], str]) -> OrderRequest:
    """One order; raise BinanceError for what is missing, too much, or wrong. `new_id` makes a client id where none is given."""
    side = leg.side or read_side(params, leg.name("side"))
    kind = _TYPES.get(params.need(leg.name("type")))
    if kind is None:
        raise BinanceError(-1116, "Invalid orderType.")
    _refuse_extras(params, leg)
    force = _read_force(params, leg, kind)
    quantity, quote_quantity = _read_amounts(params, leg, kind)
    price = _read_price(params, leg.name("price"), wanted=kind in _PRICED)
    stop_price = _read_price(params, leg.name("stopPrice"), wanted=kind in STOPS)
    client_id = params.client_id(leg.name("clientOrderId")) or new_id()
    if quote_quantity and not symbol.allows("quoteOrderQtyMarketAllowed"):
        raise BinanceError(-2010, "Quote order qty market orders are not support for this symbol.")
    return OrderRequest(client_id, symbol.instrument.symbol, side, kind, quantity, quote_quantity, price, stop_price, force)


def _refuse_extras(params: Params, leg: Leg) -> None:
    if params.has(leg.name("icebergQty")):
        raise BinanceError(-1013, "Iceberg orders are not supported for this symbol.")
    if params.has(leg.name("trailingDelta")):
        raise BinanceError(-1013, "Trailing stop orders are not supported for this symbol.")


def _read_force(params: Params, leg: Leg, kind: OrderType) -> TimeInForce:
    name = leg.name("timeInForce")
    if kind not in _TIMED:
        params.without(name)
        return TimeInForce.GTC
    force = _FORCES.get(params.need(name))
    if force is None:
        raise BinanceError(-1115, "Invalid timeInForce.")
    return force


def _read_amounts(params: Params, leg: Leg, kind: OrderType) -> tuple[Decimal, Decimal]:
    if leg.quantity is not None:
        return leg.quantity, ZERO
    quantity = params.decimal(leg.name("quantity"))
    quote = params.decimal("quoteOrderQty") if not leg.prefix else None
    if kind is OrderType.MARKET and not leg.prefix:
        if quantity is None and quote is None:
            raise BinanceError(-1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!")
        if quantity is not None and quote is not None:
            raise BinanceError(-1128, "Combination of optional parameters invalid.")
        if quantity is None:
            return ZERO, check_positive("quoteOrderQty", quote)
    elif not leg.prefix:
        params.without("quoteOrderQty")
    if quantity is None:
        quantity = params.need_decimal(leg.name("quantity"))
    return check_positive("quantity", quantity), ZERO


def _read_price(params: Params, name: str, *, wanted: bool) -> Decimal:
    if not wanted:
        params.without(name)
        return ZERO
    return check_positive("stopPrice" if name.endswith("topPrice") else "price", params.need_decimal(name))
