"""What a broker holds and earned today, as the limits need it, in few statements."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.kinds import LotStatus
from aristobot.money import ZERO, times
from aristobot.orders import OrderStatus
from aristobot.store.tenancy import GuardedSession
from aristobot.store.trading_tables import Order, PositionRow


@dataclass(frozen=True, slots=True)
class Holdings:
    """Open positions of one broker valued at their last prices, in quote; what was realised since `midnight`."""

    symbol_notional: Decimal
    total_notional: Decimal
    open_positions: int
    realised_today: Decimal
    unknown_on_symbol: bool


def of_broker(session: GuardedSession, broker_id: uuid.UUID, symbol: str, midnight: datetime) -> Holdings:
    """Read the holdings; `unknown_on_symbol` says whether an order on this symbol is still in doubt."""
    open_or_today = sa.or_(col(PositionRow.status) == LotStatus.OPEN, col(PositionRow.closed_at) >= midnight)
    rows = session.exec(select(PositionRow).where(PositionRow.broker_id == broker_id, open_or_today)).all()
    opened = [row for row in rows if row.status is LotStatus.OPEN]
    doubt = select(Order.id).where(Order.broker_id == broker_id, Order.symbol == symbol, Order.status == OrderStatus.UNKNOWN)
    return Holdings(
        symbol_notional=sum((_worth(row) for row in opened if row.symbol == symbol), ZERO),
        total_notional=sum((_worth(row) for row in opened), ZERO),
        open_positions=len(opened),
        realised_today=sum((row.realised for row in rows), ZERO),
        unknown_on_symbol=session.exec(doubt.limit(1)).first() is not None,
    )


def _worth(row: PositionRow) -> Decimal:
    return times(row.quantity, row.current_price)
