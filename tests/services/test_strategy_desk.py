"""The desk at which strategies are written: versions, drafts, comparisons and trials."""

from __future__ import annotations

import uuid

import pytest

from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.code_diff import compared, counted
from aristobot.errors import AccessDenied, Conflict, InvalidInput, NotFound
from aristobot.events import StrategyChanged
from aristobot.kinds import ActivationStatus, Role
from aristobot.store.database import Database
from aristobot.store.strategy_tables import Activation
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM
from aristobot.templates import template
from services.strategy_desk import StrategyDesk
from tests.builders import MIDNIGHT, a_broker, a_user


@pytest.fixture
def bus() -> Bus:
    """The bus of the house."""
    return Bus()


@pytest.fixture
def desk(lite: Database, bus: Bus, clock: ManualClock) -> StrategyDesk:
    """The desk."""
    return StrategyDesk(lite, bus, clock)


@pytest.fixture
async def ann(lite: Database) -> uuid.UUID:
    """A trader's id."""
    return await a_member(lite)


async def a_member(lite: Database, role: Role = Role.TRADER) -> uuid.UUID:
    user: User = a_user(role=role)
    await lite.write(SYSTEM, lambda s: s.add(user))
    return user.id


async def test_each_save_that_changes_something_is_a_version(desk: StrategyDesk, bus: Bus, ann: uuid.UUID) -> None:
    told: list[StrategyChanged] = []
    bus.listen(StrategyChanged, do=told.append, user_id=ann)
    row = await desk.create(ann, "  My   cross ", "a = 1\r\n", note="first")
    saved = [await desk.save(ann, row.id, text) for text in ("a = 1\n", "a = 2\n", "a = 2\n")]
    assert (row.name, [one.number for one in saved]) == ("My cross", [1, 2, 2])
    assert [(one.number, one.code, one.note) for one in await desk.versions(ann, row.id)] == [
        (2, "a = 2\n", ""),
        (1, "a = 1\n", "first"),
    ]
    assert [(one.row.name, one.versions) for one in await desk.mine(ann)] == [("My cross", 2)]
    assert {one.strategy_id for one in told} == {row.id}


async def test_a_save_over_what_was_saved_elsewhere_is_refused_and_nothing_is_lost(desk: StrategyDesk, ann: uuid.UUID) -> None:
    row = await desk.create(ann, "Cross", "a = 1")
    await desk.save(ann, row.id, "a = 2", based_on=1)
    await desk.keep_draft(ann, row.id, "a = 3", 1)
    with pytest.raises(Conflict, match="changed_meanwhile"):
        await desk.save(ann, row.id, "a = 3", based_on=1)
    assert (await desk.get(ann, row.id)).draft == "a = 3"
    assert (await desk.save(ann, row.id, "a = 2", based_on=1)).number == 2  # the same words say nothing new


async def test_a_draft_stays_until_it_is_saved_or_dropped(desk: StrategyDesk, ann: uuid.UUID) -> None:
    row = await desk.create(ann, "Cross", "a = 1")
    await desk.keep_draft(ann, row.id, "a = 2", 1)
    kept = await desk.get(ann, row.id)
    assert (kept.draft, kept.draft_of, kept.draft_at) == ("a = 2", 1, MIDNIGHT)
    await desk.save(ann, row.id, "a = 2", based_on=1)
    assert (await desk.get(ann, row.id)).draft is None
    await desk.keep_draft(ann, row.id, "a = 3", 2)
    await desk.drop_draft(ann, row.id)
    assert (await desk.get(ann, row.id)).draft is None


async def test_names_are_kept_apart_and_the_archive_gives_back(desk: StrategyDesk, ann: uuid.UUID) -> None:
    row = await desk.create(ann, "Cross", "a = 1")
    with pytest.raises(Conflict, match="name_taken"):
        await desk.create(ann, "cross", "a = 1")
    await desk.rename(ann, row.id, "Crossing")
    other = await desk.create(ann, "Cross", "a = 1")
    await desk.archive(ann, other.id)
    assert [one.row.name for one in await desk.mine(ann)] == ["Crossing"]
    assert [one.row.name for one in await desk.mine(ann, archived=True)] == ["Cross"]
    await desk.restore(ann, other.id)
    assert [one.row.name for one in await desk.mine(ann)] == ["Cross", "Crossing"]


