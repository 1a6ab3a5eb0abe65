"""Would Kraken take this order? State of the market, decimals, ticks, minimums, in the order in which it complains."""

from __future__ import annotations

from decimal import Decimal

from aristobot.orders import OrderType
from services.simulator.kraken_catalogue import KrakenPair
from services.simulator.kraken_errors import KrakenError, invalid
from services.simulator.kraken_requests import Wanted
from services.simulator.prices import Tape
from services.simulator.records import Account

#: Open orders of one account on one pair.
MOST_OPEN = 80


def check_order(wanted: Wanted, tape: Tape) -> None:
    """Raise KrakenError when the pair refuses this order."""
    pair = wanted.pair
    check_state(wanted)
    for price in (wanted.price, wanted.stop_price):
        check_price(pair, price)
    if wanted.close is not None:
        for price in (wanted.close.price, wanted.close.stop_price):
            check_price(pair, price)
    volume = wanted.volume
    if wanted.in_quote:
        volume /= tape.quote.against(wanted.side)
    check_volume(pair, volume, exact=not wanted.in_quote)
    price = wanted.price or wanted.stop_price or tape.last
    if volume * price < pair.cost_min:
        raise KrakenError("EOrder:Cost minimum not met")


def check_state(wanted: Wanted) -> None:
    """Some markets only take some orders."""
    status = wanted.pair.status
    resting = "post" in wanted.flags
    limited = wanted.type is OrderType.LIMIT
    if status == "online" or (status == "post_only" and resting) or (status == "limit_only" and limited):
        return
    raise KrakenError(f"EService:Market in {status} mode")


def check_price(pair: KrakenPair, price: Decimal) -> None:
    """A price has so many decimals, and lies on the grid."""
    if price != price.quantize(Decimal(1).scaleb(-pair.price_decimals)):
        decimals = pair.price_decimals
        raise KrakenError(f"EOrder:Invalid price:{pair.altname} price can only be specified up to {decimals} decimals.")
    if price % pair.instrument.tick:
        raise KrakenError("EOrder:Tick size check failed")


def check_volume(pair: KrakenPair, volume: Decimal, *, exact: bool = True) -> None:
    """A volume has so many decimals, and is not too small."""
    if exact and volume % pair.instrument.lot:
        raise invalid("volume")
    if volume < pair.instrument.min_quantity:
        raise KrakenError("EOrder:Order minimum not met")


def check_room(account: Account, pair: KrakenPair) -> None:
    """An account has so many open orders on a pair, and no more."""
    if len(account.open_orders) < MOST_OPEN:
        return
    if sum(order.symbol == pair.name for order in account.open_orders.values()) >= MOST_OPEN:
        raise KrakenError("EOrder:Orders limit exceeded")
