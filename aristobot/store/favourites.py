"""The pairs that a user wants to find first."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from aristobot.market import Symbol
from aristobot.store.tables import Favourite
from aristobot.store.tenancy import GuardedSession, insert_once, owner_of


def mine(session: GuardedSession, exchange: str) -> list[Symbol]:
    """The favourites on an exchange, in the order in which they were chosen."""
    chosen = select(Favourite).where(Favourite.exchange == exchange)
    return [row.symbol for row in session.exec(chosen.order_by(col(Favourite.created_at), col(Favourite.symbol)))]


def add(session: GuardedSession, exchange: str, symbol: Symbol, now: datetime) -> None:
    """Choose a pair; one that is chosen already stays where it is."""
    values = {"user_id": owner_of(session), "exchange": exchange, "symbol": symbol, "created_at": now}
    insert_once(session, Favourite, values, ["user_id", "exchange", "symbol"])


def remove(session: GuardedSession, exchange: str, symbol: Symbol) -> None:
    """Choose a pair no more; one that was not chosen is no fault."""
    session.exec(sa.delete(Favourite).where(col(Favourite.exchange) == exchange, col(Favourite.symbol) == symbol))
