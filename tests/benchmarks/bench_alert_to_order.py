"""From the alert's first byte to the order's arrival at the exchange, and twenty alerts at once.

    python -m tests.benchmarks.bench_alert_to_order [alerts] [past orders]

The house is a process of its own (everything but the screen), on its own loop and SQLite FULL; the simulated exchange and the
sender share this one. Each alert is a market entry on a symbol of its own account, over an open connection; orders leave over the
trading socket. The floor is the same alert with nothing to order (PING), which is stored and answered just the same. With past
orders the first account has traded for years: each has its alert, its execution, and with the next one its position.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn
from sqlmodel import SQLModel

from aristobot.clock import SystemClock
from aristobot.kinds import LotStatus, WebhookOutcome, WebhookStatus
from aristobot.orders import OrderStatus, Side
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import FillRow, Order, PositionRow, Webhook
from services.simulator.binance import BinanceDialect
from services.simulator.misfortune import Courier, Question
from services.simulator.server import SimulatorServer
from services.simulator.wire import Outcome
from services.simulator.world import World
from tests.builders import a_fill_row, a_position, a_webhook, an_order
from tests.reliability.exchanges import addresses
from tests.reliability.household import Household, Life, Seat, a_household, a_midwife

AT_ONCE = 20
_AWAY = 0.002
AIM_P50, AIM_BURST = 2.3, 8.0
_CLOCK = SystemClock()


class _Gate(Courier):
    """Takes in all that came before the exchange works on any of it, and notes when each order came (seconds of perf_counter).

    The exchange begins to work two milliseconds later: less than the way there and back, and long enough to read twenty.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.orders: list[float] = []
        self._rung = asyncio.Event()

    def carry(self, question: Question, send: Callable[[Outcome], None]) -> None:
        """Note an order, and ring; filling it is not what is measured."""
        if "order.place" in question.entry.path:
            self.orders.append(time.perf_counter())
            self._rung.set()
        asyncio.get_running_loop().call_later(_AWAY, super().carry, question, send)

    async def number(self, count: int) -> None:
        """Wait until so many orders have come."""
        while len(self.orders) < count:
            self._rung.clear()
            await asyncio.wait_for(self._rung.wait(), 10)


class _Sender(asyncio.Protocol):
    """One open connection that sends alerts with as little of its own as can be: what is measured is the house."""

    def __init__(self) -> None:
        self._answer = b""
        self._waiting: asyncio.Future[None] | None = None

    @classmethod
    async def connect(cls, household: Household) -> _Sender:
        """A connection to the household's ingress."""
        loop = asyncio.get_running_loop()
        _, sender = await loop.create_connection(cls, "127.0.0.1", household.settings["webhook_port"])
        return sender

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """The answer, in one piece or several."""
        self._answer += data
        if self._waiting is not None and self._answer.endswith(b"}"):
            assert self._answer.startswith(b"HTTP/1.1 200 "), self._answer
            self._answer = b""
            self._waiting.set_result(None)

    async def send(self, seat: Seat, action: str, symbol: str = "BTCUSDT") -> None:
        """Send an alert; returns when it is acknowledged."""
        await self.post(_alert(seat, action, symbol))

    def post(self, request: bytes) -> asyncio.Future[None]:
        """Send a request as it is; the future is done when it is acknowledged."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting


def _alert(seat: Seat, action: str, symbol: str = "BTCUSDT") -> bytes:
    """A request that brings an alert."""
    body = json.dumps({"action": action, "symbol": symbol, "percent": 5, "id": uuid.uuid4().hex})
    head = f"POST /webhook/{seat.token} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def _one_by_one(web: _Sender, seat: Seat, arrivals: _Gate, count: int) -> list[float]:
    """Milliseconds from sending a buy to its order's arrival; each is sold before the next."""
    took: list[float] = []
    for _ in range(count):
        for action in ("BuyMarket", "SellMarket"):
            request = _alert(seat, action)
            known, started = len(arrivals.orders), time.perf_counter()
            await web.post(request)
            await arrivals.number(known + 1)
            took.append((arrivals.orders[known] - started) * 1000)
            await _CLOCK.sleep(0.05)
    return took


async def _burst(web: list[_Sender], seats: list[Seat], arrivals: _Gate) -> float:
    """Milliseconds from sending twenty alerts at once to the arrival of the last order."""
    spread = _spread(seats)
    requests = [_alert(seat, "BuyMarket", symbol) for seat, symbol in spread]
    known, started = len(arrivals.orders), time.perf_counter()
    await asyncio.gather(*(one.post(request) for one, request in zip(web, requests, strict=True)))
    await arrivals.number(known + AT_ONCE)
    took = (arrivals.orders[known + AT_ONCE - 1] - started) * 1000
    await _CLOCK.sleep(0.5)
    for seat, symbol in spread:
        await web[0].send(seat, "SellMarket", symbol)
    await arrivals.number(known + 2 * AT_ONCE)
    await _CLOCK.sleep(1.0)
    return took


