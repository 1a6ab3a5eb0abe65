"""Longer candles made of shorter ones: complete ones only, and the same as adding them up by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.candle_rows import CLOSE, HIGH, LOW, OPEN, TIME, VOLUME, Rows, holes, no_rows, resampled, rows_of
from aristobot.candle_series import Hole
from aristobot.clock import to_milliseconds
from aristobot.errors import InvalidInput
from aristobot.market import Timeframe
from tests.builders import a_candle

DAY = to_milliseconds(datetime(2025, 3, 3, tzinfo=UTC))  # a Monday
MINUTE = 60_000


def rows_at(opens: list[int]) -> Rows:
    """Minutes at these offsets from Monday midnight; each figure tells its minute."""
    rows = no_rows(len(opens))
    rows[:, TIME] = [DAY + one * MINUTE for one in opens]
    rows[:, OPEN], rows[:, CLOSE] = np.array(opens) + 1000, np.array(opens) + 1000.5
    rows[:, HIGH], rows[:, LOW], rows[:, VOLUME] = np.array(opens) + 1001, np.array(opens) + 999, 1
    return rows


def test_five_minutes_by_hand() -> None:
    assert resampled(rows_at(list(range(10))), Timeframe.M1, Timeframe.M5).tolist() == [
        [DAY, 1000, 1004.5, 1005, 999, 5],
        [DAY + 5 * MINUTE, 1005, 1009.5, 1010, 1004, 5],
    ]


def test_a_bar_with_a_part_missing_is_left_out_unless_the_exchange_has_none_there() -> None:
    rows = rows_at([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16])
    quiet = [Hole(DAY + 11 * MINUTE, DAY + 11 * MINUTE, 1, known=True)]

    assert [int(one - DAY) // MINUTE for one in resampled(rows, Timeframe.M1, Timeframe.M5)[:, TIME]] == [5]
    assert [int(one - DAY) // MINUTE for one in resampled(rows, Timeframe.M1, Timeframe.M5, quiet)[:, TIME]] == [5, 10]


@pytest.mark.parametrize("target", [Timeframe.M3, Timeframe.M15, Timeframe.H1, Timeframe.H4, Timeframe.D1, Timeframe.W1])
def test_every_larger_timeframe_can_be_made_of_minutes(target: Timeframe) -> None:
    week = rows_at(list(range(7 * 24 * 60)))
    made = resampled(week, Timeframe.M1, target)

    assert len(made) == 7 * 86400 // target.seconds
    assert made[0, TIME] == DAY
    assert made[:, VOLUME].sum() == len(week)


def test_what_does_not_divide_is_refused() -> None:
    for source, target in ((Timeframe.H1, Timeframe.M5), (Timeframe.M15, Timeframe.M5), (Timeframe.H4, Timeframe.H6)):
        with pytest.raises(InvalidInput):
            resampled(rows_at([0]), source, target)


@given(missing=st.sets(st.integers(0, 119), max_size=40), known=st.sets(st.integers(0, 119), max_size=40))
def test_a_bar_is_there_exactly_when_each_of_its_parts_is_there_or_known_to_be_none(missing: set[int], known: set[int]) -> None:
    there = [one for one in range(120) if one not in missing]
    quiet = [Hole(DAY + one * MINUTE, DAY + one * MINUTE, 1, known=True) for one in known & missing]

    made = resampled(rows_at(there), Timeframe.M1, Timeframe.M15, quiet)

    whole = [bar for bar in range(8) if not (missing - known) & set(range(bar * 15, bar * 15 + 15))]
    some = [bar for bar in whole if set(there) & set(range(bar * 15, bar * 15 + 15))]
    assert [int(one - DAY) // (15 * MINUTE) for one in made[:, TIME]] == some


@given(missing=st.sets(st.integers(1, 58), max_size=40), known=st.sets(st.integers(0, 59), max_size=40))
def test_holes_name_each_missing_minute_once(missing: set[int], known: set[int]) -> None:
    there = [one for one in range(60) if one not in missing]
    quiet = [Hole(DAY + one * MINUTE, DAY + one * MINUTE, 1, known=True) for one in known]

    found = holes(rows_at(there), Timeframe.M1, quiet)

    minutes = [(int(ms - DAY) // MINUTE, hole.known) for hole in found for ms in range(hole.first_ms, hole.last_ms + 1, MINUTE)]
    assert minutes == [(one, one in known) for one in sorted(missing)]
    assert all(hole.count == (hole.last_ms - hole.first_ms) // MINUTE + 1 for hole in found)


def test_candles_become_rows_without_the_one_still_forming() -> None:
    shut, forming = a_candle(close=Decimal("42050.12345678")), a_candle(closed=False)
    assert rows_of([shut, forming]).tolist() == [[shut.open_ms, 42000, 42050.12345678, 42100, 41900, 12.5]]
