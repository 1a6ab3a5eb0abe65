"""Kraken's JSON of orders, executions and balances, as the REST interface tells them; ids and times of both interfaces."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aristobot.matching import STOPS
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, OrderType
from services.simulator.kraken_requests import LIMITED_STOPS, WORDS, Wanted
from services.simulator.records import Fill, Order, Reason

Json = dict[str, Any]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
STATUS = {
    OrderStatus.PENDING: "pending",
    OrderStatus.OPEN: "open",
    OrderStatus.PARTIALLY_FILLED: "open",
    OrderStatus.FILLED: "closed",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "canceled",
    OrderStatus.REJECTED: "canceled",
}
_REASONS = {Reason.INSUFFICIENT_FUNDS: "Insufficient funds", Reason.WOULD_MATCH: "Post only order"}


def made_id(letter: str, *seeds: object) -> str:
    """An id in Kraken's form, `OXXXXX-XXXXX-XXXXXX`; the same seeds make the same."""
    number = int.from_bytes(hashlib.sha256(":".join(map(str, seeds)).encode()).digest()[:10], "big")
    text = letter + "".join(_LETTERS[number >> shift & 31] for shift in range(0, 75, 5))
    return f"{text[:6]}-{text[6:11]}-{text[11:]}"


def order_id(order: Order) -> str:
    """`txid` of an order."""
    return str(order.tags["txid"])


def fill_id(fill: Fill) -> str:
    """`txid` of an execution."""
    names = fill.order.tags.setdefault("fills", {})
    assert isinstance(names, dict)
    name = names.get(fill.trade_id)
    if name is None:
        name = names[fill.trade_id] = made_id("T", fill.order.tags["txid"], fill.trade_id)
    return str(name)


def wanted_of(order: Order) -> Wanted:
    """What was asked for, at first."""
    wanted = order.tags["wanted"]
    assert isinstance(wanted, Wanted)
    return wanted


def is_expired(order: Order) -> bool:
    """Whether its time was over; what merely found nobody to take it is called cancelled."""
    expires = wanted_of(order).expires_at
    return order.status is OrderStatus.EXPIRED and bool(expires) and order.done_at >= expires


def reason_of(order: Order) -> str | None:
    """Why an order is no more; None when it was filled, or is open."""
    if order.is_open or order.status is OrderStatus.FILLED:
        return None
    if order.reason is not None:
        return _REASONS.get(order.reason, "Order canceled by the system")
    if order.status is OrderStatus.EXPIRED:
        return "Order expired" if is_expired(order) else "Unfilled remainder canceled"
    return "User requested"


def seconds(milliseconds: int) -> float:
    """A time as the REST interface writes it."""
    return milliseconds / 1000


def rfc3339(microseconds: int) -> str:
    """A time as the sockets write it."""
    moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{microseconds % 1_000_000:06d}Z"


def exact(value: Decimal, least: int) -> str:
    """All decimals that an amount has, and at least so many."""
    exponent = value.normalize().as_tuple().exponent
    return f"{value:.{max(least, -exponent if isinstance(exponent, int) else 0)}f}"


def average(order: Order) -> Decimal:
    """The average price of what is filled."""
    return order.quote_filled / order.filled if order.filled else ZERO


def total_fee(order: Order) -> Decimal:
    """All fees together, in the currency that the order prefers."""
    return sum((fill.fee for fill in order.fills), ZERO)


def described(order: Order) -> Json:
    """`descr`: as it was asked for, with the prices of today."""
    wanted = wanted_of(order)
    pair, stop = wanted.pair, order.type in STOPS
    first = order.stop_price if stop else order.price
    second = order.price if order.type in LIMITED_STOPS else ZERO
    return {
        "pair": pair.altname,
        "aclass": "forex",
        "type": order.side.value,
        "ordertype": WORDS[order.type],
        "price": f"{first:.{pair.price_decimals}f}" if first else "0",
        "price2": f"{second:.{pair.price_decimals}f}" if second else "0",
        "leverage": "none",
        "order": _words_of_today(order, wanted),
        "close": wanted.close_words(),
    }


def _words_of_today(order: Order, wanted: Wanted) -> str:
    if not order.amendments:
        return wanted.words()
    kind = OrderType.LIMIT if order.type is OrderType.LIMIT_MAKER else order.type
    today = Wanted(wanted.pair, order.side, kind, order.quantity, order.price, order.stop_price)
    return today.words()


def told(order: Order, *, with_fills: bool) -> Json:
    """An order, as OpenOrders, ClosedOrders and QueryOrders tell it."""
    wanted = wanted_of(order)
    pair = wanted.pair
    woken = order.awake and order.type in STOPS
    body: Json = {
        "refid": order.tags.get("refid"),
        "userref": wanted.userref,
        "status": "expired" if is_expired(order) else STATUS[order.status],
        "opentm": seconds(order.accepted_at),
        "starttm": 0,
        "expiretm": seconds(wanted.expires_at) if wanted.expires_at else 0,
        "descr": described(order),
        "vol": f"{order.quantity:.{pair.lot_decimals}f}",
        "vol_exec": f"{order.filled:.{pair.lot_decimals}f}",
        "cost": exact(order.quote_filled, pair.cost_decimals),
        "fee": exact(total_fee(order), pair.cost_decimals),
        "price": f"{average(order):.{max(5, pair.price_decimals)}f}",
        "stopprice": f"{order.stop_price if woken else ZERO:.5f}",
        "limitprice": f"{order.price if woken else ZERO:.5f}",
        "misc": ("stopped" if WORDS[order.type].startswith("stop") else "touched") if woken else "",
        "oflags": ",".join(wanted.flags),
    }
    if wanted.client_id:
        body["cl_ord_id"] = wanted.client_id
    if order.type in STOPS:
        body["trigger"] = wanted.trigger
    if not order.is_open:
        body |= {"reason": reason_of(order), "closetm": seconds(order.done_at)}
    if with_fills and order.fills:
        body["trades"] = [fill_id(fill) for fill in order.fills]
    return body


def traded(fill: Fill) -> Json:
    """An execution, as TradesHistory and QueryTrades tell it."""
    order = fill.order
    pair = wanted_of(order).pair
    return {
        "ordertxid": order_id(order),
        "postxid": made_id("T", "position", order_id(order)),
        "pair": pair.key,
        "aclass": "forex",
        "time": seconds(fill.at),
        "type": order.side.value,
        "ordertype": WORDS[order.type],
        "price": f"{fill.price:.{max(5, pair.price_decimals)}f}",
        "cost": exact(fill.value, pair.cost_decimals),
        "fee": exact(fill.fee, pair.cost_decimals),
        "vol": f"{fill.quantity:.8f}",
        "margin": "0.00000",
        "leverage": "0",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.maker,
    }
