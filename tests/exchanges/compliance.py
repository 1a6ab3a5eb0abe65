"""What every exchange is tried on: numbered behaviours, and a bench for each kind of account of each exchange found.

Nothing here names an exchange: `services.exchanges.discover()` says which clients there are, and the simulator's dialect of
the same name says where it speaks, which kinds of account it has, and what its secrets look like.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar, cast

import pytest

from aristobot.clock import ManualClock, SystemClock
from aristobot.errors import RateLimited
from aristobot.exchange import AccountUpdate, Capabilities, Credentials, StreamReset
from aristobot.market import Instrument
from aristobot.orders import OrderRequest, OrderType, Side, TimeInForce
from services.exchanges import discover
from services.exchanges.transport import Timeouts
from services.simulator.journal import Entry
from services.simulator.records import Account, Order
from services.simulator.server import SimulatorServer

D = Decimal
T = TypeVar("T")
SYMBOL, BASE, QUOTE = "BTC/USDT", "BTC", "USDT"
QUICK = Timeouts(pool=0.5, connect=1.0, send=0.5, read=1.0)
PASSPHRASE = "words that open the account"
#: Real seconds after which something should have happened.
PATIENCE = 20.0
_ids = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of account at one exchange, and the way its orders take: over a socket where there is one, or over REST."""

    exchange: str
    mode: str
    route: str

    def __str__(self) -> str:
        return f"{self.exchange}-{self.mode}-{self.route}"

    @property
    def capabilities(self) -> Capabilities:
        """What the client says of itself."""
        return discover()[self.exchange].capabilities


def cases(needs: str = "", *, routes: bool = False) -> list[Case]:
    """Every kind of account there is, of exchanges that have a capability; with `routes`, by each way its orders may take."""
    found = []
    dialects = SimulatorServer(ManualClock()).dialects
    for name, client in discover().items():
        if needs and not getattr(client.capabilities, needs):
            continue
        ways = ("socket", "rest") if routes and client.capabilities.trading_socket else ("rest",) if routes else ("any",)
        found += [Case(name, mode, way) for mode in dialects[name].modes for way in ways]
    return found


def behaviour(number: str, sentence: str, *, needs: str = "", routes: bool = False) -> pytest.MarkDecorator:
    """A test of one numbered behaviour, for each case; `sentence` is how docs/add-an-exchange.md puts it."""
    assert sentence.endswith(".")
    found = cases(needs, routes=routes)
    return pytest.mark.parametrize("bench", found, indirect=True, ids=[f"{number}-{one}" for one in found])


