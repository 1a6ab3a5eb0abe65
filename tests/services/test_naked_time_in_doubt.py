"""Each step of a position's life at Kraken and Bitget meets each mishap once: nothing is doubled, and nothing is long unguarded.

On a clock that leaps, with clients that wait as long as in earnest; judged by the exchange's ledger.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aristobot.kinds import HaltLevel, LotStatus
from aristobot.money import amount
from aristobot.store import positions
from services.simulator.ledger import ledger
from tests.reliability.timeline import Timeline
from tests.services.earnest import EarnestHouse, Venue, an_earnest_house, resting_stops
from tests.services.leaping import run_leaping
from tests.services.trading import Trader

#: Where, and in which market the price moves for those who wait for a target there; the others trade where it does not.
VENUES = {
    Venue("kraken"): "BTC/USDT",
    Venue("bitget", "classic"): "ETH/USDT",
    Venue("bitget", "unified"): "SOL/USDT",
}
CALM = "XRP/USDT"
PRICES = {"BTC/USDT": 60_000, "ETH/USDT": 3000, "SOL/USDT": 150, CALM: 2}
#: What happens to the request that is the step; a silent socket says nothing more, whatever it is asked.
MISHAPS: tuple[dict[str, Any], ...] = (
    {"do": "accept_then_hang"},
    {"do": "accept_then_hang", "lag": 3},
    {"do": "accept_then_5xx"},
    {"do": "lagging_reads", "seconds": 5},
    {"on": "user.message", "do": "silent_socket"},
)
#: One more where asking again does no harm: an error behind which nothing was done, which nobody can know.
NOTHING_DONE = {"do": "refuse_5xx"}
#: Steps, and the request that each of them sends.
STEPS = {
    "entry": "order.place",
    "stop": "order.place",
    "move": "order.amend",
    "exit": "order.cancel",
    "sale": "order.place",
    "target": "order.place",
}
#: Seconds without a stop that one mishap may cost, and for which the end of a scenario is waited for.
MOST, PATIENCE = 5.0, 180.0


@dataclass
class Walker:
    """Somebody who meets every mishap at one step."""

    house: EarnestHouse
    trader: Trader
    step: str
    symbol: str

    @property
    def mishaps(self) -> tuple[dict[str, Any], ...]:
        """What happens on the way."""
        return (*MISHAPS, NOTHING_DONE) if self.step in ("move", "exit") else MISHAPS

    async def walk(self) -> None:
        """One position after the other, from entry to exit."""
        for mishap in self.mishaps:
            await getattr(self, f"_{self.step}")({"on": STEPS[self.step], "key": self.trader.account.key} | mishap)
            await self._alert(action="SellMarket")
            await self.until(self._is_out)
            await self.house.clock.sleep(60)  # whatever could still come true

    async def _entry(self, mishap: dict[str, Any]) -> None:
        self.house.faults(mishap)
        await self._buy()

    async def _stop(self, mishap: dict[str, Any]) -> None:
        await self.buy_bare()
        self.house.faults(mishap)
        await self._alert(action="MAJ", stop_loss=self._part("0.95"))
        await self.until(lambda: bool(resting_stops(self.trader, self.symbol)))

    async def _move(self, mishap: dict[str, Any]) -> None:
        await self._buy()
        self.house.faults(mishap)
        await self._alert(action="MAJ", stop_loss=self._part("0.96"))
        wanted = [Decimal(self._part("0.96"))]
        await self.until(lambda: [one.stop_price for one in resting_stops(self.trader, self.symbol)] == wanted)

    async def _exit(self, mishap: dict[str, Any]) -> None:
        await self._buy()
        self.house.faults(mishap)

    async def _sale(self, mishap: dict[str, Any]) -> None:
        await self._exit(mishap)

    async def _target(self, mishap: dict[str, Any]) -> None:
        await self._buy(take_profit=self._part("1.05"))
        self.house.faults(mishap)
        self.house.price(self._part("1.06"), self.symbol)
        await self.until(self._is_out)
        self.house.price(self._part("1"), self.symbol)

    async def buy_bare(self) -> None:
        """Buy without a stop."""
        await self._alert(action="BuyMarket", percent=20)
        await self.until(lambda: self._held() > 0)

    async def _buy(self, **exits: str) -> None:
        await self._alert(action="BuyMarket", percent=20, stop_loss=self._part("0.95"), **exits)
        await self.until(lambda: bool(resting_stops(self.trader, self.symbol)))

    async def _alert(self, **words: Any) -> None:
        identity = f"{self.house.clock.monotonic()}"
        await self.house.send(self.trader, {"symbol": self.symbol.replace("/", ""), "id": identity} | words)
        await self.house.clock.sleep(3)

    async def _is_out(self) -> bool:
        rows = await self.house.read(lambda s: positions.recent(s, self.trader.broker_id))
        return bool(rows) and all(row.status is LotStatus.CLOSED for row in rows)

    async def until(self, look: Any) -> None:
        """Wait until it is so."""
        clock = self.house.clock
        began = clock.monotonic()
        while not (await found if asyncio.iscoroutine(found := look()) else found):
            assert clock.monotonic() - began < PATIENCE, f"{self.step} at {self.trader.account.exchange} does not come to its end"
            await clock.sleep(0.5)

    def _held(self) -> Decimal:
        return self.trader.total(self.symbol.partition("/")[0])

    def _part(self, part: str) -> str:
        return f"{PRICES[self.symbol] * Decimal(part):f}"


async def every_step_with_every_mishap(folder: Path, template: Path) -> tuple[list[Walker], dict[str, Any]]:
    """Walk every way, all at once; who walked, and the exchange's ledger."""
    async with an_earnest_house(folder, template) as house:
        walkers = []
        for two in (("entry", "stop"), ("move", "exit"), ("sale", "target")):
            ways = list(itertools.product(two, VENUES.items()))
            traders = await house.traders(*(venue for _, (venue, _) in ways))
            for trader, (step, (_, moving)) in zip(traders, ways, strict=True):
                walkers.append(Walker(house, trader, step, moving if step == "target" else CALM))
        await asyncio.gather(*(walker.walk() for walker in walkers))
        return walkers, ledger(house.simulator.venue.accounts.values(), house.simulator.venue.names)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[list[Walker], dict[str, Any]]:
    """All of them, once."""
    return run_leaping(every_step_with_every_mishap(tmp_path_factory.mktemp("house"), sqlite_template))


