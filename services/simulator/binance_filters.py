"""Would Binance take this order? Types, precision, filters, in the order in which the exchange complains."""

from __future__ import annotations

from decimal import Decimal

from aristobot.matching import STOPS
from aristobot.money import ZERO
from aristobot.orders import OrderRequest, OrderType, Side
from services.simulator.binance_catalogue import BinanceSymbol, is_multiple
from services.simulator.binance_errors import BinanceError, filter_failure
from services.simulator.prices import Tape
from services.simulator.records import Account

_UNSUPPORTED = {
    OrderType.MARKET: "Market orders are not supported for this symbol.",
    OrderType.STOP_LOSS: "Stop loss orders are not supported for this symbol.",
    OrderType.STOP_LOSS_LIMIT: "Stop loss limit orders are not supported for this symbol.",
    OrderType.TAKE_PROFIT: "Take profit orders are not supported for this symbol.",
    OrderType.TAKE_PROFIT_LIMIT: "Take profit limit orders are not supported for this symbol.",
}


def check_order(symbol: BinanceSymbol, request: OrderRequest, tape: Tape, now: int) -> None:
    """Raise BinanceError when a filter, or the symbol itself, refuses this order."""
    if request.type.value.upper() not in symbol.order_types:
        raise BinanceError(-1013, _UNSUPPORTED.get(request.type, "Unsupported order combination"))
    for price in (request.price, request.stop_price):
        if price:
            check_price(symbol, price)
    if request.quantity:
        check_quantity(symbol, request.quantity, market=request.type is OrderType.MARKET)
    band = symbol.bands
    if band is not None and request.price:
        check_band(band, request, tape.average(5, now))
    check_value(symbol, request, tape, now)


def check_price(symbol: BinanceSymbol, price: Decimal) -> None:
    """PRICE_FILTER."""
    too_high = symbol.max_price and price > symbol.max_price
    if price < symbol.min_price or too_high or not is_multiple(price, symbol.instrument.tick):
        raise filter_failure("PRICE_FILTER")


def check_quantity(symbol: BinanceSymbol, quantity: Decimal, *, market: bool) -> None:
    """LOT_SIZE, and MARKET_LOT_SIZE for market orders."""
    too_much = symbol.max_quantity and quantity > symbol.max_quantity
    if quantity < symbol.min_quantity or too_much or not is_multiple(quantity, symbol.instrument.lot):
        raise filter_failure("LOT_SIZE")
    if market:
        too_much = symbol.max_market_quantity and quantity > symbol.max_market_quantity
        if too_much or not is_multiple(quantity, symbol.market_step):
            raise filter_failure("MARKET_LOT_SIZE")


def check_band(band: tuple[Decimal, Decimal, Decimal, Decimal], request: OrderRequest, average: Decimal) -> None:
    """PERCENT_PRICE_BY_SIDE."""
    low, high = band[:2] if request.side is Side.BUY else band[2:]
    if not average * low <= request.price <= average * high:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def check_value(symbol: BinanceSymbol, request: OrderRequest, tape: Tape, now: int) -> None:
    """NOTIONAL, or the older MIN_NOTIONAL. An order without a price is valued at the average."""
    unpriced = not request.price
    if unpriced and not symbol.min_applies_to_market:
        return
    price = request.price or request.stop_price or tape.average(5, now)
    value = request.quantity * price if request.quantity else request.quote_quantity
    if not value:
        return
    too_much = symbol.max_notional and not unpriced and value > symbol.max_notional
    if value < symbol.min_notional or too_much:
        raise filter_failure("NOTIONAL" if "NOTIONAL" in symbol.filters else "MIN_NOTIONAL")


def check_room(symbol: BinanceSymbol, account: Account, requests: list[OrderRequest]) -> None:
    """MAX_NUM_ORDERS, MAX_NUM_ALGO_ORDERS."""
    if not account.open_orders and len(requests) == 1:
        return
    ours = [order for order in account.open_orders.values() if order.symbol == symbol.instrument.symbol]
    most = symbol.filters.get("MAX_NUM_ORDERS", {}).get("maxNumOrders", 0)
    if most and len(ours) + len(requests) > most:
        raise filter_failure("MAX_NUM_ORDERS")
    algo = sum(order.type in STOPS for order in ours)
    new_algo = sum(request.type in STOPS for request in requests)
    most_algo = symbol.filters.get("MAX_NUM_ALGO_ORDERS", {}).get("maxNumAlgoOrders", 0)
    if new_algo and most_algo and algo + new_algo > most_algo:
        raise filter_failure("MAX_NUM_ALGO_ORDERS")


def check_positive(name: str, value: Decimal | None) -> Decimal:
    """Nothing may be zero or less."""
    if value is None or value <= ZERO:
        raise BinanceError(-1013, f"Invalid {name}.")
    return value
