"""Kraken's public socket: tickers, candles, executions, the catalogue. What happens is told, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.simulator.kraken_catalogue import KrakenPair
from services.simulator.kraken_json import Json, rfc3339
from services.simulator.kraken_market import FORTNIGHT, INTERVALS, MOST_CANDLES, KrakenMarket, average_of
from services.simulator.kraken_params import as_text
from services.simulator.kraken_session import Line, Request
from services.simulator.price_history import MINUTE, Bar
from services.simulator.prices import Tape, Tick
from services.simulator.world import World

_PRIVATE = ("executions", "balances", "level3")
_TRADING = ("add_", "amend_", "edit_", "cancel_", "batch_")
_ELSEWHERE = "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"
_BY_SYMBOL = ("ticker", "ohlc", "trade")
#: Executions in a snapshot.
SNAPPED = 50
#: Channel, symbol, minutes of a candle (zero elsewhere); the catalogue has neither.
Topic = tuple[str, str, int]
_EVENTS = {"ticker": "ticker.message", "ohlc": "kline.message", "trade": "trade.message", "instrument": "instrument.message"}
_ONE = Decimal(1)


class PublicStreams:
    """Who listens to what, and what they are told."""

    def __init__(self, world: World, market: KrakenMarket) -> None:
        self._world = world
        self._market = market
        self._listeners: dict[str, dict[Topic, list[Line]]] = {}
        world.feed.listeners.append(self._on_tick)

    def serve(self, line: Line, request: Request, came: int) -> None:
        """One request of a connection."""
        channel = as_text(request.params.get("channel", ""))
        if channel in _PRIVATE or request.method.startswith(_TRADING):
            line.send(line.refused(request, came, _ELSEWHERE))
        elif request.method not in ("subscribe", "unsubscribe"):
            line.send(line.refused(request, came, f"Unsupported method: {request.method}"))
        elif channel not in (*_BY_SYMBOL, "instrument"):
            line.send(line.refused(request, came, f"Unsupported channel: {channel}"))
        else:
            named = request.params.get("symbol") or []
            symbols = [as_text(one) for one in (named if isinstance(named, list) else [named])]
            for symbol in symbols if channel in _BY_SYMBOL else [""]:
                self._serve_one(line, request, came, channel, symbol)

    def leave(self, line: Line) -> None:
        """A connection is gone."""
        for topics in self._listeners.values():
            for lines in topics.values():
                if line in lines:
                    lines.remove(line)

    def _serve_one(self, line: Line, request: Request, came: int, channel: str, symbol: str) -> None:
        params = request.params
        about: Json = {"symbol": symbol} if symbol else {}
        minutes = int(params.get("interval", 1)) if channel == "ohlc" else 0
        if symbol and symbol not in self._market.catalogue.pairs:
            line.send(line.refused(request, came, f"Currency pair not supported {symbol}", **about))
            return
        if minutes and minutes not in INTERVALS and minutes != FORTNIGHT:
            line.send(line.refused(request, came, "Subscription ohlc interval not supported", **about))
            return
        lines = self._listeners.setdefault(symbol, {}).setdefault((channel, symbol, minutes), [])
        result: Json = {"channel": channel} | ({"interval": minutes} if minutes else {})
        if request.method == "unsubscribe":
            self._end(line, request, came, lines, result | about)
            return
        if line in lines:
            line.send(line.refused(request, came, "Already subscribed", **about))
            return
        snapshot = bool(params.get("snapshot", True))
        line.send(line.agreed(request, came, result | {"snapshot": snapshot} | about))
        line.enliven()
        lines.append(line)
        if snapshot:
            line.push(_EVENTS[channel], self._snapshot(channel, symbol, minutes))

    @staticmethod
    def _end(line: Line, request: Request, came: int, lines: list[Line], result: Json) -> None:
        if line not in lines:
            line.send(line.refused(request, came, "Subscription Not Found"))
            return
        lines.remove(line)
        line.send(line.agreed(request, came, result))

    def _snapshot(self, channel: str, symbol: str, minutes: int) -> Json:
        body: Json = {"channel": channel, "type": "snapshot"}
        if channel == "instrument":
            return body | {"data": self._instruments()}
        pair = self._market.catalogue.pairs[symbol]
        if channel == "ticker":
            return body | {"data": [self._ticker(pair)]}
        if channel == "trade":
            return body | {"data": [_execution(tick) for tick in list(self._market.ticks.get(symbol, ()))[-SNAPPED:]]}
        tape = self._market.tape(pair)
        candles = [_candle(tape, minutes, opened, bar) for opened, bar in self._market.candles(pair, minutes, MOST_CANDLES)]
        return body | {"timestamp": self._stamp(), "data": candles}

    def _stamp(self) -> str:
        return rfc3339(self._world.clock.us()).replace("Z", "000Z")

    def _on_tick(self, tick: Tick) -> None:
        topics = self._listeners.get(tick.tape.symbol)
        if not topics:
            return
        for (channel, symbol, minutes), lines in topics.items():
            if lines:
                self._push(lines, channel, self._update(channel, self._market.catalogue.pairs[symbol], minutes, tick))

    def _update(self, channel: str, pair: KrakenPair, minutes: int, tick: Tick) -> Json:
        body: Json = {"channel": channel, "type": "update"}
        if channel == "ticker":
            return body | {"data": [self._ticker(pair)]}
        if channel == "trade":
            return body | {"data": [_execution(tick)]}
        opened, bar = self._market.candles(pair, minutes, 1)[0]
        return body | {"timestamp": self._stamp(), "data": [_candle(tick.tape, minutes, opened, bar)]}

    @staticmethod
    def _push(lines: list[Line], channel: str, message: Json) -> None:
        text = Line.encode(message)
        for line in list(lines):
            line.push_text(_EVENTS[channel], text)

    def tell_change(self, pair: KrakenPair) -> None:
        """A market opened or closed."""
        lines = self._listeners.get("", {}).get(("instrument", "", 0), [])
        if lines:
            data = {"assets": [], "pairs": [_pair(pair)]}
            self._push(lines, "instrument", {"channel": "instrument", "type": "update", "data": data})

    def _ticker(self, pair: KrakenPair) -> Json:
        tape = self._market.tape(pair)
        now = self._world.clock.us()
        day = tape.last_day(now // 1000)
        opened = day.open * tape.tick
        return {
            "symbol": pair.name,
            "bid": tape.quote.bid,
            "bid_qty": _ONE,
            "ask": tape.quote.ask,
            "ask_qty": _ONE,
            "last": tape.last,
            "volume": day.volume * tape.lot,
            "vwap": _rounded(average_of(day) * tape.tick, tape),
            "low": day.low * tape.tick,
            "high": day.high * tape.tick,
            "change": tape.last - opened,
            "change_pct": round((tape.last - opened) / opened * 100, 2),
            "trades": day.count,
            "timestamp": rfc3339(now),
        }

    def _instruments(self) -> Json:
        assets = [
            {
                "id": one.name,
                "status": "enabled",
                "precision": one.decimals,
                "precision_display": one.display_decimals,
                "borrowable": False,
                "collateral_value": Decimal("0.99"),
                "margin_rate": Decimal("0.02"),
                "multiplier": _ONE,
            }
            for one in self._market.catalogue.assets.values()
        ]
        return {"assets": assets, "pairs": [_pair(pair) for pair in self._market.catalogue.pairs.values()]}


def _pair(pair: KrakenPair) -> Json:
    instrument = pair.instrument
    return {
        "symbol": pair.name,
        "base": instrument.base,
        "quote": instrument.quote,
        "status": pair.status,
        "qty_precision": pair.lot_decimals,
        "qty_increment": instrument.lot,
        "qty_min": instrument.min_quantity,
        "price_precision": pair.price_decimals,
        "price_increment": instrument.tick,
        "tick_size": instrument.tick,
        "cost_precision": pair.cost_decimals,
        "cost_min": pair.cost_min,
        "marginable": False,
        "has_index": True,
    }


def _rounded(price: Decimal, tape: Tape) -> Decimal:
    return price.quantize(tape.tick)


def _candle(tape: Tape, minutes: int, opened: int, bar: Bar) -> Json:
    tick = tape.tick
    return {
        "symbol": tape.symbol,
        "open": bar.open * tick,
        "high": bar.high * tick,
        "low": bar.low * tick,
        "close": bar.close * tick,
        "trades": bar.count,
        "volume": bar.volume * tape.lot,
        "vwap": _rounded(average_of(bar) * tick, tape),
        "interval_begin": rfc3339(opened * 1000).replace("Z", "000Z"),
        "interval": minutes,
        "timestamp": rfc3339((opened + minutes * MINUTE) * 1000),
    }


def _execution(tick: Tick) -> dict[str, Any]:
    return {
        "symbol": tick.tape.symbol,
        "side": "sell" if tick.buyer_is_maker else "buy",
        "price": tick.price,
        "qty": tick.quantity,
        "ord_type": "market",
        "trade_id": tick.trade_id,
        "timestamp": rfc3339(tick.at * 1000),
    }
