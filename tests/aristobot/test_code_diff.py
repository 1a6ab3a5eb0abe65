"""Two texts side by side: what differs, with a little around it, and never for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.code_diff import DiffRow, compared, counted

LINES = st.lists(st.sampled_from(["a", "b", "", "c = 1"]), max_size=12)


@given(LINES, LINES)
def test_the_rows_lead_from_the_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    rows = compared("\n".join(old), "\n".join(new), around=20)
    left, right = "\n".join(old).splitlines(), "\n".join(new).splitlines()
    assert (rows == []) == (left == right)
    if rows:
        assert [one.left_text for one in rows if one.left] == left
        assert [one.right_text for one in rows if one.right] == right
        came, went = counted(rows)
        assert len(right) - len(left) == came - went


@pytest.mark.parametrize(("old", "new"), [(3_000, 3_000), (3_000, 4_000), (4_000, 3_000)])
def test_thousands_of_equal_lines_are_compared_coarsely(old: int, new: int) -> None:
    rows = compared("head\n" + "\n" * old + "x\ntail", "head\n" + "\n" * new + "y\ntail")
    assert (DiffRow(old + 2, new + 2, "x", "y") in rows) == (old == new)
    assert rows[-1] == DiffRow(old + 3, new + 3, "tail", "tail")
    came, went = counted(rows)
    assert (came >= 1, went >= 1) == (True, True)
    assert came - went == new - old


def test_the_same_long_text_differs_in_nothing() -> None:
    assert compared("\n" * 5_000, "\n" * 5_000) == []