async def test_what_runs_is_not_archived(lite: Database, desk: StrategyDesk, ann: uuid.UUID) -> None:
    row, broker = await desk.create(ann, "Cross", "a = 1"), a_broker(ann)
    (version,) = await desk.versions(ann, row.id)
    activation = Activation(
        user_id=ann,
        version_id=version.id,
        broker_id=broker.id,
        symbol="BTC/USDT",
        timeframe="1h",
        status=ActivationStatus.RUNNING,
        created_at=MIDNIGHT,
        updated_at=MIDNIGHT,
    )
    await lite.write(ann, lambda s: s.add_all([broker, activation]))
    with pytest.raises(Conflict, match="strategy_running"):
        await desk.archive(ann, row.id)


@pytest.mark.parametrize(
    ("name", "code", "field"),
    [("", "a", "name"), ("x" * 65, "a", "name"), ("a\u200bb", "a", "name"), ("a", "x" * 200_001, "code"), ("a", "\x00", "code")],
)
async def test_what_cannot_be_kept_is_refused_with_its_field(
    desk: StrategyDesk, ann: uuid.UUID, name: str, code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await desk.create(ann, name, code)
    assert refused.value.field == field


async def test_who_only_looks_reads_and_writes_nothing(lite: Database, desk: StrategyDesk) -> None:
    viewer = await a_member(lite, Role.VIEWER)
    assert await desk.mine(viewer) == []
    for act in (
        desk.create(viewer, "Cross", "a = 1"),
        desk.trials.try_out(viewer, "a = 1"),
        desk.save(viewer, uuid.uuid4(), "a"),
    ):
        with pytest.raises(AccessDenied):
            await act


async def test_strategies_of_others_are_not_there(lite: Database, desk: StrategyDesk, ann: uuid.UUID) -> None:
    bob, row = await a_member(lite), await desk.create(ann, "Cross", "a = 1")
    (version,) = await desk.versions(ann, row.id)
    for act in (
        desk.get(bob, row.id),
        desk.versions(bob, row.id),
        desk.version(bob, row.id, 1),
        desk.save(bob, row.id, "a = 2"),
        desk.rename(bob, row.id, "Mine"),
        desk.archive(bob, row.id),
        desk.keep_draft(bob, row.id, "a", 1),
        desk.trials.try_version(bob, version),
    ):
        with pytest.raises(NotFound):
            await act


async def test_a_trial_is_kept_with_its_version(desk: StrategyDesk, ann: uuid.UUID) -> None:
    row = await desk.create(ann, "Cross", template("ema_cross").text)
    (version,) = await desk.versions(ann, row.id)
    found = await desk.trials.try_version(ann, version)
    assert found.sound
    assert found.isolation is not None
    (kept,) = await desk.versions(ann, row.id)
    assert kept.review is not None
    assert kept.reviewed_at == MIDNIGHT
    assert (kept.review["sound"], kept.review["isolation"]["level"]) == (True, found.isolation.level.value)
    assert [one["name"] for one in kept.review["described"]["parameters"]] == ["fast", "slow", "risk"]


async def test_what_falls_is_kept_with_its_line(desk: StrategyDesk, ann: uuid.UUID) -> None:
    body = "\n    def should_long(self):\n        return 1 / 0\n\n    def should_exit(self):\n        return True\n"
    row = await desk.create(ann, "Falls", "class S(Strategy):" + body)
    (version,) = await desk.versions(ann, row.id)
    assert not (await desk.trials.try_version(ann, version)).sound
    (kept,) = await desk.versions(ann, row.id)
    assert kept.review is not None
    assert [(one["code"], one["line"]) for one in kept.review["diagnostics"]] == [("strategy_raised", 3)]
    assert kept.review["isolation"] is not None


async def test_two_versions_are_compared(desk: StrategyDesk, ann: uuid.UUID) -> None:
    row = await desk.create(ann, "Cross", "a = 1\nb = 1")
    await desk.save(ann, row.id, "a = 1\nb = 2")
    rows = await desk.compare(ann, row.id, 1, 2)
    assert [(one.left_text, one.right_text) for one in rows if one.is_changed] == [("b = 1", "b = 2")]
    with pytest.raises(NotFound):
        await desk.compare(ann, row.id, 1, 3)


def test_two_texts_side_by_side_show_what_changed_with_a_little_around() -> None:
    old = "\n".join(f"line {n}" for n in range(1, 21))
    new = old.replace("line 10", "line ten").replace("line 20", "line 20\nline 21")
    rows = compared(old, new)
    assert [(one.left, one.right) for one in rows if one.is_changed] == [(10, 10), (0, 21)]
    assert [one.gap for one in rows if one.gap] == [6, 4]
    assert rows[0].left_text == rows[0].right_text == "line 7"
    assert counted(rows) == (2, 1)
    assert compared(old, old) == []
