"""One campaign: households under a storm, a reaper for each, then calm, and the question whether all is as it must be."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aristobot.clock import Clock
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from tests.reliability.builds import LONGEST_DELAY
from tests.reliability.checker import Checker, Findings, Memory, differences, is_busy
from tests.reliability.household import Household, Midwife, a_household, a_midwife, exchanges
from tests.reliability.reaper import Reaper, Tally
from tests.reliability.storm import Storm

#: Longest wait for quiet, in seconds, once nothing disturbs the exchange any more.
QUIET_WITHIN = 45.0
#: Whatever changes an order, or asks about one.
_DISTURBED = ["order.*", "list.*", "fills"]
#: All that chance knows but 429: a second of silence for everybody at each would leave no storm.
_KINDS = [
    "accept_then_hang", "accept_then_5xx", "refuse_5xx", "refuse", "short_body", "disconnect", "-1007", "-1008",
    "delayed_accept", "slow", "slow_reply", "lagging_reads",
]  # fmt: skip
_PARTIAL = [
    {"on": "order.place", "do": "partial_fill", "fills": 3, "times": 0},
    {"on": "order.fill", "do": "partial_fill", "fraction": "0.5", "seconds": 0.2, "times": 0},
]


@dataclass(frozen=True)
class Campaign:
    """How hard it is: kills in all, spread over so many households; alerts per second and disturbed answers in each."""

    kills: int
    households: int = 4
    alerts_per_second: float = 4.0
    disturbed: float = 0.45
    seed: int = 1
    build: str = "sound"


@dataclass
class Outcome:
    """What was done, and what was found."""

    findings: Findings
    tallies: list[Tally]
    figures: Counter[str]

    def told(self) -> str:
        """The figures, in a few lines."""
        restarts = sorted(second for tally in self.tallies for second in tally.restarts)
        points = sum((tally.points for tally in self.tallies), Counter())
        naked = sorted(self.findings.naked)
        lines = [
            f"{sum(tally.kills for tally in self.tallies)} kills, {sum(tally.births for tally in self.tallies)} births, "
            f"restart p50 {_at(restarts, 0.5):.2f} s, p99 {_at(restarts, 0.99):.2f} s",
            ", ".join(f"{name} {count}" for name, count in sorted(self.figures.items())),
            ", ".join(f"{name} ×{count}" for name, count in sorted(points.items())),
            f"without a stop: {len(naked)} spells, p50 {_at(naked, 0.5):.2f} s, p99 {_at(naked, 0.99):.2f} s",
        ]
        return "\n".join(lines)


async def run(campaign: Campaign, folder: Path, clock: Clock) -> Outcome:
    """Carry it out, and judge."""
    async with exchanges(campaign.households) as addresses, a_midwife() as midwife:
        results = await asyncio.gather(
            *(_one(campaign, number, folder / f"h{number}", address, midwife, clock) for number, address in enumerate(addresses))
        )
    findings = Findings()
    figures: Counter[str] = Counter()
    for found, _ in results:
        findings.naked += found.naked
        figures += found.figures
        for predicate, violations in found.broken.items():
            findings.note(predicate, violations)
    return Outcome(findings, [tally for _, tally in results], figures)


async def _one(
    campaign: Campaign, number: int, folder: Path, address: dict[str, str], midwife: Midwife, clock: Clock
) -> tuple[Findings, Tally]:
    async with a_household(f"h{number}", folder, address) as household:
        await household.ask("POST", "/walk", {"on": True, "seed": campaign.seed + number, "speed": 30})
        faults = {"script": _PARTIAL, "rate": campaign.disturbed, "events": _DISTURBED, "seed": campaign.seed + number}
        faults |= {"kinds": _KINDS, "seconds": LONGEST_DELAY}
        await household.ask("POST", "/faults", faults)
        storm = Storm(household, clock, campaign.seed * 100 + number)
        reaper = Reaper(household, midwife, storm, clock, campaign.seed * 1000 + number)
        blowing = asyncio.ensure_future(storm.blow(campaign.alerts_per_second))
        kills = campaign.kills // campaign.households + (number < campaign.kills % campaign.households)
        try:
            await reaper.reap(kills, campaign.build)
        finally:
            blowing.cancel()
        findings = await _afterwards(campaign, household, midwife, storm, clock)
        return findings, reaper.tally


async def _afterwards(campaign: Campaign, household: Household, midwife: Midwife, storm: Storm, clock: Clock) -> Findings:
    await household.ask("DELETE", "/faults")
    life = await midwife.birth(household, campaign.build)
    await storm.calm()
    await household.ask("POST", "/walk", {"on": False})
    db = Database(Settings.load(household.settings, {}).database_url)
    try:
        restless = await _quiet(db, clock)
        life.kill()
        await life.dead.wait()
        memory, ledger = await Memory.read(db), await household.ask("GET", "/ledger")
        (Path(household.settings["data_dir"]) / "ledger.json").write_text(json.dumps(ledger, indent=1))
        checker = Checker(household, storm.sent, memory, ledger)
        findings = checker.check()
        requests = (await household.ask("GET", "/requests"))["requests"]
        checker.check_keys(requests)
        findings.note("P1 no alert is lost", [f"not quiet in time: {one}" for one in restless])
        findings.figures["requests"] = len(requests)
        findings.figures["disturbed answers"] = sum(request["fault"] is not None for request in requests)
        if campaign.build == "sound":
            findings.note("P14 a second look changes nothing", await _second_look(household, midwife, db, memory, clock))
        return findings
    finally:
        await db.close()


async def _quiet(db: Database, clock: Clock) -> list[str]:
    """Wait until nothing is under way any more and nothing moves; what still is after that time."""
    deadline = clock.monotonic() + QUIET_WITHIN
    before: dict[str, Any] = {}
    restless = ["nobody looked"]
    while clock.monotonic() < deadline:
        await clock.sleep(0.4)
        if await db.read(SYSTEM, is_busy):
            continue
        memory = await Memory.read(db)
        restless, now = memory.unrest(), memory.image()
        if not restless and now == before:
            return []
        before = now
    return restless or ["it never came to rest"]


async def _second_look(household: Household, midwife: Midwife, db: Database, memory: Memory, clock: Clock) -> list[str]:
    """Start once more and compare everything once more: nothing may change."""
    life = await midwife.birth(household)
    await asyncio.wait_for(life.ready.wait(), 10)
    await clock.sleep(1.0)
    life.kill()
    await life.dead.wait()
    return differences(memory.image(), (await Memory.read(db)).image())


def _at(values: list[float], part: float) -> float:
    """A quantile of sorted values."""
    return values[min(int(len(values) * part), len(values) - 1)] if values else statistics.fmean([0.0])
