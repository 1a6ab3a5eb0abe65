"""What strategies cost in processes of their own: start, memory, idle, and how long after a candle's close twenty have decided.

`python -m tests.benchmarks.bench_strategies [strategies] [rounds]`
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from pathlib import Path

from aristobot.clock import SystemClock
from aristobot.templates import TEMPLATES
from services.strategy_host import Program, StrategyHost
from tests.aristobot.test_candle_files import minutes

WINDOW = 500
FACTS = {
    "exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1m", "base": "BTC", "quote": "USDT", "tick": 0.01,
    "step": 1e-5, "min_quantity": 1e-5, "min_notional": 5.0, "fee_rate": 0.001, "mode": "live",
}  # fmt: skip
REQUEST = {"do": "decide", "facts": FACTS, "candles": "window", "standing": {"balance": 1000.0, "allotted": 1000.0}}


async def measure(count: int, rounds: int) -> None:
    """Print the figures."""
    clock, host, candles = SystemClock(), StrategyHost(SystemClock()), minutes(WINDOW + rounds)
    before = clock.monotonic()
    for number in range(count):
        template = TEMPLATES[number % len(TEMPLATES)]
        await host.seat(number, Program("services.strategy_job", template.text))
    print(f"{count} strategies, a window of {WINDOW} candles each")
    print(f"start, one after the other      {(clock.monotonic() - before) / count * 1000:8.0f} ms each")
    states: list[object] = [None] * count
    pids = _children()
    worked = sum(map(_ticks, pids))

    async def one(number: int, at: int) -> None:
        request = {**REQUEST, "state": states[number]}
        answer = await host.ask(number, request, {"window": candles[at : at + WINDOW]})
        states[number] = answer.value["state"]

    spent, alone, house = [], [], 0.0
    for at in range(rounds):
        before, used = clock.monotonic(), time.process_time()
        await asyncio.gather(*(one(number, at) for number in range(count)))
        spent.append((clock.monotonic() - before) * 1000)
        house += time.process_time() - used
        before = clock.monotonic()
        await one(0, at)
        alone.append((clock.monotonic() - before) * 1000)
    worked_ms = (sum(map(_ticks, pids)) - worked) * 1000 / os.sysconf("SC_CLK_TCK") / rounds / (count + 1) * count
    warm, lone = sorted(spent[2:]), sorted(alone[2:])
    print(
        f"all have decided after a close  {statistics.median(warm):8.2f} ms, 90th percentile {warm[len(warm) * 9 // 10]:.2f} ms"
    )
    print(f"of which the house computes     {house / len(spent) * 1000:8.2f} ms")
    print(f"and the strategies              {worked_ms:8.2f} ms, all together")
    print(f"one alone                       {statistics.median(lone):8.2f} ms")
    print(f"memory                          {statistics.mean(map(_own_mb, pids)):8.1f} MB each, not shared with the others")
    ticks = sum(map(_ticks, pids))
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=5)
    idle = (sum(map(_ticks, pids)) - ticks) * 1000 / os.sysconf("SC_CLK_TCK")
    print(f"idle for 5 s                    {idle:8.0f} ms of processor, all together")
    await host.close()


def _children() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(") ")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if fields[1] == str(os.getpid()):
            found.append(int(path.parent.name))
    return found


def _own_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    asyncio.run(measure(*(int(one) for one in (*sys.argv[1:], *("20", "40")[len(sys.argv) - 1 :]))))