def _spread(seats: list[Seat]) -> list[tuple[Seat, str]]:
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT")
    return [(seats[number % len(seats)], symbols[number // len(seats)]) for number in range(AT_ONCE)]


async def _pings(web: _Sender, seat: Seat, count: int) -> list[float]:
    took: list[float] = []
    for _ in range(count):
        started = time.perf_counter()
        await web.send(seat, "PING")
        took.append((time.perf_counter() - started) * 1000)
        await _CLOCK.sleep(0.02)
    return took


def _line(name: str, values: list[float], aim: float | None = None) -> str:
    middle = statistics.median(values)
    slow = sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]
    verdict = "" if aim is None else f"   aim p50 <= {aim} ms  {'reached' if middle <= aim else 'MISSED'}"
    return f"{name:44} p50 {middle:6.2f} ms   p99 {slow:6.2f} ms   n {len(values)}{verdict}"


async def _measure(household: Household, arrivals: _Gate, count: int) -> None:
    web = await _Sender.connect(household)
    await _one_by_one(web, household.seats[0], arrivals, 20)
    for seat, symbol in _spread(household.seats):  # every market was seen once: prices and balances are in memory
        known = len(arrivals.orders)
        for action in ("BuyMarket", "SellMarket"):
            await web.send(seat, action, symbol)
            await _CLOCK.sleep(0.2)
        await arrivals.number(known + 2)
    await _CLOCK.sleep(1.0)
    print(_line("alert answered (stored, nothing to order)", await _pings(web, household.seats[0], count)))
    took = await _one_by_one(web, household.seats[0], arrivals, count // 2)
    print(_line("alert to order at the exchange, entries", took[::2], AIM_P50))
    print(_line("alert to order at the exchange, exits", took[1::2], AIM_P50))
    several = [await _Sender.connect(household) for _ in range(AT_ONCE)]
    bursts = [await _burst(several, household.seats, arrivals) for _ in range(15)]
    print(_line(f"{AT_ONCE} alerts at once, last order out", bursts, AIM_BURST))


def _past(seat: Seat, number: int) -> list[SQLModel]:
    """An alert that bought, one that sold it all, and what became of them, as many hours and a day ago."""
    at = _CLOCK.now() - timedelta(hours=number + 24)
    broker = Broker(id=seat.broker_id, user_id=seat.user_id, exchange=seat.exchange, name="", created_at=at)
    over = {"status": LotStatus.CLOSED, "closed_at": at, "quantity": 0, "cost": 0, "bought": 1, "sold": 1}
    position = a_position(broker, opened_at=at, **over)
    rows: list[SQLModel] = [position]
    for side in (Side.BUY, Side.SELL):
        alert = a_webhook(broker, received_at=at, finished_at=at, status=WebhookStatus.PROCESSED, outcome=WebhookOutcome.ORDERED)
        ended = {"status": OrderStatus.FILLED, "filled": Decimal("0.001"), "client_order_id": alert.trace_id, "updated_at": at}
        order = an_order(broker, side=side, webhook_id=alert.id, position_id=position.id, **ended, created_at=at)
        rows += [alert, order, a_fill_row(order, at=at)]
    return rows


async def _remember_years(household: Household, seat: Seat, orders: int) -> None:
    db = Database(Settings.load(household.settings, {}).database_url)
    for start in range(0, orders // 2, 500):
        past = [row for number in range(start, min(start + 500, orders // 2)) for row in _past(seat, number)]
        for kind in (PositionRow, Webhook, Order, FillRow):
            rows = [row for row in past if isinstance(row, kind)]
            await db.write(SYSTEM, partial(GuardedSession.add_all, instances=rows))
    await db.close()


async def main(count: int, past_orders: int) -> None:
    """Print the figures."""
    exchange = SimulatorServer(SystemClock())
    await exchange.start()
    binance = exchange.dialects["binance"]
    assert isinstance(binance, BinanceDialect)
    binance.desk.courier = arrivals = _Gate(exchange.world)
    address = addresses(exchange)
    with tempfile.TemporaryDirectory() as folder:
        async with a_household("bench", Path(folder), address, (("binance",) * 2,) * 2) as household, a_midwife() as midwife:
            await _remember_years(household, household.seats[0], past_orders)
            life: Life = await midwife.birth(household)
            await asyncio.wait_for(life.ready.wait(), 30)
            await _CLOCK.sleep(1.0)
            await _measure(household, arrivals, count)
            life.kill()
    await exchange.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvicorn.Config("", loop="auto").get_loop_factory()) as runner:
        runner.run(main(*([int(given) for given in sys.argv[1:]] + [300, 0][len(sys.argv) - 1 :])))
