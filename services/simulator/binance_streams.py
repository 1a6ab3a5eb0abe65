"""Binance's market streams: candles, tickers, executions, the top of the book."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import msgspec

from services.simulator.binance_json import Json, eight, native
from services.simulator.binance_market import BinanceMarket
from services.simulator.misfortune import say
from services.simulator.price_history import INTERVALS, Bar, next_open, open_of
from services.simulator.prices import Tape, Tick
from services.simulator.wire import Socket
from services.simulator.world import World

#: Candles are pushed on every change, and at least so often.
KLINE_SECONDS = 2
#: Closed candles that are still told after a gap.
MOST_CLOSED = 1000


class _Command(msgspec.Struct):
    method: str
    params: list[str] = []  # msgspec copies it for each command
    id: str | int | None = None


@dataclass(eq=False, slots=True)
class _Listener:
    socket: Socket
    combined: bool


@dataclass(slots=True)
class _Stream:
    """One stream that somebody listens to. `opened`: open time of the candle that was pushed last."""

    name: str
    tape: Tape | None
    kind: str
    listeners: list[_Listener] = field(default_factory=list)
    opened: int = 0


class MarketStreams:
    """Who listens to what, and what they are told."""

    def __init__(self, world: World, market: BinanceMarket) -> None:
        self._world = world
        self._market = market
        self._streams: dict[str, _Stream] = {}
        self._beat = 0
        self._wanted = asyncio.Event()
        self._updates = 400_900_217
        world.feed.listeners.append(self._on_tick)

    async def serve(self, socket: Socket, path: str) -> None:
        """Serve one connection: streams of its address, and those it subscribes to."""
        listener = _Listener(socket, combined=path == "/stream")
        names = (
            parse_qs(socket.query.decode("latin-1")).get("streams", [""])[0] if listener.combined else path.removeprefix("/ws")
        )
        for name in names.split("/"):
            if name:
                self._add(listener, name)
        try:
            await socket.serve(lambda text: self._hear(listener, text))
        finally:
            for name in list(self._streams):
                self._remove(listener, name)

    def _hear(self, listener: _Listener, text: str) -> None:
        try:
            command = msgspec.json.decode(text, type=_Command)
        except msgspec.DecodeError as error:
            self._answer(listener, {"error": {"code": 2, "msg": f"Invalid request: {error}"}})
            return
        result: list[str] | None = None
        match command.method:
            case "SUBSCRIBE":
                for name in command.params:
                    self._add(listener, name)
            case "UNSUBSCRIBE":
                for name in command.params:
                    self._remove(listener, name)
            case "LIST_SUBSCRIPTIONS":
                result = [name for name, stream in self._streams.items() if listener in stream.listeners]
            case _:
                words = f"Invalid request: unknown variant `{command.method}`"
                self._answer(listener, {"error": {"code": 2, "msg": words}, "id": command.id})
                return
        self._answer(listener, {"result": result, "id": command.id})

    @staticmethod
    def _answer(listener: _Listener, body: Json) -> None:
        listener.socket.push(msgspec.json.encode(body).decode())

    def _add(self, listener: _Listener, name: str) -> None:
        stream = self._streams.get(name)
        if stream is None:
            symbol, _, kind = name.partition("@")
            known = self._market.symbols.get(symbol.upper())
            tape = self._world.feed.tapes[known.instrument.symbol] if known else None
            stream = self._streams[name] = _Stream(name, tape, kind)
            self._wanted.set()
            interval = kind.removeprefix("kline_")
            if interval in INTERVALS:
                stream.opened = open_of(interval, self._world.clock.ms())
        if listener not in stream.listeners:
            stream.listeners.append(listener)

    def _remove(self, listener: _Listener, name: str) -> None:
        stream = self._streams.get(name)
        if stream is not None and listener in stream.listeners:
            stream.listeners.remove(listener)
            if not stream.listeners:
                del self._streams[name]
        if not self._streams:
            self._wanted.clear()

    def _push(self, stream: _Stream, event: str, data: object) -> None:
        bare = msgspec.json.encode(data).decode()
        wrapped = ""
        for listener in list(stream.listeners):
            if listener.combined:
                wrapped = wrapped or f'{{"stream":"{stream.name}","data":{bare}}}'
                say(self._world, listener.socket, event, "", wrapped)
            else:
                say(self._world, listener.socket, event, "", bare)

    def _on_tick(self, tick: Tick) -> None:
        if not self._streams:
            return
        for stream in list(self._streams.values()):
            if stream.tape is not tick.tape:
                continue
            if stream.kind == "trade":
                self._push(stream, "trade.message", _trade(tick))
            elif stream.kind == "bookTicker":
                self._updates += 1
                self._push(stream, "ticker.message", _book(tick.tape, self._updates))
            elif stream.kind.startswith("kline_"):
                self._push_klines(stream, forming=True)

    async def run(self) -> None:
        """Once a second: tickers; candles that closed; every two seconds those that form."""
        while True:
            await self._wanted.wait()
            await self._world.clock.sleep(1 - self._world.clock.ms() % 1000 / 1000)
            self._beat += 1
            for stream in list(self._streams.values()):
                self._once_a_second(stream)

    def _once_a_second(self, stream: _Stream) -> None:
        if stream.name == "!miniTicker@arr":
            self._push(stream, "ticker.message", [self._mini(name) for name in self._market.symbols])
        elif stream.tape is None:
            return
        elif stream.kind.startswith("kline_"):
            self._push_klines(stream, forming=self._beat % KLINE_SECONDS == 0)
        elif stream.kind == "ticker":
            self._push(stream, "ticker.message", self._ticker(native(stream.tape.symbol)))
        elif stream.kind == "miniTicker":
            self._push(stream, "ticker.message", self._mini(native(stream.tape.symbol)))

    def _push_klines(self, stream: _Stream, *, forming: bool) -> None:
        interval, tape = stream.kind.removeprefix("kline_"), stream.tape
        if interval not in INTERVALS or tape is None:
            return
        now = self._world.clock.ms()
        current = open_of(interval, now)
        closed = 0
        while stream.opened < current and closed < MOST_CLOSED:
            following = next_open(interval, stream.opened)
            bar = tape.bar(stream.opened, following)
            self._push(stream, "kline.message", _kline(tape, interval, stream.opened, following, bar, now, closed=True))
            stream.opened = following
            closed += 1
        stream.opened = current
        if forming:
            following = next_open(interval, current)
            bar = tape.bar(current, following)
            self._push(stream, "kline.message", _kline(tape, interval, current, following, bar, now, closed=False))

    def _ticker(self, name: str) -> Json:
        told = self._market.ticker(name)
        pairs = (
            ("p", "priceChange"), ("P", "priceChangePercent"), ("w", "weightedAvgPrice"), ("x", "prevClosePrice"),
            ("c", "lastPrice"), ("Q", "lastQty"), ("b", "bidPrice"), ("B", "bidQty"), ("a", "askPrice"), ("A", "askQty"),
            ("o", "openPrice"), ("h", "highPrice"), ("l", "lowPrice"), ("v", "volume"), ("q", "quoteVolume"),
            ("O", "openTime"), ("C", "closeTime"), ("F", "firstId"), ("L", "lastId"), ("n", "count"),
        )  # fmt: skip
        return {"e": "24hrTicker", "E": self._world.clock.ms(), "s": name} | {short: told[long] for short, long in pairs}

    def _mini(self, name: str) -> Json:
        told = self._market.ticker(name, mini=True)
        pairs = (
            ("c", "lastPrice"),
            ("o", "openPrice"),
            ("h", "highPrice"),
            ("l", "lowPrice"),
            ("v", "volume"),
            ("q", "quoteVolume"),
        )
        return {"e": "24hrMiniTicker", "E": self._world.clock.ms(), "s": name} | {short: told[long] for short, long in pairs}


def _kline(tape: Tape, interval: str, opened: int, following: int, bar: Bar, now: int, *, closed: bool) -> Json:
    tick, lot, name = tape.tick, tape.lot, native(tape.symbol)
    candle = {
        "t": opened,
        "T": following - 1,
        "s": name,
        "i": interval,
        "f": bar.first_id,
        "L": bar.last_id,
        "o": eight(bar.open * tick),
        "c": eight(bar.close * tick),
        "h": eight(bar.high * tick),
        "l": eight(bar.low * tick),
        "v": eight(bar.volume * lot),
        "n": bar.count,
        "x": closed,
        "q": eight(bar.quote * tick * lot),
        "V": eight(bar.taken * lot),
        "Q": eight(bar.taken_quote * tick * lot),
        "B": "0",
    }
    return {"e": "kline", "E": now, "s": name, "k": candle}


def _trade(tick: Tick) -> Json:
    price, quantity = eight(tick.price), eight(tick.quantity)
    both = {"e": "trade", "E": tick.at, "s": native(tick.tape.symbol), "t": tick.trade_id, "p": price, "q": quantity}
    return both | {"T": tick.at, "m": tick.buyer_is_maker, "M": True}


def _book(tape: Tape, update: int) -> Json:
    bid, ask = eight(tape.quote.bid), eight(tape.quote.ask)
    return {"u": update, "s": native(tape.symbol), "b": bid, "B": "1.00000000", "a": ask, "A": "1.00000000"}
