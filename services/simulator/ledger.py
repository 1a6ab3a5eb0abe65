"""The truth, for who wants to compare: every order, every execution, every balance of every account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from aristobot.clock import from_milliseconds, iso_milliseconds
from aristobot.money import plain
from services.simulator.journal import Entry
from services.simulator.records import Account, Fill, Names, Order

Json = dict[str, Any]


def moment(milliseconds: int) -> str | None:
    """ISO 8601 with milliseconds; None for what has not happened."""
    return iso_milliseconds(from_milliseconds(milliseconds)) if milliseconds >= 0 else None


def told_order(order: Order, names: Names) -> Json:
    """One order."""
    account = order.account
    return {
        "exchange": account.exchange,
        "key": account.key,
        "symbol": order.symbol,
        "order_id": names.order(order),
        "client_order_id": order.client_id,
        "list_id": str(order.group.id) if order.group else None,
        "list_client_id": order.group.client_id if order.group else None,
        "side": order.side.value,
        "type": order.type.value,
        "price": plain(order.price),
        "stop_price": plain(order.stop_price),
        "quantity": plain(order.quantity),
        "quote_quantity": plain(order.quote_quantity),
        "filled": plain(order.filled),
        "quote_filled": plain(order.quote_filled),
        "status": order.status.value,
        "former": [_told_terms(*terms) for terms in order.former],
        "accepted_at": moment(order.accepted_at),
        "done_at": moment(order.done_at),
    }


def _told_terms(until: int, quantity: Decimal, price: Decimal, stop_price: Decimal) -> Json:
    """What an order was before it was amended."""
    return {"until": moment(until), "quantity": plain(quantity), "price": plain(price), "stop_price": plain(stop_price)}


def told_fill(fill: Fill, names: Names) -> Json:
    """One execution."""
    order = fill.order
    return {
        "exchange": order.account.exchange,
        "key": order.account.key,
        "symbol": order.symbol,
        "order_id": names.order(order),
        "client_order_id": order.client_id,
        "trade_id": names.fill(fill),
        "side": order.side.value,
        "price": plain(fill.price),
        "quantity": plain(fill.quantity),
        "fee": plain(fill.fee),
        "fee_asset": fill.fee_asset,
        "maker": fill.maker,
        "at": moment(fill.at),
    }


def told_balances(accounts: Iterable[Account]) -> Json:
    """`{exchange: {key: {asset: {free, locked, deposited}}}}`."""
    balances: dict[str, dict[str, Json]] = {}
    for account in accounts:
        balances.setdefault(account.exchange, {})[account.key] = {
            asset: {
                "free": plain(holding.free),
                "locked": plain(holding.locked),
                "deposited": plain(account.deposited.get(asset, holding.free * 0)),
            }
            for asset, holding in account.holdings.items()
        }
    return balances


def ledger(accounts: Iterable[Account], names: Mapping[str, Names]) -> Json:
    """Everything, in the order in which it was accepted and executed; ids as each exchange tells them."""
    known = list(accounts)
    orders = sorted((order for account in known for order in account.orders.values()), key=lambda order: order.accepted_at)
    fills = sorted((fill for account in known for fill in account.fills), key=lambda fill: fill.at)
    return {
        "orders": [told_order(order, names[order.account.exchange]) for order in orders],
        "fills": [told_fill(fill, names[fill.order.account.exchange]) for fill in fills],
        "balances": told_balances(known),
    }


def told_request(entry: Entry) -> Json:
    """One request as it was received."""
    return {
        "exchange": entry.exchange,
        "key": entry.key,
        "method": entry.method,
        "path": entry.path,
        "time": moment(entry.at),
        "event": entry.event,
        "client_order_id": entry.client_order_id or None,
        "outcome": entry.outcome,
        "fault": entry.fault or None,
    }
