"""The control port: accounts, prices, faults, clock, ledger. JSON in, JSON out; a refusal says what is wrong with the request.

Beside what every simulator's user needs there are calls for tests: `POST /transfer` (a deposit, or a withdrawal), `POST /execute`
(fill a resting order), `POST /status` (close a market), `POST /listing` (let a market have no past), `POST /sockets` (cut all
connections, or warn them first), `GET /prices`, `DELETE /kill-on`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import parse_qs

import msgspec

from aristobot.errors import DataError
from aristobot.money import amount
from services.simulator.faults import BadScript
from services.simulator.journal import Tripwire
from services.simulator.ledger import ledger, told_request
from services.simulator.price_history import INTERVALS
from services.simulator.records import Account, VenueRefusal
from services.simulator.wire import HttpCall, Reply
from services.simulator.world import Dialect, World

Json = dict[str, Any]


class _Candles(msgspec.Struct):
    symbol: str
    timeframe: str
    candles: list[list[str | int | float]]
    speed: float = 1.0


class _Faults(msgspec.Struct):
    script: list[dict[str, Any]] = []
    seed: int = 0
    rate: float = 0.0
    seconds: float = 2.0
    kinds: list[str] | None = None
    events: tuple[str, ...] = ("*",)


class _Open(msgspec.Struct):
    exchange: str
    key: str
    secret: str
    balances: dict[str, str]
    passphrase: str | None = None
    account_mode: str | None = None
    permissions: list[str] = msgspec.field(default_factory=lambda: ["read", "trade"])
    ip_restricted: bool = False
    fees_in_bnb: bool = False
    nonce_window: int = 0


class _Price(msgspec.Struct):
    symbol: str
    price: str


class _Listing(msgspec.Struct):
    symbol: str


class _Walk(msgspec.Struct):
    on: bool = True
    seed: int | None = None
    speed: float = 1.0


class _Clock(msgspec.Struct):
    offset_ms: int


class _Kill(msgspec.Struct):
    event: str
    pid: int
    after_ms: float = 0
    nth: int = 1


class _Transfer(msgspec.Struct):
    exchange: str
    key: str
    asset: str
    amount: str


class _Status(msgspec.Struct):
    exchange: str
    symbol: str
    status: str


class _Sockets(msgspec.Struct):
    do: Literal["cut", "warn"]


class _Execute(msgspec.Struct):
    exchange: str
    key: str
    symbol: str
    order_id: str


class Control:
    """Answers the control port."""

    def __init__(self, world: World, dialects: Mapping[str, Dialect]) -> None:
        self._world = world
        self._dialects = dialects
        self._calls: dict[str, Callable[[HttpCall], object]] = {
            "POST /accounts": self._open_account,
            "POST /transfer": self._transfer,
            "POST /price": self._price,
            "GET /prices": self._prices,
            "POST /walk": self._walk,
            "POST /candles": self._candles,
            "POST /faults": self._faults,
            "DELETE /faults": self._no_faults,
            "POST /clock": self._clock,
            "GET /ledger": self._ledger,
            "GET /requests": self._requests,
            "POST /status": self._status,
            "POST /listing": self._listing,
            "POST /sockets": self._sockets,
            "POST /execute": self._execute,
            "POST /kill-on": self._kill_on,
            "DELETE /kill-on": self._kill_nobody,
        }

    def answer(self, call: HttpCall) -> Reply:
        """Do what is asked."""
        act = self._calls.get(f"{call.method} {call.path}")
        if act is None:
            return _refused(404, f"no such call; there are {', '.join(self._calls)}")
        try:
            result = act(call)
        except (msgspec.DecodeError, BadScript, DataError, VenueRefusal, LookupError, ValueError) as error:
            return _refused(400, str(error) or type(error).__name__)
        return Reply(200, msgspec.json.encode(result))

    def _account(self, exchange: str, key: str) -> Account:
        account = self._world.venue.accounts.get((exchange, key))
        if account is None:
            raise LookupError(f"no account {key} at {exchange}")
        return account

    def _symbol(self, symbol: str) -> str:
        if symbol not in self._world.feed.tapes:
            raise LookupError(f"unknown symbol {symbol}")
        return symbol

    def _open_account(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Open)
        if asked.exchange not in self._dialects:
            raise LookupError(f"unknown exchange {asked.exchange}; there are {', '.join(self._dialects)}")
        dialect = self._dialects[asked.exchange]
        dialect.check_secret(asked.secret)
        if asked.account_mode not in (None, *dialect.modes):
            raise ValueError(f"no such kind of account at {asked.exchange}; there are {', '.join(dialect.modes)}")
        balances = {asset: amount(text, asset) for asset, text in asked.balances.items()}
        account = self._world.venue.open_account(asked.exchange, asked.key, asked.secret, balances)
        account.passphrase, account.mode = asked.passphrase, asked.account_mode or account.mode
        account.permissions = frozenset(asked.permissions)
        account.ip_restricted, account.fees_in_bnb = asked.ip_restricted, asked.fees_in_bnb
        account.nonce_window = asked.nonce_window
        return {"exchange": asked.exchange, "key": asked.key}

    def _transfer(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Transfer)
        account = self._account(asked.exchange, asked.key)
        self._world.venue.transfer(account, asked.asset, amount(asked.amount))
        return {"asset": asked.asset, "free": str(account.free(asked.asset))}

    def _price(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Price)
        price = amount(asked.price, "price")
        if price <= 0:
            raise ValueError("a price is above zero")
        self._world.feed.move(self._symbol(asked.symbol), price)
        return {"symbol": asked.symbol, "price": str(self._world.feed.tapes[asked.symbol].last)}

    def _prices(self, call: HttpCall) -> Json:
        return {symbol: str(tape.last) for symbol, tape in self._world.feed.tapes.items()}

    def _walk(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Walk)
        self._world.feed.walk(on=asked.on, seed=asked.seed, speed=asked.speed)
        return {"on": asked.on}

    def _candles(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Candles)
        seconds = INTERVALS[asked.timeframe] / 1000
        rows = [[str(value) for value in row] for row in asked.candles]
        if any(len(row) < 6 or min(amount(value, "candle") for value in row[1:5]) <= 0 for row in rows):
            raise ValueError("a candle is [open_ms, open, high, low, close, volume], its prices above zero")
        self._world.tasks.start(self._world.feed.replay(self._symbol(asked.symbol), seconds, rows, asked.speed))
        return {"candles": len(rows)}

    def _faults(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Faults)
        self._world.faults.write(asked.script)
        if asked.rate:
            self._world.faults.random(asked.rate, asked.seed, seconds=asked.seconds, kinds=asked.kinds, events=asked.events)
        return {"script": len(asked.script), "rate": asked.rate}

    def _no_faults(self, call: HttpCall) -> Json:
        self._world.faults.clear()
        return {}

    def _clock(self, call: HttpCall) -> Json:
        self._world.clock.offset_ms = msgspec.json.decode(call.body, type=_Clock).offset_ms
        return {"offset_ms": self._world.clock.offset_ms}

    def _ledger(self, call: HttpCall) -> Json:
        return ledger(self._world.venue.accounts.values(), self._world.venue.names)

    def _requests(self, call: HttpCall) -> Json:
        query = parse_qs(call.query.decode("latin-1"))
        entries = list(self._world.journal.entries)
        limit = int(query.get("limit", [str(len(entries))])[0])
        return {"requests": [told_request(entry) for entry in entries[-limit:]], "total": len(entries)}

    def _status(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Status)
        self._dialects[asked.exchange].set_status(self._symbol(asked.symbol), asked.status)
        return {"status": asked.status}

    def _listing(self, call: HttpCall) -> Json:
        symbol = self._symbol(msgspec.json.decode(call.body, type=_Listing).symbol)
        self._world.feed.list_now(symbol)
        return {"symbol": symbol}

    def _sockets(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Sockets)
        if asked.do == "warn":
            for dialect in self._dialects.values():
                dialect.warn_of_shutdown()
        else:
            for socket in list(self._world.sockets):
                socket.cut()
        return {"sockets": len(self._world.sockets)}

    def _execute(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Execute)
        account, name = self._account(asked.exchange, asked.key), self._world.venue.names[asked.exchange].order
        order = next((one for one in account.orders.values() if one.symbol == asked.symbol and name(one) == asked.order_id), None)
        if order is None:
            raise LookupError("no such order")
        self._world.venue.complete(order)
        return {"status": order.status.value}

    def _kill_on(self, call: HttpCall) -> Json:
        asked = msgspec.json.decode(call.body, type=_Kill)
        self._world.tripwires.lay(Tripwire(asked.event, asked.pid, asked.after_ms, asked.nth))
        return {"event": asked.event}

    def _kill_nobody(self, call: HttpCall) -> Json:
        self._world.tripwires.clear()
        return {}


def _refused(status: int, words: str) -> Reply:
    return Reply(status, msgspec.json.encode({"error": words}))
