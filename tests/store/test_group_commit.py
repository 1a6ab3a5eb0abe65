"""What waits together is committed together: nobody's answer is another's, and a refusal concerns one alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from aristobot.errors import DataError, StoreError
from aristobot.store.database import Database
from aristobot.store.group_commit import GroupCommit


class Counting:
    """Work that answers twice the number, refuses odd ones, and remembers how many it was given at a time."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, connection: Any, numbers: Sequence[int]) -> list[int]:
        self.batches.append(len(numbers))
        if any(number % 2 for number in numbers):
            raise DataError("odd")
        return [2 * number for number in numbers]


async def test_who_comes_while_others_are_still_coming_goes_with_them(db: Database) -> None:
    work = Counting()
    commits: GroupCommit[int, int] = GroupCommit(db, work)
    loop, later = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
    loop.call_soon(loop.call_soon, lambda: later.set_result(asyncio.ensure_future(commits.add(4))))
    first = asyncio.ensure_future(commits.add(2))
    assert await first == 4
    assert await (await later) == 8
    assert work.batches == [2]


async def test_a_refused_item_takes_none_of_its_neighbours_along(db: Database) -> None:
    commits: GroupCommit[int, int] = GroupCommit(db, Counting(), urgent=True)
    answers = await asyncio.gather(*(commits.add(number) for number in (2, 3, 4, 5, 6)), return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, DataError)] == [4, 8, 12]
    assert await commits.add(8) == 16


async def test_who_leaves_while_waiting_does_not_hold_up_the_others(db: Database) -> None:
    commits: GroupCommit[int, int] = GroupCommit(db, Counting())
    leaving, staying = (asyncio.ensure_future(commits.add(number)) for number in (2, 4))
    asyncio.get_running_loop().call_soon(leaving.cancel)
    assert await staying == 8
    assert leaving.cancelled()


async def test_after_the_end_everybody_is_told(db: Database) -> None:
    commits: GroupCommit[int, int] = GroupCommit(db, Counting())
    await db.close()
    answers = await asyncio.gather(commits.add(2), commits.add(4), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreError, StoreError]
    with pytest.raises(StoreError, match="store_closed"):
        await commits.add(6)


async def test_what_may_be_done_meanwhile_is_done_once_before_anybody_has_an_answer(db: Database) -> None:
    commits: GroupCommit[int, int] = GroupCommit(db, Counting(), urgent=True, first=int)
    told: list[str] = []

    async def add(number: int) -> None:
        await commits.add(number, lambda: told.append("meanwhile"))
        told.append("answer")

    await asyncio.gather(*(add(number) for number in (2, 4, 6)))
    assert told == ["meanwhile"] * 3 + ["answer"] * 3
    await commits.add(8)
    assert told.count("meanwhile") == 3


async def test_nothing_is_done_meanwhile_for_what_is_refused_before_it_is_written(db: Database) -> None:
    commits: GroupCommit[int, int] = GroupCommit(db, Counting())
    told: list[int] = []
    answers = await asyncio.gather(*(commits.add(one, lambda: told.append(1)) for one in (2, 3)), return_exceptions=True)
    assert (answers[0], type(answers[1]), told) == (4, DataError, [])
    await db.close()
    with pytest.raises(StoreError, match="store_closed"):
        await commits.add(6, lambda: told.append(6))
    assert told == []
