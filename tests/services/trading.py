"""A whole house that trades at a simulated exchange, in one process, on a loop where waiting takes no time."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import httpx

from aristobot.clock import Clock
from aristobot.exchange import ClientFactory, Endpoints
from aristobot.kinds import LotStatus
from aristobot.settings import Settings
from aristobot.store import orders, positions, webhooks
from aristobot.store.instance import InstanceLock
from aristobot.store.migrate import upgrade_at_start
from aristobot.store.shelf import Shelf
from aristobot.store.tenancy import SYSTEM, GuardedSession
from aristobot.store.trading_tables import Bracket, Order, PositionRow, Webhook, WebhookState
from services.app import App
from services.audit_trail import Actor
from services.exchanges.binance import BinanceClient
from services.exchanges.transport import Timeouts
from services.household import NewUser
from services.simulator.records import Account as VenueAccount
from services.simulator.records import Order as VenueOrder
from services.simulator.server import SimulatorServer
from tests.exchange_urls import exchange_urls
from tests.loopback import AUTHORITIES
from tests.services.leaping import LoopClock

D = Decimal
HAND = Actor("the test", "cli")
#: Limits that only stand in the way of those who test them.
WIDE = {"repeated_entries": "1000", "twin_guard_seconds": "0", "refusals_to_halt": "1000", "daily_loss_percent": None}
#: Seconds within which whatever is waited for must have happened.
PATIENCE = 120.0
Found = TypeVar("Found")
_numbers = itertools.count(1)


class QuickBinance(BinanceClient):
    """Binance's client; it waits half a second for an answer."""

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None) -> None:
        super().__init__(clock, endpoints, Timeouts(read=0.5))


@dataclass(frozen=True)
class Trader:
    """A user with one broker, its account at the exchange, and the token of its alerts."""

    user_id: uuid.UUID
    broker_id: uuid.UUID
    account: VenueAccount
    token: str

    def orders(self, **wanted: Any) -> list[VenueOrder]:
        """What the exchange knows of them, oldest first; `wanted` are values that must fit."""
        found = sorted(self.account.orders.values(), key=lambda order: order.id)
        return [one for one in found if all(getattr(one, name) == value for name, value in wanted.items())]

    def total(self, asset: str) -> Decimal:
        """Free and locked, by the exchange's books."""
        holding = self.account.holding(asset)
        return holding.free + holding.locked