class Bench:
    """A simulator, a client that speaks to it, and an account with play money. A coin costs 100."""

    def __init__(self, clock: ManualClock, server: SimulatorServer, case: Case) -> None:
        self.clock, self.server, self.case = clock, server, case
        self.exchange, self.dialect = case.exchange, server.dialects[case.exchange]
        self.client: Any = self.another_client()
        self.capabilities = case.capabilities
        self.keys = self.open_account("first")
        self.price("100")
        if case.route == "rest":
            self.faults({"on": "socket.connect", "do": "refuse", "times": 0})

    def another_client(self, timeouts: Timeouts = QUICK) -> Any:
        """A client that knows nothing yet."""
        make = cast(Any, discover()[self.exchange])
        return make(self.clock, self.server.endpoints(self.exchange), timeouts)

    def open_account(self, name: str, balances: dict[str, str] | None = None) -> Credentials:
        """Keys to an account of its own: 10,000 USDT and one coin."""
        key, secret = f"key-of-{name}".replace("-", "0").ljust(64, "k"), self.dialect.secret(f"secret-of-{name}")
        money = {asset: D(text) for asset, text in (balances or {QUOTE: "10000", BASE: "1"}).items()}
        account = self.server.venue.open_account(self.exchange, key, secret, money)
        account.passphrase, account.mode = PASSPHRASE, self.case.mode
        return Credentials(key, secret, PASSPHRASE)

    def account(self, keys: Credentials | None = None) -> Account:
        """What the exchange has on record."""
        return self.server.venue.accounts[self.exchange, (keys or self.keys).api_key]

    def instrument(self, symbol: str = SYMBOL) -> Instrument:
        """A market as the exchange has it."""
        return self.server.venue.instruments[self.exchange][symbol]

    def price(self, price: str, symbol: str = SYMBOL) -> None:
        """Move the market."""
        self.server.world.feed.move(symbol, price)

    def close_market(self) -> None:
        """No order is taken in the usual market any more, and the exchange says so."""
        self.dialect.set_status(SYMBOL, self.dialect.states[1])

    def open_market(self) -> None:
        """Orders are taken again."""
        self.dialect.set_status(SYMBOL, self.dialect.states[0])

    def faults(self, *script: dict[str, Any]) -> None:
        """Let something go wrong."""
        self.server.world.faults.write([{"exchange": self.exchange, **entry} for entry in script])

    def asked(self, event: str) -> list[Entry]:
        """What the exchange was asked, by the kind of request."""
        return [one for one in self.server.world.journal.entries if one.event == event]

    def placed(self, client_id: str) -> list[Order]:
        """The orders that the exchange took under a client id."""
        return [
            one
            for account in self.server.venue.accounts.values()
            for one in account.orders.values()
            if one.client_id == client_id
        ]

    @property
    def sendings(self) -> int:
        """How often the exchange was asked to place an order."""
        return len(self.asked("order.place"))

    async def later(self, doing: Awaitable[T], most: float = 90.0) -> T:
        """The result of something that waits by the clock, which goes on meanwhile, for `most` seconds at most."""
        task = asyncio.ensure_future(doing)
        for _ in range(int(most * 4)):
            await asyncio.wait([task], timeout=0.005)
            if task.done():
                break
            await self.clock.advance(0.25)
        return await asyncio.wait_for(task, PATIENCE)

    async def find(self, client_id: str) -> Any:
        """What the client says of an order, asked again when it was too early; the clock goes on while it waits."""
        for _ in range(5):
            try:
                return await self.later(self.client.find_order(self.keys, SYMBOL, client_id))
            except RateLimited as error:
                await self.clock.advance(error.retry_after + 0.1)
        raise AssertionError("it is always too early")

    @asynccontextmanager
    async def following(self) -> AsyncIterator[list[AccountUpdate]]:
        """What the account's stream tells meanwhile, from its first words on."""
        updates: list[AccountUpdate] = []
        async with self.listening(self.client.stream_account(self.keys), updates):
            await self.until(lambda: StreamReset() in updates)
            yield updates

    @asynccontextmanager
    async def listening(self, stream: AsyncIterator[Any], heard: list[Any]) -> AsyncIterator[None]:
        """Whatever a stream yields is put into a list."""

        async def listen() -> None:
            async for one in stream:
                heard.append(one)

        task = asyncio.ensure_future(listen())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def until(self, happened: Callable[[], bool], moving: float = 0.0) -> None:
        """Wait until something has happened, the clock going on by `moving` seconds at each look; fail when it does not."""
        async with asyncio.timeout(PATIENCE):
            while not happened():
                await SystemClock().sleep(0.003)
                if moving:
                    await self.clock.advance(moving)


@asynccontextmanager
async def a_bench(clock: ManualClock, case: Case) -> AsyncIterator[Bench]:
    """A bench; gone when the context ends."""
    server = SimulatorServer(clock)
    await server.start()
    bench = Bench(clock, server, case)
    await clock.advance(615, settle=1)  # some exchanges look at an average price of minutes
    try:
        await bench.client.instruments()
        yield bench
    finally:
        await bench.client.close()
        await server.stop()


def new_id() -> str:
    """A client order id as Aristobot makes them: 32 hex characters."""
    return f"{next(_ids):032x}"


def market(side: Side = Side.BUY, **differences: Any) -> OrderRequest:
    """A market order for a tenth of a coin."""
    usual = {"client_order_id": new_id(), "symbol": SYMBOL, "side": side, "type": OrderType.MARKET, "quantity": D("0.1")}
    return OrderRequest(**{**usual, **differences})


def limit(price: str = "99", side: Side = Side.BUY, **differences: Any) -> OrderRequest:
    """A limit order for a tenth of a coin."""
    return market(side, **{"type": OrderType.LIMIT, "price": D(price), **differences})


def guard(kind: OrderType, trigger: str, price: str = "0", **differences: Any) -> OrderRequest:
    """A stop or target for a tenth of a coin."""
    named = {"type": kind, "stop_price": D(trigger), "price": D(price), "time_in_force": TimeInForce.GTC}
    return market(Side.SELL, **{**named, **differences})


def stop(trigger: str = "90", **differences: Any) -> OrderRequest:
    """A stop with a limit a little below."""
    return guard(OrderType.STOP_LOSS_LIMIT, trigger, str(D(trigger) - 1), **differences)


def ids_of(reports: Sequence[Any]) -> list[str]:
    """The client ids of orders, as they come."""
    return [one.client_order_id for one in reports]
