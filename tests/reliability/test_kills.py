"""The house is killed at any moment and at every point of its protocols, again and again, and must owe nobody anything.

`ARISTOBOT_KILLS` says how often (200), `ARISTOBOT_KILL_SEED` which storm it is.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from aristobot.clock import SystemClock
from tests.reliability.builds import FAULTS
from tests.reliability.campaign import Campaign, Outcome, run, told

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
KILLS = int(os.environ.get("ARISTOBOT_KILLS", "200"))
SEED = int(os.environ.get("ARISTOBOT_KILL_SEED", "1"))
#: A broken house is found out within twenty as a rule; a busy machine may need more.
KILLS_OF_A_BROKEN_HOUSE = 80


async def test_however_often_the_house_is_killed_no_alert_is_lost_and_no_order_doubled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = await run(Campaign(kills=KILLS, seed=SEED), tmp_path, SystemClock())
    with capsys.disabled():
        print(f"\n{told(outcomes)}")
    assert sum(one.tally.kills for one in outcomes) == KILLS
    assert [one.findings.told() for one in outcomes if one.findings.broken] == []


@pytest.fixture(scope="module")
def broken_houses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Every broken house after its storm; they storm together."""
    builds = tuple(FAULTS)
    campaign = Campaign(kills=KILLS_OF_A_BROKEN_HOUSE * len(builds), builds=builds, seed=SEED)
    outcomes = asyncio.run(run(campaign, tmp_path_factory.mktemp("broken"), SystemClock()))
    return {one.build: one for one in outcomes}


@pytest.mark.parametrize("build", FAULTS)
def test_a_house_that_breaks_a_promise_is_found_out(broken_houses: dict[str, Outcome], build: str) -> None:
    outcome = broken_houses[build]
    assert outcome.findings.show(FAULTS[build]), f"{outcome.tally.kills} kills: {outcome.findings.told() or 'nothing found'}"
