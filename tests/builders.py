"""Things with sensible defaults: a test names only what matters to it."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from aristobot.kinds import OrderOrigin
from aristobot.market import FIGURES, Candle, Instrument, Timeframe
from aristobot.orders import Fill, OrderReport, OrderRequest, OrderStatus, OrderType, Side
from aristobot.store import instruments
from aristobot.store.database import Database
from aristobot.store.prepared import new_row
from aristobot.store.shelf import Shelf
from aristobot.store.strategy_tables import Activation
from aristobot.store.tables import Broker, User
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import FillRow, Order, PositionRow, Webhook, WebhookState

#: The moment at which a ManualClock starts.
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def a_shelf(folder: Path) -> Shelf:
    """A folder for backups in `folder`, and the key file beside it, made when it is first needed."""
    return Shelf(folder / "backups", folder / "secret.key")


def a_user(**differences: Any) -> User:
    """A trader called user-1, user-2… who cannot log in (the password hash is empty)."""
    name = differences.pop("name", f"user-{next(_numbers)}")
    return User(**{"name": name, "name_key": name.casefold(), "password_hash": "", "created_at": MIDNIGHT, **differences})


def a_broker(user: User | uuid.UUID, **differences: Any) -> Broker:
    """An account at Binance, switched off."""
    owner = user.id if isinstance(user, User) else user
    return Broker(**{"user_id": owner, "exchange": "binance", "name": "Main", "created_at": MIDNIGHT, **differences})


async def a_stored_broker(db: Database, **differences: Any) -> Broker:
    """An account whose owner exists, both in the memory."""
    user = a_user()
    broker = a_broker(user, **differences)
    await db.write(SYSTEM, lambda s: s.add_all([user, broker]))
    return broker


def an_instrument(symbol: str = "BTC/USDT", **differences: Any) -> Instrument:
    """A pair at Binance with steps of 0.01 and 0.00001."""
    base, _, quote = symbol.partition("/")
    defaults = {"exchange": "binance", "symbol": symbol, "base": base, "quote": quote}
    steps = {"tick": Decimal("0.01"), "lot": Decimal("0.00001"), "min_notional": Decimal(5)}
    return Instrument(**{**defaults, **steps, **differences})


def a_candle(**differences: Any) -> Candle:
    """A closed minute of BTC/USDT around 42,000."""
    defaults = {"symbol": "BTC/USDT", "timeframe": Timeframe.M1, "open_time": MIDNIGHT, "closed": True}
    figures = {"open": 42000, "high": 42100, "low": 41900, "close": 42050, "volume": Decimal("12.5")}
    given = {**defaults, **figures, **differences}
    return Candle.of(**{name: given[name] for name in defaults}, figures=[given[name] for name in FIGURES])


def an_order_request(**differences: Any) -> OrderRequest:
    """A market buy of 0.001 BTC."""
    defaults = {"client_order_id": uuid.uuid4().hex, "symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.MARKET}
    return OrderRequest(**{**defaults, "quantity": Decimal("0.001"), **differences})


def a_fill(**differences: Any) -> Fill:
    """0.001 BTC bought at 42,000, the fee in USDT."""
    defaults = {"trade_id": str(next(_numbers)), "symbol": "BTC/USDT", "side": Side.BUY, "at": MIDNIGHT}
    amounts = {"price": Decimal(42000), "quantity": Decimal("0.001"), "fee": Decimal("0.042"), "fee_asset": "USDT"}
    return Fill(**{**defaults, **amounts, **differences})


def an_order_report(**differences: Any) -> OrderReport:
    """A market buy that rests, nothing filled."""
    ids = {"client_order_id": uuid.uuid4().hex, "exchange_order_id": str(next(_numbers)), "symbol": "BTC/USDT"}
    kind = {"side": Side.BUY, "type": OrderType.MARKET, "status": OrderStatus.OPEN, "at": MIDNIGHT}
    return OrderReport(**{**ids, **kind, "quantity": Decimal("0.001"), "filled": Decimal(0), **differences})


def an_order(broker: Broker, **differences: Any) -> Order:
    """The row of a market buy of 0.001 BTC by hand, not sent yet."""
    owner = {"user_id": broker.user_id, "broker_id": broker.id, "origin": OrderOrigin.MANUAL, "owner": "manual"}
    what = {"symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.MARKET, "quantity": Decimal("0.001")}
    return Order(**{**owner, **what, "created_at": MIDNIGHT, "updated_at": MIDNIGHT, **differences})


def a_ready_order(user_id: uuid.UUID, broker_id: uuid.UUID, /, **differences: Any) -> Order:
    """The row of a limit buy for alerts, as the desk makes it ready."""
    order_id = uuid.uuid4()
    whose = {"id": order_id, "client_order_id": order_id.hex, "user_id": user_id, "broker_id": broker_id, "owner": "webhooks"}
    what = {"symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.LIMIT, "quantity": Decimal(1)}
    when = {"created_at": MIDNIGHT, "updated_at": MIDNIGHT}
    return new_row(Order, {**whose, **what, **when, "origin": OrderOrigin.WEBHOOK, **differences})


def a_fill_row(order: Order, **differences: Any) -> FillRow:
    """The whole quantity of an order, filled at 42,000."""
    owner = {"user_id": order.user_id, "broker_id": order.broker_id, "order_id": order.id, "position_id": order.position_id}
    what = {"symbol": order.symbol, "side": order.side, "quantity": order.quantity, "price": Decimal(42000), "fee_asset": "USDT"}
    return FillRow(**{**owner, **what, "trade_id": str(next(_numbers)), "at": MIDNIGHT, **differences})


def a_position(broker: Broker, **differences: Any) -> PositionRow:
    """An open position of 0.001 BTC, entered at 42,000 through alerts."""
    owner = {"user_id": broker.user_id, "broker_id": broker.id, "owner": "webhooks"}
    what = {"symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "quantity": Decimal("0.001"), "entry": Decimal(42000)}
    return PositionRow(**{**owner, **what, "cost": Decimal(42), "opened_at": MIDNIGHT, **differences})


def an_activation(broker: Broker, version_id: uuid.UUID, **differences: Any) -> Activation:
    """A version that may spend 100 on bitcoins, and does not run."""
    what = {"symbol": "BTC/USDT", "timeframe": "1m", "allotted": Decimal(100), "created_at": MIDNIGHT, "updated_at": MIDNIGHT}
    return Activation(user_id=broker.user_id, broker_id=broker.id, version_id=version_id, **{**what, **differences})


def a_webhook(broker: Broker, **differences: Any) -> Webhook:
    """An alert as it arrived, not looked at yet."""
    owner = {"user_id": broker.user_id, "broker_id": broker.id, "dedupe_key": f"key-{next(_numbers)}"}
    return Webhook(**{**owner, "received_at": MIDNIGHT, "payload": b"{}", "trace_id": uuid.uuid4().hex, **differences})


def a_webhook_state(broker: Broker, **differences: Any) -> WebhookState:
    """An open position as alerts see it."""
    owner = {"user_id": broker.user_id, "broker_id": broker.id, "symbol": "BTC/USDT"}
    return WebhookState(**{**owner, "opened_at": MIDNIGHT, "updated_at": MIDNIGHT, **differences})


def list_instruments(
    session: GuardedSession, exchange: str, listed: Iterable[Instrument], now: datetime
) -> instruments.Difference:
    """Make the catalogue say exactly this; what had to be written for it."""
    found = instruments.difference(session, exchange, listed)
    instruments.apply(session, exchange, found, now)
    return found
