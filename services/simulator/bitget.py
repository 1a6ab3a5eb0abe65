"""Bitget Spot, spoken from its documentation: classic (v2) and unified (v3), REST and sockets, each in a file of its own."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.simulator.bitget_catalogue import STATUSES, default_symbols, dollars, read_symbols
from services.simulator.bitget_desk import BitgetDesk
from services.simulator.bitget_doors import Doors
from services.simulator.bitget_json import native
from services.simulator.bitget_keys import checker
from services.simulator.bitget_limits import Limits
from services.simulator.bitget_market import BitgetMarket
from services.simulator.bitget_rest import BitgetRest
from services.simulator.bitget_routes import every_call
from services.simulator.records import Account
from services.simulator.wire import HttpCall, Outcome, Socket
from services.simulator.world import World

READY_KEY = "bg_aristobotSimulatorKey00000000000"
READY_SECRET = "aristobotSimulatorSecret00000000"  # play money, printed on purpose
READY_PASSPHRASE = "simulator"
#: The first id of an order or an execution; they share one row, as wide as the real ones.
FIRST_NUMBER = 1_480_000_000_000_000_001
_PREFIX = "/bitget"


class BitgetDialect:
    """The whole exchange as Bitget shows it."""

    name = "bitget"
    prefixes = ("bitget",)
    paths = (_PREFIX, f"{_PREFIX}/v2/ws/public", f"{_PREFIX}/v2/ws/private")
    modes = ("classic", "unified")
    states = ("online", "halt")

    def __init__(self, world: World) -> None:
        self._world = world
        world.venue.book.numbers[self.name] = itertools.count(FIRST_NUMBER)
        self.limits = Limits(world.clock)
        self.market = BitgetMarket(world)
        self.desk = BitgetDesk(world, self.limits)
        calls = every_call(world, self.market)
        self._rest = BitgetRest(world.clock, self.desk, calls.by_address)
        self._doors = Doors(world, self.desk, self.market, calls)
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

    def secret(self, name: str) -> str:
        """64 characters."""
        return name.ljust(64, "s")

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
        """Push what is due on the sockets."""
        await self._doors.run()

    async def socket(self, socket: Socket) -> None:
        """A public or a private socket."""
        await self._doors.serve(socket, socket.path.removeprefix(_PREFIX))

    async def http(self, call: HttpCall) -> Outcome:
        """One REST request."""
        return await self._rest.answer(call, call.path.removeprefix(_PREFIX))


DIALECT = BitgetDialect
