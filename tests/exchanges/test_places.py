"""Places: never more than there are, in the order of coming, and none is lost with those who give up."""

from __future__ import annotations

import asyncio

import pytest

from services.exchanges.places import Places

LONG = 10.0


async def turns() -> None:
    """Let everybody do what they can."""
    for _ in range(5):
        await asyncio.wait([asyncio.ensure_future(asyncio.wait([asyncio.ensure_future(_nothing())]))])


async def _nothing() -> None:
    return


async def test_no_more_get_one_than_there_are_and_the_first_to_come_is_the_first_to_get_one() -> None:
    places, got = Places(2), []

    async def come(number: int) -> None:
        await places.take(LONG)
        got.append(number)

    comers = [asyncio.ensure_future(come(number)) for number in range(5)]
    await turns()
    assert got == [0, 1]
    assert not places.take_now()
    for _ in range(3):
        places.leave()
    await turns()
    assert got == [0, 1, 2, 3, 4]
    assert all(one.done() for one in comers)


async def test_whoever_gives_up_takes_no_place_along() -> None:
    places = Places(1)
    assert places.take_now()
    impatient = asyncio.ensure_future(places.take(LONG))
    patient = asyncio.ensure_future(places.take(LONG))
    await turns()
    impatient.cancel()
    places.leave()
    await turns()
    assert impatient.cancelled()
    assert patient.done()
    places.leave()
    assert places.take_now()


async def test_a_place_given_to_one_who_leaves_in_that_moment_goes_to_the_next() -> None:
    places = Places(1)
    assert places.take_now()
    first, second = (asyncio.ensure_future(places.take(LONG)) for _ in range(2))
    await turns()
    places.leave()
    first.cancel()
    await turns()
    assert first.cancelled()
    assert second.done()


async def test_patience_ends() -> None:
    places = Places(1)
    assert places.take_now()
    with pytest.raises(TimeoutError):
        await places.take(0.01)
    places.leave()
    assert places.take_now()
