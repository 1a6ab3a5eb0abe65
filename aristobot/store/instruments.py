"""What can be traded, as each exchange's catalogue last said. Written by SYSTEM, read by everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from aristobot.market import Instrument, Symbol
from aristobot.store.questions import Question
from aristobot.store.tables import InstrumentRow
from aristobot.store.tenancy import GuardedSession

_NAMES = Instrument.__struct_fields__
_COLUMNS = [getattr(InstrumentRow, name) for name in _NAMES]


@dataclass(frozen=True, slots=True)
class Difference:
    """Instruments that are new, instruments that say something else now, and symbols that are gone."""

    added: tuple[Instrument, ...] = ()
    changed: tuple[Instrument, ...] = ()
    removed: tuple[Symbol, ...] = ()

    def parts(self, size: int) -> list[Difference]:
        """The same, `size` instruments at a time; what goes, goes last."""
        new = [Difference(added=self.added[i : i + size]) for i in range(0, len(self.added), size)]
        other = [Difference(changed=self.changed[i : i + size]) for i in range(0, len(self.changed), size)]
        gone = [Difference(removed=self.removed[i : i + size]) for i in range(0, len(self.removed), size)]
        return [*new, *other, *gone]

    @property
    def size(self) -> int:
        """How many instruments it concerns."""
        return len(self.added) + len(self.changed) + len(self.removed)


def get(session: GuardedSession, exchange: str, symbol: Symbol) -> Instrument | None:
    """The instrument, or None when the catalogue does not have it."""
    row = session.execute(_wanted(exchange).where(col(InstrumentRow.symbol) == symbol)).one_or_none()
    return None if row is None else _value(row)


def all_of(session: GuardedSession, exchange: str) -> list[Instrument]:
    """The whole catalogue of an exchange, by symbol."""
    return [_value(row) for row in _ALL_OF.all(session, exchange=exchange)]


_ALL_OF = Question[tuple[Any, ...]](
    sa.select(*_COLUMNS).where(col(InstrumentRow.exchange) == sa.bindparam("exchange")).order_by(col(InstrumentRow.symbol))
)


def symbols(session: GuardedSession, exchange: str) -> list[Symbol]:
    """The symbols of an exchange, in order."""
    wanted = sa.select(col(InstrumentRow.symbol)).where(col(InstrumentRow.exchange) == exchange)
    return list(session.scalars(wanted.order_by(col(InstrumentRow.symbol))))


def search(
    session: GuardedSession, exchange: str, quote: str = "", text: str = "", limit: int = 50, beyond: int = 0
) -> list[Instrument]:
    """Instruments whose symbol contains `text`, those that begin with it first; `quote` narrows. Case does not count.

    At most `limit` of them, beyond the first so many.
    """
    wanted, text = _wanted(exchange), text.strip().upper()
    if quote:
        wanted = wanted.where(col(InstrumentRow.quote) == quote.strip().upper())
    if text:
        begins = col(InstrumentRow.symbol).startswith(text, autoescape=True)
        rank = sa.case((col(InstrumentRow.base) == text, 0), (begins, 1), else_=2)
        wanted = wanted.where(col(InstrumentRow.symbol).contains(text, autoescape=True)).order_by(rank)
    return [_value(row) for row in session.execute(wanted.order_by(col(InstrumentRow.symbol)).limit(limit).offset(beyond))]


def difference(session: GuardedSession, exchange: str, listed: Iterable[Instrument]) -> Difference:
    """What has to be written and what has to go for the catalogue to say exactly what the exchange says."""
    wanted = {one.symbol: one for one in listed}
    known = {one.symbol: one for one in all_of(session, exchange)}
    added = tuple(one for symbol, one in wanted.items() if symbol not in known)
    changed = tuple(one for symbol, one in wanted.items() if symbol in known and known[symbol] != one)
    return Difference(added, changed, tuple(sorted(known.keys() - wanted.keys())))


def apply(session: GuardedSession, exchange: str, wanted: Difference, now: datetime) -> None:
    """Write a difference, or a part of one."""
    if wanted.added:  # thousands at a first start
        session.execute(sa.insert(InstrumentRow), [{**_columns_of(one), "updated_at": now} for one in wanted.added])
    for one in wanted.changed:
        row = session.get_one(InstrumentRow, (exchange, one.symbol))
        for name, value in _columns_of(one).items():
            setattr(row, name, value)
        row.updated_at = now
    if wanted.removed:
        gone = sa.delete(InstrumentRow).where(col(InstrumentRow.exchange) == exchange)
        session.execute(gone.where(col(InstrumentRow.symbol).in_(wanted.removed)))
    session.flush()


def _wanted(exchange: str) -> Any:
    return sa.select(*_COLUMNS).where(col(InstrumentRow.exchange) == exchange)


def _value(row: Any) -> Instrument:
    values = dict(zip(_NAMES, row, strict=True))
    return Instrument(**{**values, "order_types": frozenset(values["order_types"] or ())})


def _columns_of(one: Instrument) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in _NAMES}
    return {**values, "order_types": sorted(one.order_types)}