class TradingHouse:
    """The house, its exchange, and what a test wants to do with both. Others put another exchange before their house."""

    exchange: ClassVar[str] = "binance"
    client: ClassVar[ClientFactory] = QuickBinance

    def __init__(self, folder: Path, clock: Clock, simulator: SimulatorServer) -> None:
        self.clock = clock
        self.simulator = simulator
        self.folder = folder
        self._lock: InstanceLock | None = None
        self._web = httpx.AsyncClient(timeout=10, verify=AUTHORITIES)
        self.app = self._built()

    def _built(self, **options: Any) -> App:
        given: dict[str, object] = {"data_dir": self.folder, "exchange_urls": self.addresses()}
        given |= {"webhook_port": 0, "webhook_rate": 10_000, "webhook_burst": 1000}
        settings = Settings.load(given | options, {})
        upgrade_at_start(settings.database_url, Shelf.of(settings))
        self._lock = InstanceLock(settings)
        self._lock.acquire()
        app = App(settings, self.clock)
        app.gateway._factories[self.exchange] = self.client
        return app

    def addresses(self) -> dict[str, dict[str, str]]:
        """Where the exchanges are."""
        return exchange_urls(self.simulator.url)

    async def open(self) -> None:
        """Start everything and wait until trading may begin."""
        await self.app.start()
        await self.app.floor.ready.wait()

    async def close(self) -> None:
        """Stop everything."""
        await self.app.stop()
        self.unlock()
        await self._web.aclose()

    def unlock(self) -> None:
        """Let another house into the folder."""
        if self._lock is not None:
            self._lock.release()

    async def restart(self, *, meanwhile: Callable[[], object] = lambda: None, **options: Any) -> None:
        """Stop, let something happen at the exchange, and start again on what the memory holds."""
        await self.app.stop()
        self.unlock()
        meanwhile()
        self.app = self._built(**options)
        await self.open()

    async def trader(self, balances: dict[str, str] | None = None, **form: Any) -> Trader:
        """Somebody new, whose broker listens to alerts, reconciled and with its private stream up."""
        number = next(_numbers)
        amounts = {asset: D(amount) for asset, amount in (balances or {"USDT": "10000"}).items()}
        key, secret = uuid.uuid4().hex * 2, self.simulator.dialects[self.exchange].secret(uuid.uuid4().hex)
        account = self.simulator.venue.open_account(self.exchange, key, secret, amounts)
        self.prepare(account)
        user = await self.app.accounts.household.add_without_password(NewUser(f"trader-{number}", ""), HAND)
        wanted = {"exchange": self.exchange, "name": "Main", "api_key": key, "api_secret": secret, "mode": "WEBHOOKS"}
        wanted["limits"] = WIDE | form.pop("limits", {})
        broker = await self.app.brokers.add(user.id, wanted | form, HAND)
        token = await self.app.brokers.webhooks.rotate(user.id, broker.id, HAND)
        await self.until(lambda: broker.id in self.app.floor.reconciled and bool(account.listeners))
        return Trader(user.id, broker.id, account, token)

    def prepare(self, account: VenueAccount) -> None:
        """What an account of this exchange needs besides its money."""

    def faults(self, *script: dict[str, Any]) -> None:
        """Let something go wrong at the exchange."""
        self.simulator.world.faults.write(script)

    @contextmanager
    def unwritable(self, table: str) -> Iterator[None]:
        """Let the memory refuse new rows of a table for a while."""
        with closing(sqlite3.connect(self.folder / "aristobot.db", isolation_level=None)) as memory:
            memory.execute(f"CREATE TRIGGER refused BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END")
            try:
                yield
            finally:
                memory.execute("DROP TRIGGER refused")

    def no_faults(self) -> None:
        """Let nothing go wrong any more."""
        self.simulator.world.faults.clear()

    def price(self, price: str, symbol: str = "BTC/USDT") -> None:
        """Move the market."""
        self.simulator.world.feed.move(symbol, price)

    def asked(self, *events: str) -> list[str]:
        """The client order ids of what was asked of the exchange, in its order."""
        return [entry.client_order_id for entry in self.simulator.world.journal.entries if entry.event in events]

    async def send(self, trader: Trader, *commands: dict[str, Any]) -> uuid.UUID:
        """Post one alert and return the id of its row."""
        body = json.dumps(list(commands) if len(commands) > 1 else commands[0])
        answer = await self._web.post(f"{self.app.receiver.address}/webhook/{trader.token}", content=body)
        assert answer.status_code == 200, answer.text
        return uuid.UUID(answer.json()["id"])

    async def alert(self, trader: Trader, *, within: float = PATIENCE, **words: Any) -> Webhook:
        """Post one alert for BTC/USDT and wait for its end."""
        return await self.ended(await self.send(trader, {"symbol": "BTCUSDT", "id": uuid.uuid4().hex} | words), within)

    async def ended(self, webhook_id: uuid.UUID, within: float = PATIENCE) -> Webhook:
        """The row of an alert, once it is finished."""

        async def row() -> Webhook | None:
            found = await self.read(lambda s: webhooks.get(s, webhook_id))
            return found if found.status not in webhooks.UNFINISHED else None

        found: Webhook = await self.when(row, within)
        return found

    async def buy(self, trader: Trader, **words: Any) -> PositionRow:
        """Enter BTC/USDT with half of the money, and wait until what the alert asked for stands."""
        wanted: dict[str, Any] = {"action": "BuyMarket", "percent": 50}
        ended = await self.alert(trader, **wanted | words)
        assert ended.outcome == "ordered", (ended.reason, ended.reason_facts)
        return await self.position(trader)

    async def read(self, work: Callable[[GuardedSession], Found]) -> Found:
        """Look into the memory."""
        return await self.app.db.read(SYSTEM, work)

    async def position(self, trader: Trader, symbol: str = "BTC/USDT") -> PositionRow:
        """The newest position of a symbol, open or closed."""
        rows = await self.read(lambda s: positions.recent(s, trader.broker_id))
        return next(row for row in rows if row.symbol == symbol)

    async def state(self, trader: Trader) -> WebhookState:
        """The alerts' view of their newest position."""
        return (await self.read(lambda s: positions.states(s, trader.broker_id)))[0]

    async def bracket(self, trader: Trader) -> Bracket | None:
        """What guards the newest position."""
        position = await self.position(trader)
        return await self.read(lambda s: positions.bracket_of(s, position.id))

    async def rows(self, trader: Trader, **wanted: Any) -> list[Order]:
        """Our orders, oldest first; `wanted` are values that must fit."""
        found = await self.read(lambda s: orders.recent(s, trader.broker_id))
        return [row for row in reversed(found) if all(getattr(row, name) == value for name, value in wanted.items())]

    async def resting(self, trader: Trader) -> list[tuple[str, Decimal, Decimal]]:
        """Role, quantity and price of our exits that rest at the exchange, by role and price."""
        alive = [order for order in trader.orders() if order.is_open]
        ours = {row.client_order_id: row for row in await self.rows(trader)}  # read later: a row is there before its order
        return sorted((ours[one.client_id].role.value, one.quantity, one.stop_price or one.price) for one in alive)

    async def when(self, look: Callable[[], Any], within: float = PATIENCE) -> Any:
        """Look until there is something to see, `within` seconds of the house's clock."""
        deadline, pause = self.clock.monotonic() + within, 0.01
        while not (found := await look()):
            assert self.clock.monotonic() < deadline, "it did not happen in time"
            await self.clock.sleep(pause)
            pause = min(1.25 * pause, 0.25)
        return found

    async def until(self, condition: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until something is so."""

        async def look() -> bool:
            return condition()

        await self.when(look, within)

    async def settled(self, trader: Trader, count: int, **wanted: Any) -> list[Order]:
        """Wait until so many of our orders fit."""

        async def look() -> list[Order]:
            found = await self.rows(trader, **wanted)
            return found if len(found) == count else []

        found: list[Order] = await self.when(look)
        return found

    async def holds(self, trader: Trader, quantity: str) -> PositionRow:
        """Wait until the newest position holds so much; a closed one keeps its dust."""

        async def look() -> PositionRow | None:
            rows = await self.read(lambda s: positions.recent(s, trader.broker_id))
            return rows[0] if rows and rows[0].quantity == D(quantity) else None

        found: PositionRow = await self.when(look)
        return found

    async def closed(self, trader: Trader) -> PositionRow:
        """Wait until the newest position is closed."""

        async def look() -> PositionRow | None:
            row = await self.position(trader)
            return row if row.status is LotStatus.CLOSED else None

        found: PositionRow = await self.when(look)
        return found

    async def guarded(self, trader: Trader, *exits: tuple[str, str, str]) -> None:
        """Wait until exactly these exits rest: (role, quantity, price)."""
        expected = sorted((role, D(quantity), D(price)) for role, quantity, price in exits)
        seen: list[Any] = []

        async def look() -> bool:
            seen[:] = await self.resting(trader)
            return seen == expected

        try:
            await self.when(look)
        except AssertionError:
            raise AssertionError(f"{seen} rest instead of {expected}") from None


def furnish(folder: Path, template: Path) -> None:
    """Give a house an empty memory, and a ballast that weighs nothing: hundreds of houses in memory need not take 64 MB each."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, folder / "aristobot.db")
    (folder / "ballast").touch()


@asynccontextmanager
async def a_trading_house(
    folder: Path, template: Path, kind: type[TradingHouse] = TradingHouse, clock: Clock | None = None
) -> AsyncIterator[TradingHouse]:
    """A house on a fresh SQLite memory, open and ready; to be run on a leaping loop."""
    furnish(folder, template)
    clock = clock or LoopClock()
    simulator = SimulatorServer(clock)
    await simulator.start()
    house = kind(folder, clock, simulator)
    try:
        await house.open()
        yield house
    finally:
        await house.close()
        await simulator.stop()