@pytest.mark.parametrize("step", STEPS)
def test_a_mishap_at_any_step_doubles_nothing_and_leaves_nothing_unguarded(
    walked: tuple[list[Walker], dict[str, Any]], step: str
) -> None:
    walkers, told = walked
    for walker in (one for one in walkers if one.step == step):
        mine = [order for order in told["orders"] if order["key"] == walker.trader.account.key]
        bought = [order for order in mine if order["side"] == "buy" and amount(order["filled"])]
        assert Counter(order["client_order_id"] for order in mine).most_common(1)[0][1] == 1
        assert len(bought) == len(walker.mishaps)
        timeline = Timeline(walker.trader.account.key, told)
        most = 0.0 if step == "move" else MOST
        assert timeline.oversold() == []
        assert [spell for spell in timeline.naked_spells({walker.symbol}) if spell[1] > most] == []
        assert [wait for wait in waits_for_a_stop(mine) if wait > MOST] == []


def waits_for_a_stop(orders: list[dict[str, Any]]) -> list[float]:
    """How many seconds passed between the end of each entry and the first stop after it."""
    entries = [order for order in orders if order["side"] == "buy"]
    stops = [datetime.fromisoformat(order["accepted_at"]) for order in orders if order["type"].startswith("stop_loss")]
    ends = [datetime.fromisoformat(order["done_at"]) for order in entries]
    return [
        (min(stop for stop in stops if stop >= end) - end).total_seconds()
        for end, following in itertools.zip_longest(ends, ends[1:])
        if any(stop >= end for stop in stops)
    ]


@pytest.mark.parametrize("mode", ["classic", "unified"])
def test_a_stop_of_which_nobody_can_know_whether_it_rests_is_told_of_after_fifteen_seconds(
    mode: str, tmp_path: Path, sqlite_template: Path
) -> None:
    alarm, end, oversold = run_leaping(a_stop_that_never_arrived(tmp_path / "house", sqlite_template, Venue("bitget", mode)))
    assert 15 <= alarm <= 17
    assert end < 60  # a plan locks nothing, so a second one, or a sale, waits until the first can no longer appear
    assert oversold == []


async def a_stop_that_never_arrived(folder: Path, template: Path, venue: Venue) -> tuple[float, float, list[str]]:
    """Seconds until entries stop, and until the position is guarded or sold, after a stop that an error swallowed; oversold."""
    async with an_earnest_house(folder, template) as house:
        (trader,) = await house.traders(venue)
        walker = Walker(house, trader, "stop", CALM)
        switch, clock = house.app.kill_switch, house.clock
        await walker.buy_bare()
        house.faults({"on": "order.place", "key": trader.account.key} | NOTHING_DONE)
        await house.send(trader, {"symbol": "XRPUSDT", "action": "MAJ", "stop_loss": "1.9", "id": "stop"})
        began = clock.monotonic()
        await walker.until(lambda: switch.level(trader.user_id, trader.broker_id) is HaltLevel.REDUCE)
        alarmed = clock.monotonic() - began
        await walker.until(lambda: bool(resting_stops(trader, CALM)) or trader.total("XRP") < 1)
        told = ledger(house.simulator.venue.accounts.values(), house.simulator.venue.names)
        return alarmed, clock.monotonic() - began, Timeline(trader.account.key, told).oversold()
