"""Searches of users: in processes of their own, everybody in turn, stopped and gone on with, kept through a restart."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest

from aristobot.candle_files import CandleFiles
from aristobot.candle_series import CandleSeries
from aristobot.errors import AccessDenied, Conflict, InvalidInput, NotFound
from aristobot.kinds import Role, SamplerKind, StudyStatus, TokenScope
from aristobot.market import Timeframe
from aristobot.research_events import StudyFinished, StudyProgressed
from aristobot.search.spans import Plan, Scheme
from aristobot.store.study_tables import Study
from services.fair_line import FairLine
from services.study_desk import StudyDesk
from services.study_sources import findings_of
from services.study_wish import StudyWish
from tests.services.searching import WAVES, waves
from tests.street import HAND, Person, Street, alice, bob, street

__all__ = ["alice", "bob", "street"]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

#: Trials that nobody waits for.
A_LOT = 2304


def a_search(**differences: Any) -> StudyWish:
    """The waves: when to enter, at a fixed phase to leave."""
    given: dict[str, Any] = {
        "strategy": "Waves",
        "text": WAVES,
        "exchange": "binance",
        "symbol": "BTC/USDT",
        "timeframe": "1h",
        "since": datetime(2024, 1, 1, tzinfo=UTC),
        "until": datetime(2024, 2, 20, tzinfo=UTC),
        "asked": {"enter": "20:45:5", "leave": "12"},
        "goal": "net_profit",
        "least_trades": 3,
        "trials": 20,
        "sampler": SamplerKind.GRID,
        "workers": 1,
    }
    return StudyWish(**(given | differences))


def furnish(house: Street) -> None:
    """Put 1,200 hours of waves into the store."""
    series = CandleSeries("binance", "BTC/USDT", Timeframe.H1)
    CandleFiles(house.app.settings.data_dir).merge(series, waves(), house.app.clock.now())


@asynccontextmanager
async def searching(house: Street) -> AsyncIterator[StudyDesk]:
    """The desk with its workers."""
    working = asyncio.create_task(house.app.studies.queue.run())
    try:
        yield house.app.studies
    finally:
        working.cancel()
        await asyncio.wait({working})


async def over(house: Street, row: Study) -> Study:
    """The search once nothing more will come of it."""
    async with asyncio.timeout(40):
        while (found := await house.app.studies.get(row.user_id, row.id)).status.is_under_way:
            await house.app.clock.sleep(0.02)
    return found


async def until_tried(house: Street, row: Study, before: int = 0) -> int:
    """How many sets have been tried, as soon as it is more than before."""
    async with asyncio.timeout(40):
        while (count := await house.app.studies.count(row.user_id, row.id)) <= before:
            await house.app.clock.sleep(0.02)
    return count


async def test_a_search_is_told_while_it_goes_on_and_kept_with_what_it_found(street: Street, alice: Person, bob: Person) -> None:
    furnish(street)
    heard: list[Any] = []
    street.app.bus.listen(StudyProgressed, StudyFinished, do=heard.append, user_id=alice.id)
    async with searching(street) as desk:
        row = await over(street, await desk.start(alice.id, a_search()))
        while not isinstance(heard[-1], StudyFinished):  # its process has kept the answer and is on its way out
            await street.app.clock.sleep(0.02)
    assert (row.status, row.error) == (StudyStatus.DONE, ""), row.error_facts
    found = findings_of(row)
    assert found is not None
    assert found.best[0].learned.parameters == {"enter": 35, "leave": 12}
    assert (found.tried, row.data_hash != "") == (6, True)
    best = await desk.best(alice.id, row.id)
    assert best is not None
    assert best.score == found.best[0].learned.score
    assert [one.number for one in await desk.trials(alice.id, row.id, limit=2)] == [5, 4]

    told = [one for one in heard if isinstance(one, StudyProgressed)]
    assert [one.stage for one in told] == ["queued", "searching", "weighing"]
    assert (told[-1].done, told[-1].total, told[-1].best) == (6, 6, best.score)
    assert heard[-1].status == "done"
    with pytest.raises(Conflict):
        await desk.resume(alice.id, row.id)
    for act in (desk.get, desk.trials, desk.best, desk.cancel, desk.resume, desk.delete):
        with pytest.raises(NotFound):
            await act(bob.id, row.id)
    await desk.delete(alice.id, row.id)
    assert await desk.recent(alice.id) == []


async def test_a_search_that_was_stopped_goes_on_where_it_was(street: Street, alice: Person) -> None:
    furnish(street)
    async with searching(street) as desk:
        row = await desk.start(alice.id, a_search(asked={}, trials=A_LOT))
        await until_tried(street, row)
        await desk.cancel(alice.id, row.id)
        stopped, before = await desk.get(alice.id, row.id), await desk.count(alice.id, row.id)
        assert stopped.status is StudyStatus.STOPPED
        assert 0 < before < A_LOT
        await desk.resume(alice.id, row.id)
        await until_tried(street, row, before)
        await desk.delete(alice.id, row.id)
    assert await desk.recent(alice.id) == []


async def test_what_was_under_way_when_the_house_ended_is_interrupted_and_can_go_on(street: Street, alice: Person) -> None:
    furnish(street)
    async with searching(street) as desk:
        row = await desk.start(alice.id, a_search(asked={}, trials=A_LOT))
        await until_tried(street, row)
    app = street.app
    again = StudyDesk(app.db, app.bus, app.clock, app.settings, app.backtester.sources, app.backtester.candles)
    working = asyncio.create_task(again.queue.run())
    assert (await over(street, row)).status is StudyStatus.INTERRUPTED
    kept = await again.count(alice.id, row.id)
    await again.resume(alice.id, row.id)
    await until_tried(street, row, kept)
    working.cancel()
    await asyncio.wait({working})


async def test_what_cannot_be_searched_is_said_at_its_field_or_kept_as_the_reason(street: Street, alice: Person) -> None:
    furnish(street)
    for change, code, field in (
        ({"goal": "beauty"}, "no_such_figure", "goal"),
        ({"asked": {"slow": "3:9"}}, "unknown_parameter", "slow"),
        ({"asked": {"enter": "9:7"}}, "bad_strategy_parameter", "enter"),
        ({"asked": {"enter": "7", "leave": "9"}}, "nothing_to_search", "param"),
        ({"trials": 0}, "out_of_range", "trials"),
        ({"plan": Plan(Scheme.SPLIT, train=0.05)}, "out_of_range", "train"),
        ({"until": datetime(2023, 1, 1, tzinfo=UTC)}, "nothing_between", "since"),
        ({"cash": Decimal(0)}, "cash_out_of_range", "cash"),
        ({"costs": {"maker": "0.5"}}, "cost_out_of_range", "maker"),
        ({"scheduler": "localhost"}, "bad_scheduler_address", "scheduler"),
    ):
        with pytest.raises(InvalidInput) as caught:
            await street.app.studies.start(alice.id, a_search(**change))
        assert (caught.value.code, caught.value.field) == (code, field)
    async with searching(street) as desk:
        few = await over(street, await desk.start(alice.id, a_search(until=datetime(2024, 1, 3, tzinfo=UTC))))
    assert (few.status, few.error) == (StudyStatus.FAILED, "too_little_to_search")


async def test_everybody_has_a_turn_before_anybody_has_two(street: Street) -> None:
    line, one, two = FairLine(), uuid.uuid4(), uuid.uuid4()
    rows = [Study(user_id=user, strategy=name, code="") for user, name in ((one, "a"), (one, "b"), (one, "c"), (two, "d"))]
    for row in [*rows, *rows]:  # who asks twice waits once
        line.put(row)
    assert [(await line.next()).strategy for _ in rows] == ["a", "d", "b", "c"]


async def test_a_cluster_is_tried_before_it_is_used_and_by_administrators_alone(
    street: Street, alice: Person, bob: Person
) -> None:
    desk = street.app.studies
    for act in (desk.try_scheduler(bob.id, "tcp://127.0.0.1:1"), desk.start(bob.id, a_search(scheduler="tcp://127.0.0.1:1"))):
        with pytest.raises(AccessDenied, match="scheduler_for_administrators"):
            await act
    with pytest.raises(InvalidInput, match="bad_scheduler_address"):
        await desk.try_scheduler(alice.id, "file:///etc/passwd")
    furnish(street)
    distributed: Any = import_module("distributed")  # it has no types
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "host": "127.0.0.1"}
    async with distributed.LocalCluster(n_workers=1, asynchronous=True, **options) as cluster, searching(street):
        address = cluster.scheduler_address
        assert await desk.try_scheduler(alice.id, address) == 1
        row = await over(street, await desk.start(alice.id, a_search(scheduler=address)))
    assert row.status is StudyStatus.DONE, row.error_facts


async def test_who_only_looks_starts_nothing(street: Street, alice: Person) -> None:
    vera = await street.person("Vera", TokenScope.READ)
    await street.app.accounts.household.change(vera.id, HAND, role=Role.VIEWER)
    with pytest.raises(AccessDenied):
        await street.app.studies.start(vera.id, a_search())
    assert await street.app.studies.recent(vera.id) == []
