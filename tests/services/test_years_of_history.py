"""A household's history grows for years. What is asked while an order is under way looks at none of it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import SQLModel

from aristobot.clock import SystemClock
from aristobot.store import planner
from aristobot.store.database import HouseConnection, make_engine
from aristobot.store.questions import Question
from aristobot.store.tenancy import GuardedSession
from tests.services.trading import Trader, TradingHouse

#: What gets a row with each alert, order, execution, notice.
GROWING = ("orders", "fills", "positions", "brackets", "webhooks", "webhook_states", "dust_moves", "strangers", "notifications")
#: Indices that hold what is open, or unread, and nothing else.
FEW = ("ix_positions_user_id_broker_id_symbol_owner", "ix_notifications_unread")
#: A step that goes through all of a table, or through all that one user or one broker ever had in it.
ALL_OF_IT = re.compile(rf"SCAN ({'|'.join(GROWING)})\b|SEARCH ({'|'.join(GROWING)}) .*\((user_id|broker_id)=\?\)$")


@contextmanager
def plans() -> Iterator[dict[str, list[str]]]:
    """How SQLite finds the rows of each statement meanwhile, but of lists that end after so many lines."""
    found: dict[str, list[str]] = {}

    def explain(driver: sqlite3.Connection, text: str, values: Any) -> None:
        if text.startswith(("SELECT", "UPDATE", "DELETE")) and "LIMIT" not in text:
            found[text] = [step for *_, step in sqlite3.Connection.execute(driver, f"EXPLAIN QUERY PLAN {text}", values)]

    def by_sqlalchemy(connection: sa.Connection, _cursor: object, text: str, values: Any, _context: object, many: bool) -> None:
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection) and not many:
            explain(driver, text, values)

    def directly(driver: sqlite3.Connection, text: str, values: Any = ()) -> sqlite3.Cursor:
        explain(driver, text, values)
        return sqlite3.Connection.execute(driver, text, values)

    event.listen(sa.Engine, "after_cursor_execute", by_sqlalchemy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HouseConnection, "execute", directly)
        yield found
    event.remove(sa.Engine, "after_cursor_execute", by_sqlalchemy)


def slow_with_the_years(found: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Statements, from their FROM on, with the step that would take longer each year."""
    return [
        (text[text.find("FROM") :], step)
        for text, steps in found.items()
        for step in steps
        if ALL_OF_IT.search(step) and not any(few in step for few in FEW)
    ]


async def test_an_alert_is_worked_off_without_a_look_at_all_that_ever_was(house: TradingHouse, trader: Trader) -> None:
    with plans() as found:
        await house.buy(trader, stop_loss="-2%", take_profit="+3%")
        await house.alert(trader, action="MAJ", stop_loss="59500", take_profit=[["50%", "+3%"], ["50%", "+6%"]])
        house.price("61900")
        await house.holds(trader, "0.04162667")
        await house.alert(trader, action="SellMarket")
        await house.closed(trader)
    assert len(found) > 40
    assert slow_with_the_years(found) == []


async def test_a_start_looks_once_for_what_changed_lately_and_else_at_what_is_open_alone(
    house: TradingHouse, trader: Trader
) -> None:
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    with plans() as found:
        await house.restart()
        await house.guarded(trader, ("stop", "0.08324", "58800"), ("target", "0.08324", "61800"))
    once = {text: steps for text, steps in found.items() if "updated_at >= ?" in text}
    assert slow_with_the_years({text: steps for text, steps in found.items() if text not in once}) == []
    assert len(once) == 2


async def test_the_rounds_of_all_services_look_at_what_is_open_alone(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    with plans() as found:
        await SystemClock().sleep(130)
    assert {"strangers", "positions", "orders", "fills"} <= {name for text in found for name in GROWING if f"FROM {name}" in text}
    assert slow_with_the_years(found) == []


async def test_what_is_only_read_on_the_way_is_what_the_object_mapper_would_tell(
    house: TradingHouse, trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[int] = set()
    differ: list[object] = []
    directly = Question.all

    def both_ways(question: Question[Any], session: GuardedSession, **values: object) -> list[Any]:
        answers = directly(question, session, **values)
        if session.only_reads_sqlite:
            asked.add(id(question))
            mapped = question._by_mapper(session, values)
            differ.extend(pair for pair in zip_longest(map(_plain, answers), map(_plain, mapped)) if pair[0] != pair[1])
        return answers

    monkeypatch.setattr(Question, "all", both_ways)
    await house.buy(trader, stop_loss="-2%", take_profit="+3%")
    await house.alert(trader, action="MAJ", stop_loss="59500", take_profit=[["50%", "+3%"], ["50%", "+6%"]])
    house.price("61900")
    await house.holds(trader, "0.04162667")
    await house.restart()
    await SystemClock().sleep(60)
    await house.alert(trader, action="SellMarket")
    await house.closed(trader)
    assert len(asked) > 25
    assert differ == []


def _plain(answer: Any) -> Any:
    """Rows of models by their columns."""
    if isinstance(answer, tuple):
        return [_plain(one) for one in answer]
    return {**vars(answer), "_sa_instance_state": None} if isinstance(answer, SQLModel) else answer


def test_what_the_planner_is_told_stands_in_every_file_and_is_written_once(house: TradingHouse) -> None:
    engine = make_engine(house.app.db.url)
    with engine.begin() as connection:
        before = connection.exec_driver_sql("SELECT * FROM sqlite_stat1 ORDER BY idx").all()
        planner.inform(connection)
        assert connection.exec_driver_sql("SELECT total_changes()").scalar_one() == 0
        assert ("orders", "ix_orders_recent", "1000000 100000 10") in before
        connection.exec_driver_sql("DELETE FROM sqlite_stat1 WHERE tbl = 'orders'")
        planner.inform(connection)
        assert connection.exec_driver_sql("SELECT * FROM sqlite_stat1 ORDER BY idx").all() == before
    engine.dispose()
