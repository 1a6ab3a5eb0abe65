"""Searches: the same ones with the same seed, gone on with after a stop, shared by machines, on a cluster, behind walls."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import msgspec
import pytest

from aristobot.clock import SystemClock
from aristobot.errors import ConfigurationError, StrategyError
from aristobot.kinds import SamplerKind, StudyStatus
from aristobot.search.definition import Definition
from aristobot.search.findings import Findings
from aristobot.search.space import Axis
from aristobot.search.spans import Plan, Scheme
from aristobot.store import studies, users
from aristobot.store.database import Database
from aristobot.store.study_tables import Study
from aristobot.store.tenancy import SYSTEM
from services.optimiser import Advance, Optimiser
from services.study_book import StudyBook
from services.trial_crew import crew
from tests.builders import a_user
from tests.services.searching import WAVES, a_definition, waves

ROWS = waves()


async def a_study(db: Database, user: uuid.UUID, definition: Definition, code: str = WAVES) -> uuid.UUID:
    """A study that has just been asked for."""
    row = Study(
        user_id=user, strategy="Waves", code=code, definition=msgspec.to_builtins(definition), data_hash="",
        created_at=SystemClock().now(),
    )  # fmt: skip
    return (await db.write(user, partial(studies.create, row=row))).id


async def a_user_id(db: Database) -> uuid.UUID:
    """Somebody who searches."""
    return (await db.write(SYSTEM, lambda session: users.create(session, a_user(name="searcher")))).id


async def searched(
    db: Database, definition: Definition, study: tuple[uuid.UUID, uuid.UUID] | None = None, *, workers: int = 1, scheduler: str = "",
    told: Callable[[Advance], None] = lambda advance: None,
) -> Findings:  # fmt: skip
    """What a search finds; of a study of its own unless one is named."""
    if study is None:
        user = await a_user_id(db)
        study = user, await a_study(db, user, definition)
    clock = SystemClock()
    with crew(workers, scheduler) as hands:
        row = await db.read(study[0], lambda session: studies.get(session, study[1]))
        return await Optimiser(clock, StudyBook(db, clock, *study), hands, told).run(definition, row.code, ROWS)


async def tried(db: Database, user: uuid.UUID, study: uuid.UUID) -> list[tuple[int, dict[str, object] | None, float | None]]:
    """Every trial: number, parameters, score."""
    rows = await db.read(user, lambda session: studies.done(session, study))
    return [(one.number, one.parameters, one.score) for one in rows]


async def test_a_search_finds_the_bottom_and_the_top_of_a_wave_and_tries_them_on_unseen_candles(lite: Database) -> None:
    heard: list[Advance] = []
    found = await searched(lite, a_definition(ROWS, trials=60), told=heard.append)

    best = found.best[0]
    assert 30 <= best.learned.parameters["enter"] <= 42  # type: ignore[operator] # an int, as the axis says
    assert (best.learned.score or 0) > 500
    assert (best.test_score or 0) > 200
    assert [one.code for one in found.doubts if one.code == "reason.doubt_untested"] == []
    assert found.tried == 60
    assert found.maps[0].down == "enter"
    assert len(found.noise["profit"]) == len(found.drawn["drawdown"]) == 5
    assert [one.done for one in heard] == [10, 20, 30, 40, 50, 60]
    assert heard[-1].best is not None
    assert heard[-1].best.score == best.learned.score
    assert heard[0].seconds_left is not None


@pytest.mark.parametrize("sampler", [SamplerKind.TPE, SamplerKind.RANDOM])
async def test_the_same_seed_tries_the_same_parameters_however_many_work(lite: Database, sampler: SamplerKind) -> None:
    user = await a_user_id(lite)
    definition = a_definition(ROWS, sampler=sampler, trials=20)
    one, other = [(user, await a_study(lite, user, definition)) for _ in range(2)]

    alone = await searched(lite, definition, one)
    together = await searched(lite, definition, other, workers=2)

    assert await tried(lite, *one) == await tried(lite, *other)
    assert alone == together


async def test_a_search_that_was_stopped_goes_on_as_if_nothing_had_been(lite: Database) -> None:
    user = await a_user_id(lite)
    definition = a_definition(ROWS, trials=50)
    whole, parted = [(user, await a_study(lite, user, definition)) for _ in range(2)]
    undisturbed = await searched(lite, definition, whole)

    enough = asyncio.Event()
    running = asyncio.ensure_future(searched(lite, definition, parted, told=lambda advance: enough.set()))
    await enough.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    stopped = await lite.read(user, lambda session: studies.get(session, parted[1]).status)
    before = len(await tried(lite, *parted))

    assert stopped is StudyStatus.STOPPED
    assert 10 <= before < 50
    assert await searched(lite, definition, parted) == undisturbed
    assert await tried(lite, *parted) == await tried(lite, *whole)


@pytest.mark.postgres
async def test_two_machines_share_a_study_and_try_each_set_once(db: Database) -> None:
    user = await a_user_id(db)
    definition = a_definition(ROWS, trials=60)
    shared = user, await a_study(db, user, definition)

    here, there = await asyncio.gather(searched(db, definition, shared), searched(db, definition, shared))

    rows = await db.read(user, lambda session: studies.done(session, shared[1]))
    assert [one.number for one in rows] == list(range(60))
    assert len({one.machine for one in rows}) == 2
    assert here == there


async def test_a_walk_forward_learns_on_one_stretch_and_tries_on_the_next(lite: Database) -> None:
    plan = Plan(Scheme.WALK_FORWARD, train=0.6, windows=3)
    found = await searched(lite, a_definition(ROWS, plan=plan, trials=20))

    assert len(found.folds) == 3
    assert found.tried == 60
    assert all(one.chosen is not None and (one.chosen.test_score or 0) > 0 for one in found.folds)
    assert (found.unseen_roi or 0) > 0.05


async def test_a_trial_that_loops_for_ever_is_a_fault_and_the_others_count(lite: Database) -> None:
    moody = WAVES.replace("def should_long(self):", "def should_long(self):\n        while self.hp['enter'] == 7: pass")
    user = await a_user_id(lite)
    definition = a_definition(ROWS, trials=4, sampler=SamplerKind.GRID, axes=(Axis("enter", "int", 6, 9),), fixed={"leave": 20})
    study = user, await a_study(lite, user, definition, moody)
    clock = SystemClock()
    with crew(1) as hands:
        await Optimiser(clock, StudyBook(lite, clock, *study), hands, lambda advance: None, seconds=0.2).run(
            definition, moody, ROWS
        )

    faults = {one.number: one.fault for one in await lite.read(user, lambda session: studies.done(session, study[1]))}
    assert faults == {0: "", 1: "strategy_too_slow", 2: "", 3: ""}


async def test_a_strategy_that_reaches_for_a_file_is_held_back_in_a_search_too(lite: Database) -> None:
    user = await a_user_id(lite)
    definition = a_definition(ROWS)
    reaching = "import os\n" + WAVES
    with pytest.raises(StrategyError, match="cannot import os"):
        await searched(lite, definition, (user, await a_study(lite, user, definition, reaching)))


async def test_a_cluster_of_two_workers_finds_what_one_machine_finds(lite: Database) -> None:
    user = await a_user_id(lite)
    definition = a_definition(ROWS, trials=40)
    here, there = [(user, await a_study(lite, user, definition)) for _ in range(2)]

    alone = await searched(lite, definition, here)
    distributed: Any = import_module("distributed")  # it has no types
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        on_cluster = await searched(lite, definition, there, scheduler=cluster.scheduler_address)
        reaching = user, await a_study(lite, user, definition, "import os\n" + WAVES)
        with pytest.raises(StrategyError, match="cannot import os"):  # the walls stand there as they do here
            await searched(lite, definition, reaching, scheduler=cluster.scheduler_address)

    assert on_cluster == alone
    assert await tried(lite, *there) == await tried(lite, *here)


async def test_a_scheduler_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match="scheduler_out_of_reach"), crew(1, "tcp://127.0.0.1:1", patience=0.2):
        pass
