"""Houses that break one promise each are killed until it shows: what judges the sound one is not blind.

`ARISTOBOT_KILL_SEED` says which storm it is.
"""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from aristobot.clock import SystemClock
from tests.reliability.builds import FAULTS
from tests.reliability.campaign import Campaign, Outcome, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
SEED = int(os.environ.get("ARISTOBOT_KILL_SEED", "1"))
#: A broken house is found out within twenty as a rule; a busy machine may need more.
KILLS_OF_A_BROKEN_HOUSE = 80


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
