"""Binance Spot, spoken from its documentation: REST, the WebSocket API, and market streams, each in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from services.simulator.binance_catalogue import default_symbols, read_symbols, starting_price
from services.simulator.binance_desk import BinanceDesk
from services.simulator.binance_json import native
from services.simulator.binance_keys import verifier
from services.simulator.binance_limits import Limits
from services.simulator.binance_market import BinanceMarket
from services.simulator.binance_rest import BinanceRest
from services.simulator.binance_routes import every_call
from services.simulator.binance_streams import MarketStreams
from services.simulator.binance_ws_api import TradingSession
from services.simulator.records import Account
from services.simulator.wire import HttpCall, Outcome, Socket
from services.simulator.world import World

READY_KEY = "aristobotSimulatorKey0000000000000000000000000000000000000000000"
READY_SECRET = "aristobotSimulatorSecret0000000000000000000000000000000000000000"  # play money, printed on purpose
#: Seconds after which a connection is cut, whatever it does.
LIFETIME = 86_400.0
_PREFIX = "/binance"
_TRADING = "/ws-api/v3"


class BinanceDialect:
    """The whole exchange as Binance shows it."""

    name = "binance"
    prefixes = ("binance",)
    paths = (_PREFIX, _PREFIX, _PREFIX + _TRADING)
    modes = ("classic",)
    states = ("TRADING", "CANCEL_ONLY")

    def __init__(self, world: World) -> None:
        self._world = world
        self.limits = Limits(world.clock)
        self.market = BinanceMarket(world, {}, self.limits)
        calls, self._methods = every_call(world, self.market, self.limits)
        self.desk = BinanceDesk(world, self.limits)
        self._rest = BinanceRest(world.clock, self.desk, calls)
        self.streams = MarketStreams(world, self.market)
        self.load(default_symbols())

    def load(self, symbols: Sequence[Mapping[str, Any]]) -> None:
        """List the symbols of an exchangeInfo answer, beside those that are listed already."""
        for name, symbol in read_symbols(symbols).items():
            self.market.symbols[name] = symbol
            instrument = symbol.instrument
            self._world.venue.list_instrument(instrument, starting_price(instrument.base, instrument.quote))

    def ready_account(self) -> Account:
        """An account with play money."""
        balances = {"USDT": Decimal(10_000), "EUR": Decimal(5_000), "BTC": Decimal("0.1"), "ETH": Decimal(1)}
        return self._world.venue.open_account(self.name, READY_KEY, READY_SECRET, balances)

    def check_secret(self, secret: str) -> None:
        """A plain secret, or the PEM of an Ed25519 or RSA key; raise ValueError for a broken one."""
        verifier(secret)

    def secret(self, name: str) -> str:
        """64 characters."""
        return name.ljust(64, "s")

    def set_status(self, symbol: str, status: str) -> None:
        """Open or close a market: TRADING, CANCEL_ONLY, BREAK, HALT, END_OF_DAY. Raise ValueError for anything else."""
        name = native(symbol)
        if status not in ("TRADING", "CANCEL_ONLY", "BREAK", "HALT", "END_OF_DAY") or name not in self.market.symbols:
            raise ValueError("a status is TRADING, CANCEL_ONLY, BREAK, HALT or END_OF_DAY, of a symbol that is listed")
        self.market.change(dict(self.market.symbols[name].raw) | {"status": status})
        self._world.venue.set_state(self.name, symbol, self.market.symbols[name].instrument.state)

    def warn_of_shutdown(self) -> None:
        """`serverShutdown`, bare on the market streams, as an event on the WebSocket API."""
        event = {"e": "serverShutdown", "E": self._world.clock.ms()}
        for socket in list(self._world.sockets):
            if socket.exchange == self.name:
                trading = socket.path.endswith(_TRADING)
                socket.push(msgspec.json.encode({"event": event} if trading else event).decode())

    async def run(self) -> None:
        """Push what is due on the market streams."""
        await self.streams.run()

    async def socket(self, socket: Socket) -> None:
        """Market streams, or the WebSocket API."""
        path = socket.path.removeprefix(_PREFIX)
        streams = path in ("/stream", "/ws") or path.startswith("/ws/")
        if not (streams or path == _TRADING) or self._world.faults.take("socket.connect", self.name, "") is not None:
            await socket.refuse()
            return
        async with self._world.lifetime(socket, LIFETIME):
            if streams:
                await self.streams.serve(socket, path)
            else:
                await self._trade(socket)

    async def _trade(self, socket: Socket) -> None:
        session = TradingSession(self._world, self.desk, self._methods, socket)
        try:
            await socket.serve(session.hear)
        finally:
            session.close()

    async def http(self, call: HttpCall) -> Outcome:
        """One REST request."""
        return await self._rest.answer(call, call.path.removeprefix(_PREFIX))


DIALECT = BinanceDialect
