"""What the editor completes is what there is, and it is known without loading numpy."""

from __future__ import annotations

import subprocess
import sys

from aristobot.indicators import ta, utils
from aristobot.strategy import Strategy
from aristobot.strategy_catalog import completions
from aristobot.strategy_readings import FURTHER_NAMES, Further

PLACES = {"ta": ta, "utils": utils}


def test_every_completion_leads_to_something() -> None:
    assert not [one for one in completions() if one.after in PLACES and not hasattr(PLACES[one.after], one.name)]
    own = set(dir(Strategy)) | set(Strategy.__annotations__) | FURTHER_NAMES
    assert not [one.name for one in completions() if one.after in ("self", "def") and one.name not in own]
    assert len(completions()) == len({(one.after, one.name) for one in completions()})


def test_every_further_name_that_is_known_can_be_read() -> None:
    assert {name for name, value in vars(Strategy).items() if isinstance(value, Further)} == FURTHER_NAMES


def test_hooks_come_with_their_arguments_and_a_sentence() -> None:
    found = {(one.after, one.name): one for one in completions()}
    assert found["def", "on_close_position"].signature == "(self, order, closed_trade) -> None"
    assert all(one.about for one in completions() if one.after in ("def", "ta", "utils"))
    assert found["self", "liquidate"].signature == "(tag) -> None"
    assert found["self", "balance"].kind == "property"


def test_completions_load_no_indicator() -> None:
    code = "import sys; from aristobot.strategy_catalog import completions; completions(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
