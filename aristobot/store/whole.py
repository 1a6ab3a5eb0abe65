"""The whole schema. Whoever needs every table asks here: a part that nobody imported would be unguarded, or lost in a backup."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlmodel import SQLModel

from aristobot.store import backtest_tables, monitor_tables, notice_tables, strategy_tables, study_tables, tables, trading_tables

#: The files in which tables are declared; importing them fills the metadata.
HALVES: Final = (tables, trading_tables, notice_tables, monitor_tables, strategy_tables, backtest_tables, study_tables)
METADATA: Final = SQLModel.metadata


def all_tables() -> list[sa.Table]:
    """Every table, those that are referred to before those that refer to them."""
    return METADATA.sorted_tables
