"""Bitget Spot, spoken from its documentation: classic (v2) and unified (v3), REST and sockets, each in a file of its own."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.simulator.bitget_catalogue import STATUSES, default_symbols, dollars, read_symbols
from services.simulator.bitget_classic import ClassicAccount, ClassicOrders
from services.simulator.bitget_desk import BitgetDesk
from services.simulator.bitget_json import native
from services.simulator.bitget_keys import checker
from services.simulator.bitget_limits import Limits
from services.simulator.bitget_market import BitgetMarket
from services.simulator.bitget_orders import BitgetOrders
from services.simulator.bitget_plans import BitgetPlans
from services.simulator.bitget_private import CHANNEL, CLASSIC, TOPIC, PrivateChannels, unified_topics
from services.simulator.bitget_public import PublicChannels
from services.simulator.bitget_rest import BitgetRest
from services.simulator.bitget_routes import every_call
from services.simulator.bitget_sockets import PATIENCE, Channels, Session
from services.simulator.bitget_tongue import Tongue, Tongues
from services.simulator.bitget_unified import UnifiedAccount, UnifiedOrders
from services.simulator.plans import Plans
from services.simulator.records import Account
from services.simulator.wire import HttpCall, Outcome, Socket
from services.simulator.world import World

READY_KEY = "bg_aristobotSimulatorKey00000000000"
READY_SECRET = "aristobotSimulatorSecret00000000"  # play money, printed on purpose
READY_PASSPHRASE = "simulator"
#: The first id of an order or an execution; they share one row, as wide as the real ones.
FIRST_NUMBER = 1_480_000_000_000_000_001
#: Seconds after which a connection is cut, whatever it does.
LIFETIME = 86_400.0
_PREFIX = "/bitget"


class BitgetDialect:
    """The whole exchange as Bitget shows it."""

    name = "bitget"
    prefixes = ("bitget",)

    def __init__(self, world: World) -> None:
        self._world = world
        world.venue.book.numbers[self.name] = itertools.count(FIRST_NUMBER)
        self.limits = Limits(world.clock)
        self.market = BitgetMarket(world)
        self.desk = BitgetDesk(world, self.limits)
        plans = Plans(world.venue)
        classic, unified = (
            BitgetPlans(world, plans, BitgetOrders(world, self.market.symbols, tongue))
            for tongue in (Tongues.CLASSIC, Tongues.UNIFIED)
        )
        account, orders = UnifiedAccount(world, unified), UnifiedOrders(unified)
        calls = every_call(self.market, (ClassicAccount(world, classic), ClassicOrders(classic)), (account, orders))
        self._rest = BitgetRest(world.clock, self.desk, calls)
        self._order_calls = orders.socket_calls
        self._public = [PublicChannels(world, self.market, unified=unified) for unified in (False, True)]
        self._sessions: set[Session] = set()
        self._doors: dict[str, tuple[Tongue, Channels]] = {
            "/v2/ws/public": (Tongues.CLASSIC, self._public[0]),
            "/v2/ws/private": (Tongues.CLASSIC, PrivateChannels(world, CLASSIC, CHANNEL, "SPOT")),
            "/v3/ws/public": (Tongues.UNIFIED, self._public[1]),
            "/v3/ws/private": (Tongues.UNIFIED, PrivateChannels(world, unified_topics(account), TOPIC, "UTA")),
        }
        self.load(default_symbols())

    def load(self, symbols: Sequence[Mapping[str, Any]]) -> None:
        """List the symbols of a symbols (v2) or instruments (v3) answer, beside those that are listed already."""
        for name, symbol in read_symbols(symbols).items():
            self.market.symbols[name] = symbol
            instrument = symbol.instrument
            self._world.venue.list_instrument(instrument, dollars(instrument.base) / dollars(instrument.quote))

    def ready_account(self) -> Account:
        """A classic account with play money."""
        balances = {"USDT": Decimal(10_000), "EUR": Decimal(5_000), "BTC": Decimal("0.1"), "ETH": Decimal(1)}
        account = self._world.venue.open_account(self.name, READY_KEY, READY_SECRET, balances)
        account.passphrase = READY_PASSPHRASE
        return account

    def check_secret(self, secret: str) -> None:
        """A plain secret, or the PEM of an RSA key; raise ValueError for a broken one."""
        checker(secret)

    def set_status(self, symbol: str, status: str) -> None:
        """Open or close a market: online, gray, halt, offline. Raise ValueError for anything else."""
        name = native(symbol)
        if status not in STATUSES or name not in self.market.symbols:
            raise ValueError(f"a status is {', '.join(STATUSES)}, of a symbol that is listed")
        self.market.change(dict(self.market.symbols[name].classic) | {"status": status})
        self._world.venue.set_state(self.name, symbol, self.market.symbols[name].instrument.state)

    def warn_of_shutdown(self) -> None:
        """Bitget gives no warning."""

    async def run(self) -> None:
        """Push what is due, and cut who has fallen silent."""
        await asyncio.gather(*(channels.run() for channels in self._public), self._watch())

    async def _watch(self) -> None:
        while True:
            await self._world.clock.sleep(1)
            silent_since = self._world.clock.ms() - PATIENCE
            for session in list(self._sessions):
                if session.heard_at < silent_since:
                    session.socket.cut()

    async def socket(self, socket: Socket) -> None:
        """A public or a private socket."""
        door = self._doors.get(socket.path.removeprefix(_PREFIX))
        if door is None or self._world.faults.take("socket.connect", self.name, "") is not None:
            await socket.refuse()
            return
        session = Session(self._world, self.desk, socket, *door)
        if socket.path.endswith("/v3/ws/private"):
            session.order_calls = self._order_calls
        self._sessions.add(session)
        async with self._world.lifetime(socket, LIFETIME):
            try:
                await socket.serve(session.hear)
            finally:
                self._sessions.discard(session)
                session.close()

    async def http(self, call: HttpCall) -> Outcome:
        """One REST request."""
        return await self._rest.answer(call, call.path.removeprefix(_PREFIX))


DIALECT = BitgetDialect
