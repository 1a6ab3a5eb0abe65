"""The public channels of Bitget's sockets: tickers, candles, executions; first a snapshot, then what changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from aristobot.money import plain
from services.simulator.bitget_candles import CLASSIC_CHANNELS, UNIFIED_CHANNELS, Length, lengthened, row
from services.simulator.bitget_errors import Json
from services.simulator.bitget_market import BitgetMarket, executed
from services.simulator.bitget_sockets import Session, SocketError
from services.simulator.misfortune import say
from services.simulator.prices import Tape, Tick
from services.simulator.world import World

#: Candles that a subscription begins with, and closed ones that are still told after a gap.
SNAPSHOT = 500


@dataclass(slots=True)
class _Feed:
    """One channel of one symbol, as somebody asked for it. `opened`: when the candle began that was told last."""

    arg: Mapping[str, str]
    kind: str
    tape: Tape
    length: Length | None
    listeners: list[Session] = field(default_factory=list)
    opened: int = 0


class PublicChannels:
    """Who listens to what, and what they are told; in one of the two tongues."""

    def __init__(self, world: World, market: BitgetMarket, *, unified: bool) -> None:
        self._world = world
        self._market = market
        self._unified = unified
        self._feeds: dict[frozenset[tuple[str, str]], _Feed] = {}
        self._wanted = asyncio.Event()
        world.feed.listeners.append(self._on_tick)

    def add(self, session: Session, arg: Mapping[str, str]) -> Callable[[], None]:
        """Subscribe; the snapshot follows."""
        key = frozenset(arg.items())
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = self._made(arg)
            self._wanted.set()
        if session not in feed.listeners:
            feed.listeners.append(session)
        return lambda: self._begin(feed, session)

    def remove(self, session: Session, arg: Mapping[str, str]) -> None:
        """Do not tell any more."""
        self._leave(session, frozenset(arg.items()))

    def close(self, session: Session) -> None:
        """The connection is gone."""
        for key in list(self._feeds):
            self._leave(session, key)

    def _leave(self, session: Session, key: frozenset[tuple[str, str]]) -> None:
        feed = self._feeds.get(key)
        if feed is None or session not in feed.listeners:
            return
        feed.listeners.remove(session)
        if not feed.listeners:
            del self._feeds[key]
        if not self._feeds:
            self._wanted.clear()

    def _made(self, arg: Mapping[str, str]) -> _Feed:
        channel, symbol = (arg.get(name, "") for name in (("topic", "symbol") if self._unified else ("channel", "instId")))
        symbol = symbol or arg.get("instId", "")
        listed = self._market.symbols.get(symbol)
        if listed is None or arg.get("instType", "").upper() != "SPOT":
            raise SocketError(30001, f"instType:{arg.get('instType', '')},channel:{channel},instId:{symbol} doesn't exist")
        tape = self._world.feed.tapes[listed.instrument.symbol]
        if channel in ("ticker", "publicTrade" if self._unified else "trade"):
            return _Feed(arg, channel, tape, None)
        if self._unified:
            length = UNIFIED_CHANNELS.get(arg.get("interval", "")) if channel == "kline" else None
        else:
            length = CLASSIC_CHANNELS.get(channel.removeprefix("candle")) if channel.startswith("candle") else None
        if length is None:
            raise SocketError(30016, "Param error")
        return _Feed(arg, "candle", tape, length, opened=length.open_of(self._world.clock.ms()))

    def _begin(self, feed: _Feed, session: Session) -> None:
        if feed.length is not None:
            opens = feed.length.before(self._world.clock.ms(), SNAPSHOT)
            self._say(feed, [session], "snapshot", [self._candle(feed, feed.length, opened) for opened in opens])
        elif feed.kind == "ticker":
            self._say(feed, [session], "snapshot", [self._ticker(feed)])
        else:
            self._say(feed, [session], "snapshot", [self._executed(feed)])

    def _candle(self, feed: _Feed, length: Length, opened: int) -> list[str] | Json:
        told = row(feed.tape, opened, length.bar(feed.tape, opened))
        if not self._unified:
            return lengthened(told)
        return dict(zip(("start", "open", "high", "low", "close", "volume", "turnover"), told, strict=True))

    def _ticker(self, feed: _Feed) -> Json:
        name = feed.arg.get("symbol") or feed.arg["instId"]
        if self._unified:
            return self._market.unified_ticker(name)
        told = self._market.classic_ticker(name)
        opened = feed.tape.last_day(self._world.clock.ms()).open * feed.tape.tick
        return {"instId": name, "open24h": plain(opened), **told}

    def _executed(self, feed: _Feed) -> Json:
        told = executed(feed.tape, self._world.clock.ms())
        if not self._unified:
            return told
        names = {"p": "price", "S": "side", "T": "ts", "v": "size", "i": "tradeId", "L": "tradeId"}
        return {short: told[name] for short, name in names.items()} | {"isRPI": "no"}

    def _say(self, feed: _Feed, to: list[Session], action: str, rows: list[list[str] | Json]) -> None:
        message = {"action": action, "arg": feed.arg, "data": rows, "ts": self._world.clock.ms()}
        text = msgspec.json.encode(message).decode()
        event = {"candle": "kline.message", "ticker": "ticker.message"}.get(feed.kind, "trade.message")
        for session in to:
            say(self._world, session.socket, event, "", text)

    def _on_tick(self, tick: Tick) -> None:
        for feed in list(self._feeds.values()):
            if feed.tape is not tick.tape:
                continue
            if feed.length is not None:
                self._tell_candles(feed, feed.length)
            elif feed.kind == "ticker":
                self._say(feed, list(feed.listeners), "snapshot", [self._ticker(feed)])
            else:
                self._say(feed, list(feed.listeners), "update", [self._executed(feed)])

    def _tell_candles(self, feed: _Feed, length: Length) -> None:
        """The last words on a candle that is over, those between, and the one that forms: nothing else says that one is over."""
        current = length.open_of(self._world.clock.ms())
        opens = length.before(current, SNAPSHOT, feed.opened)
        feed.opened = current
        for opened in opens:
            self._say(feed, list(feed.listeners), "update", [self._candle(feed, length, opened)])

    async def run(self) -> None:
        """Once a second: candles that have begun."""
        while True:
            await self._wanted.wait()
            await self._world.clock.sleep(1 - self._world.clock.ms() % 1000 / 1000)
            now = self._world.clock.ms()
            for feed in list(self._feeds.values()):
                if feed.length is not None and feed.length.open_of(now) != feed.opened:
                    self._tell_candles(feed, feed.length)
