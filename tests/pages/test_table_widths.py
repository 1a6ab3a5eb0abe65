"""Tables never show a column beside which another would have to be cut off or scrolled to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.backtest_result import trade_columns
from components.live_grid import Row, column, fitted
from components.monitor_panel import round_columns, stranger_columns
from components.order_rows import history_columns
from components.study_trials import trial_columns
from components.study_words import Goal

COLUMNS = st.lists(
    st.builds(lambda width, least: column("name", "Name", width, least=least), st.integers(40, 200), st.integers(0, 900)),
    min_size=1,
)
TRADE_HEAD = [""] * 11


def shown(columns: list[Row], width: int) -> list[Row]:
    """What the browser shows of them in a table of so many pixels."""
    return [one for one in columns if one["context"]["least"] <= width]


def room(columns: list[Row]) -> int:
    """Pixels below which something is cut off."""
    return sum(one["minWidth"] for one in columns)


@given(COLUMNS, st.integers(0, 2000))
def test_at_any_width_there_is_room_for_what_is_shown(columns: list[Row], width: int) -> None:
    found = shown(fitted(columns), width)
    assert room(found) <= width or all(one["context"]["least"] == 0 for one in found)


@given(COLUMNS)
def test_a_wide_table_shows_everything_and_no_column_is_narrower_than_asked_for(columns: list[Row]) -> None:
    found = shown(fitted(columns), 100_000)
    assert [one["minWidth"] >= asked["minWidth"] for one, asked in zip(found, columns, strict=True)] == [True] * len(columns)


@given(COLUMNS, st.integers(0, 2000))
def test_columns_go_no_later_than_they_are_told_to(columns: list[Row], width: int) -> None:
    names = [dict(one, field=str(number)) for number, one in enumerate(columns)]
    assert {one["field"] for one in shown(fitted(names), width)} <= {one["field"] for one in shown(names, width)}


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(history_columns(), id="history"),
        pytest.param(round_columns(), id="rounds"),
        pytest.param(stranger_columns(), id="strangers"),
        pytest.param(trade_columns(TRADE_HEAD, legs=False), id="trades"),
        pytest.param(trade_columns(["", *TRADE_HEAD], legs=True), id="trades of legs"),
        pytest.param(trial_columns(Goal("sharpe", "USDT")), id="trials"),
    ],
)
def test_every_table_fits_a_narrow_phone(columns: list[Row]) -> None:
    assert room(shown(fitted(columns), 334)) <= 334
