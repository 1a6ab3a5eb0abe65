"""What our clients and CCXT's are made to race for, exchange by exchange: the same question to the same canned answer."""

from __future__ import annotations

import importlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from aristobot.clock import SystemClock
from aristobot.exchange import Credentials, Endpoints
from aristobot.market import Symbol, Timeframe
from aristobot.orders import OrderRequest, OrderType, Side
from services.exchanges.binance import BinanceClient
from services.exchanges.binance_calls import Change
from services.exchanges.binance_orders import PLACE, order_params
from services.exchanges.binance_sign import Signer as BinanceSigner
from services.exchanges.bitget import BitgetClient
from services.exchanges.bitget_calls import Mode
from services.exchanges.bitget_sign import Signer as BitgetSigner
from services.exchanges.kraken import KrakenClient
from services.exchanges.kraken_limits import Tier
from tests.benchmarks.canned_answers import CANDLES, SYMBOLS

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
#: Base64 as well, as Kraken wants it.
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n"
HMAC, ED25519 = Credentials(KEY, SECRET), Credentials(KEY, PEM)
CLASSIC, UNIFIED = Credentials(KEY, SECRET, "passphrase"), Credentials(f"{KEY}u", SECRET, "passphrase")
IN_FLIGHT = 16
#: Nobody's counter stands in the way of a race.
WITHOUT_END = 10**15

Call = Callable[[], Awaitable[object]]
_number = count(1)


@dataclass(frozen=True)
class Race:
    """One call of ours against theirs: `calls` per round, `at_once` in flight, and the ratio we want."""

    name: str
    ours: Call
    theirs: Call
    calls: int
    goal: float
    at_once: int = 1


@dataclass(frozen=True)
class Meeting:
    """Two clients of one exchange, and what they race for."""

    ours: Any
    theirs: Any
    races: list[Race]

    async def close(self) -> None:
        """Close both."""
        await self.theirs.close()
        await self.ours.close()


async def meeting(exchange: str, rest: str, socket: str, cafile: str) -> Meeting:
    """Both clients at the canned addresses, warm: catalogues read, connections open."""
    return await {"binance": _binance, "kraken": _kraken, "bitget": _bitget}[exchange](rest, socket, cafile)


def _peer(exchange: str, cafile: str, addresses: dict[str, str] | str, **options: object) -> Any:
    """CCXT's client without its rate limiter, all of its addresses leading to the canned server."""
    ccxt: Any = importlib.import_module("ccxt.async_support")  # half a second and 95 MB: only here
    keys = {"apiKey": KEY, "secret": SECRET, "password": "passphrase"}
    client = getattr(ccxt, exchange)({**keys, "enableRateLimit": False, "options": {"defaultType": "spot", **options}})
    client.cafile = cafile
    client.has["fetchCurrencies"] = exchange == "kraken"  # there ours reads that list as well
    for name in client.urls["api"]:
        client.urls["api"][name] = addresses if isinstance(addresses, str) else addresses[name]
    return client


def _request(symbol: Symbol) -> OrderRequest:
    quantity, price = Decimal("0.001"), Decimal(50000)
    return OrderRequest(f"{next(_number):032x}", symbol, Side.BUY, OrderType.LIMIT, quantity, price=price)


def _reads(exchange: str, symbol: Symbol, ours: Any, theirs: Any, keys: Credentials) -> list[Race]:
    """The questions that are the same everywhere. A catalogue is asked for, read, and ready to be looked things up in."""
    most = CANDLES[exchange]

    def anew() -> Awaitable[object]:
        ours._catalogue = type(ours._catalogue)()  # so that no row is known from the time before
        made: Awaitable[object] = ours.instruments()
        return made

    return [
        Race("balance, 500 assets", lambda: ours.balances(keys), lambda: theirs.fetch_balance(), 40, 10.0),
        Race("ticker", lambda: ours.tickers([symbol]), lambda: theirs.fetch_ticker(symbol), 150, 1.5),
        Race(
            f"{most} candles",
            lambda: ours.candles(symbol, Timeframe.M1, limit=most),
            lambda: theirs.fetch_ohlcv(symbol, "1m", limit=most),
            30,
            4.5,
        ),
        Race(f"catalogue, {SYMBOLS[exchange]} symbols, new", anew, lambda: theirs.load_markets(True), 2, 8.0),
        Race(f"catalogue, {SYMBOLS[exchange]} symbols, again", ours.instruments, lambda: theirs.load_markets(True), 2, 8.0),
    ]


