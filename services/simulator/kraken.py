"""Kraken Spot, spoken from its documentation: REST, and the two sockets of version 2, each in a file of its own."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.simulator.kraken_catalogue import STATUSES, Catalogue, default_pairs, read_pair, starting_price
from services.simulator.kraken_desk import KrakenDesk
from services.simulator.kraken_json import fill_id, order_id
from services.simulator.kraken_keys import decoded
from services.simulator.kraken_market import KrakenMarket
from services.simulator.kraken_orders import KrakenOrders
from services.simulator.kraken_rest import KrakenRest
from services.simulator.kraken_routes import every_call
from services.simulator.kraken_session import Line, Request
from services.simulator.kraken_streams import PublicStreams
from services.simulator.kraken_trading import PrivateSession
from services.simulator.records import Account, Names
from services.simulator.wire import HttpCall, Outcome, Socket
from services.simulator.world import World

READY_KEY = "aristobotSimulatorKey000000000000000000000000000000000000"
READY_SECRET = base64.b64encode(b"aristobot simulator".ljust(64, b".")).decode()  # play money, printed on purpose
#: Seconds after which a connection is cut, whatever it does.
LIFETIME = 86_400.0
_PREFIX = "/kraken"
_PRIVATE_SOCKET = "/v2/private"
_PUBLIC_SOCKET = "/v2"


class KrakenDialect:
    """The whole exchange as Kraken shows it."""

    name = "kraken"
    prefixes = ("kraken", "0")
    paths = (_PREFIX, _PREFIX + _PUBLIC_SOCKET, _PREFIX + _PRIVATE_SOCKET)
    modes = ("classic",)
    states = ("online", "cancel_only")

    def __init__(self, world: World) -> None:
        self._world = world
        self.catalogue = Catalogue()
        self.market = KrakenMarket(world, self.catalogue)
        self.desk = KrakenDesk(world)
        self.limits = self.desk.limits
        self._orders = KrakenOrders(world, self.catalogue, self.limits)
        calls = every_call(world, self._orders, self.market, self.desk.tokens)
        self._rest = KrakenRest(world.clock, self.desk, calls)
        self.streams = PublicStreams(world, self.market)
        self._lines: set[Line] = set()
        self._wanted = asyncio.Event()
        world.venue.names[self.name] = Names(order_id, fill_id)
        self.load(default_pairs())

    def load(self, pairs: Mapping[str, Mapping[str, Any]]) -> None:
        """List the pairs of an AssetPairs answer, beside those that are listed already."""
        for key, raw in pairs.items():
            pair = read_pair(key, raw)
            if pair is not None:
                self.catalogue.add(pair)
                instrument = pair.instrument
                self._world.venue.list_instrument(instrument, starting_price(instrument.base, instrument.quote))

    def ready_account(self) -> Account:
        """An account with play money."""
        money = {"USD": "10000", "EUR": "10000", "USDT": "10000", "BTC": "0.1", "ETH": "1"}
        balances = {asset: Decimal(amount) for asset, amount in money.items()}
        return self._world.venue.open_account(self.name, READY_KEY, READY_SECRET, balances)

    def check_secret(self, secret: str) -> None:
        """A secret is base64; raise ValueError for any other."""
        decoded(secret)

    def secret(self, name: str) -> str:
        """64 bytes in base64."""
        return base64.b64encode(name.encode().ljust(64, b"s")).decode()

    def set_status(self, symbol: str, status: str) -> None:
        """Open or close a market: online, cancel_only, post_only, limit_only, reduce_only. Raise ValueError for anything else."""
        pair = self.catalogue.pairs.get(symbol)
        if status not in STATUSES or pair is None:
            raise ValueError(f"a status is one of {', '.join(STATUSES)}, of a symbol that is listed")
        changed = self.market.change(pair, dict(pair.raw) | {"status": status})
        self._world.venue.set_state(self.name, symbol, changed.instrument.state)
        self.streams.tell_change(changed)

    def warn_of_shutdown(self) -> None:
        """Every connection is told that maintenance comes."""
        for line in list(self._lines):
            line.greet("maintenance")

    async def run(self) -> None:
        """Let every line beat once a second, as long as there are lines that do."""
        while True:
            await self._wanted.wait()
            await self._world.clock.sleep(1)
            beating = [line for line in self._lines if line.alive]
            for line in beating:
                line.beat()
            if not beating:
                self._wanted.clear()

    async def socket(self, socket: Socket) -> None:
        """The public socket, or the private one."""
        path = socket.path.removeprefix(_PREFIX).rstrip("/")
        known = path in (_PUBLIC_SOCKET, _PRIVATE_SOCKET)
        if not known or self._world.faults.take("socket.connect", self.name, "") is not None:
            await socket.refuse()
            return
        line = Line(self._world, socket, self._wanted.set)
        async with self._world.lifetime(socket, LIFETIME):
            self._lines.add(line)
            try:
                await (self._listen(socket, line) if path == _PUBLIC_SOCKET else self._trade(socket, line))
            finally:
                self._lines.discard(line)

    async def _listen(self, socket: Socket, line: Line) -> None:
        def handle(request: Request, came: int) -> None:
            self.streams.serve(line, request, came)

        try:
            await socket.serve(lambda text: line.hear(text, handle), line.greet)
        finally:
            self.streams.leave(line)

    async def _trade(self, socket: Socket, line: Line) -> None:
        session = PrivateSession(self._world, self.desk, self._orders, line)
        try:
            await socket.serve(lambda text: line.hear(text, session.handle), line.greet)
        finally:
            session.close()

    async def http(self, call: HttpCall) -> Outcome:
        """One REST request."""
        return await self._rest.answer(call, call.path.removeprefix(_PREFIX))


DIALECT = KrakenDialect
