"""How a whole run is spread over processes: what takes long first, in pieces that may run apart."""

from __future__ import annotations

import importlib

import pytest

#: Files whose tests share nothing: each is a piece of its own, so that none of them waits behind another.
APART = ("tests/reliability/test_kills.py", "tests/reliability/test_cut_short.py")
#: What starts first, in this order: pieces that mostly wait (kills, journeys) take turns with such as keep a core busy, so that
#: the last minute of a run is not one process at work and the others waiting for it.
FIRST = (
    "tests/reliability/test_kills.py::test_however_often",
    "tests/test_architecture.py",
    "tests/services/test_naked_time.py",
    "tests/reliability/test_kills.py",
    "tests/services/test_strategy_mishaps.py",
    "tests/journeys/test_manual_trading.py",
    "tests/services/test_strategy_trading.py",
    "tests/journeys/test_trading_bot.py",
    "tests/services/test_live_like_backtest.py",
    "tests/journeys/test_first_day.py",
    "tests/services/test_naked_time_in_doubt.py",
    "tests/services/test_heartbeat.py",
    "tests/journeys/test_heartbeat.py",
    "tests/services/test_bracket_keeper",
    "tests/journeys/test_accessibility.py",
    "tests/services/test_sign_in.py",
    "tests/journeys/test_account.py",
    "tests/services/test_webhook_trading.py",
    "tests/journeys/test_backtest.py",
    "tests/services/test_optimiser.py",
    "tests/services/test_study_desk.py",
    "tests/journeys/",
    "tests/test_cli",
    "tests/reliability/",
    "tests/exchanges/test_compliance_",
    "tests/store/test_migrations.py",
    "tests/store/test_backups.py",
    "tests/services/test_order_",
    "tests/services/",
)


def piece_of(nodeid: str) -> str:
    """The tests of a file stay together, in their order and in one process, but for those that may be apart."""
    file = nodeid.partition("::")[0]
    return nodeid if file in APART else file


def place_of(nodeid: str) -> int:
    """Where in a run a test is: what is not named comes last, in the order of the files."""
    return next((place for place, name in enumerate(FIRST) if nodeid.startswith(name)), len(FIRST))


def scheduler(config: pytest.Config, log: object) -> object:
    """Hands out one piece after the other to whoever has nothing to do."""
    made = importlib.import_module("xdist.scheduler").LoadFileScheduling(config, log)
    made._split_scope = piece_of
    return made
