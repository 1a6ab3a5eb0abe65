"""One campaign: households under a storm, a reaper for each, then calm, and the question whether all is as it must be."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aristobot.clock import Clock
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.tenancy import SYSTEM
from services.price_book import ROUND
from tests.reliability.builds import FAULTS, LONGEST_DELAY
from tests.reliability.checker import Checker, Findings, Memory, differences, is_busy
from tests.reliability.household import Household, Midwife, a_household, a_midwife, exchanges
from tests.reliability.reaper import Reaper, Tally
from tests.reliability.storm import Storm

#: Longest wait for quiet, in seconds, once nothing disturbs the exchange any more.
QUIET_WITHIN = 120.0
#: Seconds of rest that are rest: a stop that moved may move again after five, a target that could not be sold is sold after ten.
_REST = 11.0
#: The same where nobody disturbs an answer: nothing waits for its second try.
CALM = 2.0
#: Seconds between two looks at what does not rest yet.
_LOOK_EVERY = 0.4
#: Whatever changes an order, or asks about one.
_DISTURBED = ["order.*", "list.*", "fills"]
#: All that chance knows but 429: a second of silence for everybody at each would leave no storm.
_KINDS = [
    "accept_then_hang", "accept_then_5xx", "refuse_5xx", "refuse", "short_body", "disconnect", "-1007", "-1008",
    "delayed_accept", "slow", "slow_reply", "lagging_reads",
]  # fmt: skip
#: What a broken promise is paid for with: done, but not told, or not yet.
_KINDS_OF_DOUBT = ["accept_then_hang", "accept_then_5xx", "delayed_accept", "lagging_reads", "disconnect"]
_PARTIAL = [
    {"on": "order.place", "do": "partial_fill", "fills": 3, "times": 0},
    {"on": "order.fill", "do": "partial_fill", "fraction": "0.5", "seconds": 0.2, "times": 0},
]
#: What each exchange does beside what chance has in mind: answers of changes and messages lost, a socket that falls silent.
_SCRIPT = [
    {"exchange": exchange, "on": on, "do": do, "times": times, "seconds": LONGEST_DELAY}
    for exchange, changes in (
        ("binance", ("list.place", "list.cancel")),
        ("bitget", ("order.amend", "order.cancel")),
        ("kraken", ("order.amend", "order.cancel")),
    )
    for on, do, times in (
        *((on, do, 2) for on in changes for do in ("accept_then_hang", "accept_then_5xx", "delayed_accept", "disconnect")),
        ("user.message", "drop_message", 20),
        ("user.message", "double_message", 20),
        ("user.message", "silent_socket", 2),
    )
]


@dataclass(frozen=True)
class Campaign:
    """How hard it is: kills in all, shared by one household per entry of `builds`, and the part of answers that is disturbed.

    A broken house is only killed until all its faults show.
    """

    kills: int
    builds: tuple[str, ...] = ("sound",) * 4
    disturbed: float = 0.45
    seed: int = 1

    def kills_of(self, number: int) -> int:
        """The share of one household."""
        return self.kills // len(self.builds) + (number < self.kills % len(self.builds))


@dataclass
class Outcome:
    """What was done to one household, and what was found."""

    build: str
    findings: Findings
    tally: Tally


def told(outcomes: Sequence[Outcome]) -> str:
    """The figures of some outcomes together, in a few lines."""
    tallies = [one.tally for one in outcomes]
    restarts = sorted(second for tally in tallies for second in tally.restarts)
    naked: defaultdict[str, list[float]] = defaultdict(list)
    for one in outcomes:
        for exchange, spells in one.findings.naked.items():
            naked[exchange] += spells
    points: Counter[str] = sum((tally.points for tally in tallies), Counter())
    figures: Counter[str] = sum((one.findings.figures for one in outcomes), Counter())
    return "\n".join(
        (
            f"{sum(tally.kills for tally in tallies)} kills; "
            f"restart p50 {_at(restarts, 0.5):.2f} s, p99 {_at(restarts, 0.99):.2f} s",
            ", ".join(f"{name} {count}" for name, count in sorted(figures.items())),
            ", ".join(f"{name} ×{count}" for name, count in sorted(points.items())),
            *(_told_naked(exchange, sorted(spells)) for exchange, spells in sorted(naked.items())),
        )
    )


def _told_naked(exchange: str, spells: list[float]) -> str:
    return f"without a stop at {exchange}: {len(spells)} spells, p50 {_at(spells, 0.5):.2f} s, p99 {_at(spells, 0.99):.2f} s"


async def run(campaign: Campaign, folder: Path, clock: Clock) -> list[Outcome]:
    """Carry it out, and judge: one outcome per household."""
    async with exchanges(len(campaign.builds)) as addresses, a_midwife() as midwife:
        households = (_Front(campaign, number, midwife, clock) for number in range(len(campaign.builds)))
        return await asyncio.gather(
            *(front.fight(folder / front.name, address) for front, address in zip(households, addresses, strict=True))
        )


class _Front:
    """One household of a campaign."""

    def __init__(self, campaign: Campaign, number: int, midwife: Midwife, clock: Clock) -> None:
        self.name = f"h{number}"
        self._campaign = campaign
        self._number = number
        self._build = campaign.builds[number]
        self._seed = campaign.seed * 100 + number
        self._midwife = midwife
        self._clock = clock

    async def fight(self, folder: Path, address: dict[str, Any]) -> Outcome:
        """Storm, kills, calm, judgement."""
        async with a_household(self.name, folder, address) as household:
            await household.ask("POST", "/walk", {"on": True, "seed": self._seed, "speed": 30})
            faults = {"script": _PARTIAL + _SCRIPT, "rate": self._campaign.disturbed, "events": _DISTURBED, "seed": self._seed}
            kinds = _KINDS if self._build == "sound" else _KINDS_OF_DOUBT
            await household.ask("POST", "/faults", faults | {"kinds": kinds, "seconds": LONGEST_DELAY})
            storm = Storm(household, self._clock, self._seed)
            reaper = Reaper(household, self._midwife, storm, self._clock, self._seed)
            db = Database(Settings.load(household.settings, {}).database_url)
            try:
                if self._build == "sound":
                    await reaper.reap(self._campaign.kills_of(self._number), self._build)
                    findings = await _afterwards(household, self._midwife, storm, db, self._clock)
                else:
                    findings = await self._until_it_shows(household, storm, reaper, db)
            finally:
                await db.close()
            return Outcome(self._build, findings, reaper.tally)

    async def _until_it_shows(self, household: Household, storm: Storm, reaper: Reaper, db: Database) -> Findings:
        """Kill, and look at once at what must hold at every moment."""
        findings = Findings()
        while not findings.show(FAULTS[self._build]) and reaper.tally.kills < self._campaign.kills_of(self._number):
            await reaper.reap(1, self._build)
            ledger = await household.ask("GET", "/ledger")
            findings = Checker(household, storm.sent, await Memory.read(db), ledger).check_at_any_moment()
        return findings


async def _afterwards(household: Household, midwife: Midwife, storm: Storm, db: Database, clock: Clock) -> Findings:
    """Nothing disturbs any more: wait for quiet, judge, and look a second time."""
    await household.ask("DELETE", "/faults")
    life = await midwife.birth(household)
    await storm.calm()
    await household.ask("POST", "/walk", {"on": False})
    await clock.sleep(ROUND)  # where no stream speaks, the last price is heard with the next round
    restless = await quiet(db, clock)
    restless += _standstills(household) if restless else []
    life.kill()
    await life.dead.wait()
    memory, ledger = await Memory.read(db), await household.ask("GET", "/ledger")
    (Path(household.settings["data_dir"]) / "ledger.json").write_text(json.dumps(ledger, indent=1))
    checker = Checker(household, storm.sent, memory, ledger)
    findings = checker.check()
    requests = (await household.ask("GET", "/requests"))["requests"]
    checker.check_keys(requests)
    findings.note("P1 no alert is lost", [f"not quiet in time: {one}" for one in restless])
    findings.note("P14 a second look changes nothing", await _second_look(household, midwife, db, memory, clock))
    findings.figures["requests"] = len(requests)
    findings.figures["disturbed answers"] = sum(request["fault"] is not None for request in requests)
    return findings


async def quiet(db: Database, clock: Clock, rest: float = _REST) -> list[str]:
    """Wait until nothing is under way any more and nothing moves for so many seconds; what still is after that time."""
    deadline = clock.monotonic() + QUIET_WITHIN
    before: dict[str, Any] = {}
    restless, since = ["nobody looked"], clock.monotonic()
    while clock.monotonic() < deadline:
        await clock.sleep(_LOOK_EVERY if restless else rest / 5)  # what is compared is all that a house ever wrote
        if await db.read(SYSTEM, is_busy):
            restless, since = ["something is under way"], clock.monotonic()
            continue
        memory = await Memory.read(db)
        restless, now = memory.unrest(), memory.image()
        if restless or now != before:
            since = clock.monotonic()
        elif clock.monotonic() - since > rest:
            return []
        before = now
    return restless or ["it never came to rest"]


def _standstills(household: Household) -> list[str]:
    """Where the loops of its houses stood still, as their pulse told."""
    files = (Path(household.settings["data_dir"]) / "logs").glob("*.log")
    return [line for file in files for line in file.read_text().splitlines() if "stood still" in line]


async def _second_look(household: Household, midwife: Midwife, db: Database, memory: Memory, clock: Clock) -> list[str]:
    """Start once more and compare everything once more: nothing may change."""
    life = await midwife.birth(household)
    await asyncio.wait_for(life.ready.wait(), 60)
    await clock.sleep(1.0)
    life.kill()
    await life.dead.wait()
    return differences(memory.image(), (await Memory.read(db)).image())


def _at(values: list[float], part: float) -> float:
    """A quantile of sorted values."""
    return values[min(int(len(values) * part), len(values) - 1)] if values else statistics.fmean([0.0])
