"""Binance Spot, spoken from its documentation: REST here, sockets in `binance_ws_api` and `binance_streams`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from services.simulator.binance_catalogue import default_symbols, read_symbols, starting_price
from services.simulator.binance_desk import BinanceDesk
from services.simulator.binance_errors import BinanceError
from services.simulator.binance_keys import check_key_form, without_signature
from services.simulator.binance_limits import Limits
from services.simulator.binance_market import BinanceMarket
from services.simulator.binance_params import Params, parse_query
from services.simulator.binance_routes import Endpoint, every_call
from services.simulator.binance_streams import MarketStreams
from services.simulator.binance_ws_api import TradingSession
from services.simulator.faults import DELAYS
from services.simulator.journal import Entry
from services.simulator.misfortune import Question
from services.simulator.records import Account
from services.simulator.wire import Ending, HttpCall, Outcome, Reply, Socket
from services.simulator.world import World

READY_KEY = "aristobotSimulatorKey0000000000000000000000000000000000000000000"
READY_SECRET = "aristobotSimulatorSecret0000000000000000000000000000000000000000"  # play money, printed on purpose
_PREFIX = "/binance"


class BinanceDialect:
    """The whole exchange as Binance shows it."""

    name = "binance"
    prefixes = ("binance",)

    def __init__(self, world: World) -> None:
        self._world = world
        self.limits = Limits(world.clock)
        self.market = BinanceMarket(world, {}, self.limits)
        self._rest, self._methods = every_call(world, self.market, self.limits)
        self.desk = BinanceDesk(world, self.limits)
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

    async def run(self) -> None:
        """Push what is due on the market streams."""
        await self.streams.run()

    async def socket(self, socket: Socket) -> None:
        """Market streams, or the WebSocket API."""
        path = socket.path.removeprefix(_PREFIX)
        if self._world.faults.take("socket.connect", self.name, "") is not None:
            await socket.refuse()
        elif path == "/ws-api/v3":
            session = TradingSession(self._world, self.desk, self._methods, socket)
            try:
                await socket.serve(session.hear)
            finally:
                session.close()
        elif path == "/stream" or path == "/ws" or path.startswith("/ws/"):
            await self.streams.serve(socket, path)
        else:
            await socket.refuse()

    async def http(self, call: HttpCall) -> Outcome:
        """One REST request."""
        path = call.path.removeprefix(_PREFIX)
        endpoint = self._rest.get(f"{call.method} {path}")
        if endpoint is None:
            known = any(address.endswith(f" {path}") for address in self._rest)
            body = b"<html><head><title>404 Not Found</title></head><body></body></html>"
            return Outcome(Ending.ANSWERED, Reply(405 if known else 404, body, media_type=b"text/html"))
        key = call.headers.get(b"x-mbx-apikey", b"").decode("latin-1")
        entry = Entry(self.name, key, call.method, path, self._world.clock.ms(), endpoint.event)
        question = Question(
            endpoint.event,
            bool(endpoint.right),
            entry,
            lambda: self._perform(call, endpoint, key, entry),
            self.desk.trouble,
        )
        fault = self.desk.courier.take(question)
        if fault is None:
            return self.desk.courier.well(question)
        courier = self.desk.courier
        return await courier.late(question, fault) if fault.do in DELAYS else courier.badly(question, fault)

    def _perform(self, call: HttpCall, endpoint: Endpoint, key: str, entry: Entry) -> Reply:
        account: Account | None = None
        try:
            self.limits.admit(call.peer)
            given = parse_query(call.query, {})
            if call.body:
                parse_query(call.body, given)
            params = Params(given)
            self.desk.identify(entry, given)
            if endpoint.right:
                account = self._sender(call, key, given)
            result = self.desk.act(endpoint, params, account, call.peer, over_socket=False)
            reply = Reply(200, msgspec.json.encode(result))
        except BinanceError as error:
            reply = Reply(error.status, msgspec.json.encode(error.body()))
            if error.status in (418, 429):
                reply.headers.append((b"retry-after", str(self.limits.retry_after(call.peer)).encode()))
        used = str(self.limits.used(call.peer)).encode()
        reply.headers += [(b"x-mbx-used-weight", used), (b"x-mbx-used-weight-1m", used)]
        if account is not None and endpoint.right == "trade":
            recent, today = self.limits.counts(account)
            reply.headers += [(b"x-mbx-order-count-10s", str(recent).encode()), (b"x-mbx-order-count-1d", str(today).encode())]
        return reply

    def _sender(self, call: HttpCall, key: str, given: Mapping[str, str]) -> Account:
        if not key:
            raise BinanceError(-2014, "API-key format invalid.", status=401)
        check_key_form(key)
        signature = given.get("signature")
        payload = without_signature(call.query) + without_signature(call.body)
        return self.desk.authenticate(key, signature, payload, given)


DIALECT = BinanceDialect
