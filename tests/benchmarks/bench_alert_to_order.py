"""From the alert's first byte to the order's arrival at the exchange, and twenty alerts at once.

    python -m tests.benchmarks.bench_alert_to_order [alerts]

The house is a process of its own (everything but the screen), on SQLite FULL; the simulated exchange and the sender share
this one. Each alert is a market entry on a symbol of its own account, over an open connection; orders leave over the
trading socket. The floor is the same alert with nothing to order (PING), which is stored and answered just the same.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
import uuid
from collections import deque
from pathlib import Path
from typing import Any

import httpx

from aristobot.clock import SystemClock
from services.simulator.server import SimulatorServer
from tests.reliability.household import Household, Life, Seat, a_household, a_midwife

AT_ONCE = 20
AIM_P50, AIM_BURST = 2.3, 8.0
_CLOCK = SystemClock()


class _Arrivals(deque[Any]):
    """The exchange's journal, noting when each order came in (seconds of perf_counter)."""

    def __init__(self, *entries: Any) -> None:
        super().__init__(*entries, maxlen=200_000)
        self.orders: list[float] = []
        self.rung = asyncio.Event()

    def append(self, entry: Any) -> None:
        """Remember a request; an order rings."""
        if "order.place" in f"{entry.method} {entry.path}":
            self.orders.append(time.perf_counter())
            self.rung.set()
        super().append(entry)

    async def number(self, count: int) -> None:
        """Wait until so many orders have come."""
        while len(self.orders) < count:
            self.rung.clear()
            await asyncio.wait_for(self.rung.wait(), 10)


def _alert(action: str, symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {"action": action, "symbol": symbol, "percent": 5, "id": uuid.uuid4().hex}


async def _one_by_one(web: httpx.AsyncClient, seat: Seat, arrivals: _Arrivals, count: int) -> list[float]:
    """Milliseconds from sending a buy to its order's arrival; each is sold before the next."""
    took: list[float] = []
    for _ in range(count):
        for action in ("BuyMarket", "SellMarket"):
            known, started = len(arrivals.orders), time.perf_counter()
            (await web.post(f"/webhook/{seat.token}", json=_alert(action))).raise_for_status()
            await arrivals.number(known + 1)
            took.append((arrivals.orders[known] - started) * 1000)
            await _CLOCK.sleep(0.05)
    return took


async def _burst(web: httpx.AsyncClient, seats: list[Seat], arrivals: _Arrivals) -> float:
    """Milliseconds from sending twenty alerts at once to the arrival of the last order."""
    known, started = len(arrivals.orders), time.perf_counter()
    posts = [web.post(f"/webhook/{seat.token}", json=_alert("BuyMarket", symbol)) for seat, symbol in _spread(seats)]
    await asyncio.gather(*posts)
    await arrivals.number(known + AT_ONCE)
    took = (arrivals.orders[known + AT_ONCE - 1] - started) * 1000
    await _CLOCK.sleep(0.5)
    for seat, symbol in _spread(seats):
        await web.post(f"/webhook/{seat.token}", json=_alert("SellMarket", symbol))
    await arrivals.number(known + 2 * AT_ONCE)
    await _CLOCK.sleep(1.0)
    return took


def _spread(seats: list[Seat]) -> list[tuple[Seat, str]]:
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")
    return [(seats[number % len(seats)], symbols[number // len(seats)]) for number in range(AT_ONCE)]


async def _pings(web: httpx.AsyncClient, seat: Seat, count: int) -> list[float]:
    took: list[float] = []
    for _ in range(count):
        started = time.perf_counter()
        (await web.post(f"/webhook/{seat.token}", json=_alert("PING"))).raise_for_status()
        took.append((time.perf_counter() - started) * 1000)
        await _CLOCK.sleep(0.02)
    return took


def _line(name: str, values: list[float], aim: float | None = None) -> str:
    middle = statistics.median(values)
    slow = sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]
    verdict = "" if aim is None else f"   aim p50 <= {aim} ms  {'reached' if middle <= aim else 'MISSED'}"
    return f"{name:44} p50 {middle:6.2f} ms   p99 {slow:6.2f} ms   n {len(values)}{verdict}"


async def _measure(household: Household, arrivals: _Arrivals, count: int) -> None:
    async with httpx.AsyncClient(base_url=household.ingress, trust_env=False) as web:
        await _one_by_one(web, household.seats[0], arrivals, 20)
        for seat in household.seats:  # every market was seen once: prices and balances are in memory
            for symbol in {symbol for one, symbol in _spread(household.seats) if one is seat}:
                known = len(arrivals.orders)
                for action in ("BuyMarket", "SellMarket"):
                    await web.post(f"/webhook/{seat.token}", json=_alert(action, symbol))
                    await _CLOCK.sleep(0.2)
                await arrivals.number(known + 2)
        await _CLOCK.sleep(1.0)
        print(_line("alert answered (stored, nothing to order)", await _pings(web, household.seats[0], count)))
        print(_line("alert to order at the exchange", await _one_by_one(web, household.seats[0], arrivals, count // 2), AIM_P50))
        print(
            _line(
                f"{AT_ONCE} alerts at once, last order out",
                [await _burst(web, household.seats, arrivals) for _ in range(15)],
                AIM_BURST,
            )
        )


async def main(count: int) -> None:
    """Print the three figures."""
    exchange = SimulatorServer(SystemClock())
    await exchange.start()
    arrivals = _Arrivals(exchange.world.journal.entries)
    exchange.world.journal.entries = arrivals
    address = {"url": exchange.url, "control": exchange.control_url}
    with tempfile.TemporaryDirectory() as folder:
        async with a_household("bench", Path(folder), address, brokers=(2, 2)) as household, a_midwife() as midwife:
            life: Life = await midwife.birth(household)
            await asyncio.wait_for(life.ready.wait(), 30)
            await _CLOCK.sleep(1.0)
            await _measure(household, arrivals, count)
            life.kill()
    await exchange.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