async def _binance(rest: str, socket: str, cafile: str) -> Meeting:
    ours = BinanceClient(SystemClock(), Endpoints(rest, socket, f"{socket}/ws-api/v3"))
    ours._calls.link.budget.limit = WITHOUT_END
    theirs = _peer("binance", cafile, f"{rest}/api/v3", fetchMarkets={"types": ["spot"]}, fetchMargins=False)
    await theirs.load_markets()
    await ours.instruments()
    await ours.synchronise()

    async def over_rest() -> object:
        params = order_params(_request("BTC/USDT"), "BTCUSDT", 5000)
        return await ours._calls._over_rest(Change(PLACE, params, HMAC, BinanceSigner(HMAC), time.time_ns() // 10**6))

    def order() -> Awaitable[object]:
        made: Awaitable[object] = theirs.create_order("BTC/USDT", "limit", "buy", 0.001, 50000)
        return made

    races = [
        Race("order, socket, Ed25519 key", lambda: ours.place_order(ED25519, _request("BTC/USDT")), order, 200, 3.3),
        Race("order, socket, HMAC key", lambda: ours.place_order(HMAC, _request("BTC/USDT")), order, 200, 3.3),
        Race("order, REST", over_rest, order, 200, 2.1),
        Race("16 in flight", lambda: ours.place_order(ED25519, _request("BTC/USDT")), order, 480, 6.5, IN_FLIGHT),
    ]
    return Meeting(ours, theirs, races + _reads("binance", "BTC/USDT", ours, theirs, HMAC))


async def _kraken(rest: str, socket: str, cafile: str) -> Meeting:
    ours = KrakenClient(SystemClock(), Endpoints(rest, f"{socket}/v2", f"{socket}/v2"))
    theirs = _peer("kraken", cafile, rest)
    await theirs.load_markets()
    await ours.instruments()
    ours._calls.pace.most = WITHOUT_END
    record, without = ours._calls.record_of(HMAC), Credentials(f"{KEY}r", SECRET)
    await ours.place_order(HMAC, _request("BTC/USD"))
    ours._calls.record_of(without).socketless_until = WITHOUT_END
    for one in (record, ours._calls.record_of(without)):
        one.limits._tier = Tier(WITHOUT_END, 1.0, WITHOUT_END, 1.0)
        one.limits._orders.clear()
        one.limits.calls.most = WITHOUT_END

    def order() -> Awaitable[object]:
        made: Awaitable[object] = theirs.create_order("BTC/USD", "limit", "buy", 0.001, 50000)
        return made

    races = [
        Race("order, socket", lambda: ours.place_order(HMAC, _request("BTC/USD")), order, 200, 3.3),
        Race("order, REST", lambda: ours.place_order(without, _request("BTC/USD")), order, 200, 2.1),
        Race("16 in flight", lambda: ours.place_order(HMAC, _request("BTC/USD")), order, 480, 6.5, IN_FLIGHT),
    ]
    return Meeting(ours, theirs, races + _reads("kraken", "BTC/USD", ours, theirs, HMAC))


async def _bitget(rest: str, socket: str, cafile: str) -> Meeting:
    ours = BitgetClient(SystemClock(), Endpoints(rest, f"{socket}/v2/ws/public", f"{socket}/v2/ws/private"))
    ours._calls.link.budget.limit = WITHOUT_END
    ours._calls.record(BitgetSigner(UNIFIED)).mode = Mode.UNIFIED
    theirs = _peer("bitget", cafile, rest, uta=False, fetchMarkets={"types": ["spot"]})
    await theirs.load_markets()
    await ours.instruments()

    def order() -> Awaitable[object]:
        made: Awaitable[object] = theirs.create_order("BTC/USDT", "limit", "buy", 0.001, 50000)
        return made

    races = [
        Race("order, socket (unified)", lambda: ours.place_order(UNIFIED, _request("BTC/USDT")), order, 200, 3.3),
        Race("order, REST (classic)", lambda: ours.place_order(CLASSIC, _request("BTC/USDT")), order, 200, 2.1),
        Race("16 in flight (unified)", lambda: ours.place_order(UNIFIED, _request("BTC/USDT")), order, 480, 6.5, IN_FLIGHT),
    ]
    return Meeting(ours, theirs, races + _reads("bitget", "BTC/USDT", ours, theirs, CLASSIC))
