"""The message of a TradingView alert, built from a choice, and read back as the house will read it.

TradingView replaces its placeholders as plain text and escapes nothing, so every placeholder stands between quotes: a value
that is missing then still leaves valid JSON. Pure: what an alert means is decided by signals.parse alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from enum import StrEnum
from types import MappingProxyType

from aristobot.errors import DataError, InvalidInput
from aristobot.money import HUNDRED, ZERO, plain
from aristobot.payloads import number_of
from aristobot.signals import Action, Parsed, PriceSpec, parse

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_KEY = re.compile(r'"(\w+)"\s*:')
_PLOT = re.compile(r'plot_(?:1?[0-9])|plot\("[^"{}\\\r\n]+"\)')
_PLOT_NAME = re.compile(r"[^\"'{}\\\x00-\x1f\x7f]{1,40}")
#: Everything that TradingView fills in, beside plots (TV 43000531021), with a likely value.
_LIKELY: Mapping[str, str] = MappingProxyType(
    {
        "ticker": "BTCUSDT",
        "exchange": "BINANCE",
        "interval": "60",
        "volume": "12.5",
        "syminfo.currency": "USDT",
        "syminfo.basecurrency": "BTC",
        "strategy.position_size": "1",
        "strategy.order.action": "buy",
        "strategy.order.contracts": "1",
        "strategy.order.id": "Long",
        "strategy.order.comment": "Long",
        "strategy.order.alert_message": "",
        "strategy.market_position": "long",
        "strategy.market_position_size": "1",
        "strategy.prev_market_position": "flat",
        "strategy.prev_market_position_size": "0",
    }
)
_PRICES = ("open", "high", "low", "close", "strategy.order.price")
_MOMENTS = ("time", "timenow")
#: Where a plot's sample lies, in parts of the price, so that stops are below it and targets above.
_SIDES: Mapping[str, Decimal] = MappingProxyType({"stop_loss": Decimal("0.98"), "take_profit": Decimal("1.03")})

_LAST_PLACE = Decimal("1E-18")

BUILDABLE = (
    Action.BUY_MARKET,
    Action.SELL_MARKET,
    Action.BUY_LIMIT,
    Action.SELL_LIMIT,
    Action.MOVE,
    Action.CANCEL,
    Action.PING,
)
_BUYS = frozenset({Action.BUY_MARKET, Action.BUY_LIMIT})
_LIMITS = frozenset({Action.BUY_LIMIT, Action.SELL_LIMIT})
_SIZED = _BUYS | {Action.SELL_MARKET, Action.SELL_LIMIT}
_WITH_EXITS = _BUYS | {Action.MOVE}


@dataclass(frozen=True, slots=True)
class Filled:
    """A number that TradingView fills in when the alert fires: `close`, or a plot of the script."""

    placeholder: str

    def __str__(self) -> str:
        return "{{" + self.placeholder + "}}"


CLOSE = Filled("close")
Level = PriceSpec | Filled


class Sender(StrEnum):
    """Who fires: an alert on a condition, whose action is fixed, or a strategy, whose orders say it."""

    CONDITION = "condition"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True)
class WantedTarget:
    """A take-profit at `level` for `share` per cent of the position."""

    share: Decimal
    level: Level


@dataclass(frozen=True, slots=True)
class AlertChoice:
    """What an alert shall ask for.

    symbol   as TradingView spells it; empty takes the chart's own (`{{ticker}}`)
    percent  of the free quote for a buy, of the base held for a sell
    price    of a limit order, in quote

    What the action has no use for is left out of the message. A strategy's orders decide between buying and selling.
    """

    action: Action = Action.BUY_MARKET
    sender: Sender = Sender.CONDITION
    symbol: str = ""
    percent: Decimal = HUNDRED
    price: Level | None = None
    stop: Level | None = None
    targets: tuple[WantedTarget, ...] = ()

    @property
    def is_strategy(self) -> bool:
        """Whether a strategy's orders say what is done."""
        return self.sender is Sender.STRATEGY

    @property
    def has_symbol(self) -> bool:
        """Whether a market is named at all."""
        return self.is_strategy or self.action is not Action.PING

    @property
    def has_size(self) -> bool:
        """Whether the percentage means something."""
        return self.is_strategy or self.action in _SIZED

    @property
    def has_limit(self) -> bool:
        """Whether a price is asked for."""
        return not self.is_strategy and self.action in _LIMITS

    @property
    def has_exits(self) -> bool:
        """Whether stops and targets mean something."""
        return self.is_strategy or self.action in _WITH_EXITS

    @property
    def is_entry(self) -> bool:
        """Whether it would open a position."""
        return self.is_strategy or self.action in _BUYS


def level_of(text: str, field: str) -> Level | None:
    """A price, a distance (`-2%`), `close`, or the name of a plot, as typed; None for nothing. Raises InvalidInput."""
    typed = text.strip()
    if not typed:
        return None
    if typed.strip("{} ").lower() == "close":
        return CLOSE
    relative = typed.endswith("%")
    number = typed.removesuffix("%").rstrip()
    try:
        return PriceSpec(number_of(number, field), relative)
    except DataError as error:
        if relative or error.code == "reason.out_of_range" or number[:1] in set("0123456789+-.,"):
            raise InvalidInput("bad_level", field=field, value=typed[:60]) from None
    return plot_named(typed, field)


def plot_named(name: str, field: str) -> Filled:
    """The plot of that title. Raises InvalidInput for one that cannot stand in a message: quotes, braces, backslashes."""
    inner = name.strip().removeprefix("{{").removesuffix("}}").strip()
    if _PLOT.fullmatch(inner):
        return Filled(inner)
    if not _PLOT_NAME.fullmatch(inner):
        raise InvalidInput("bad_plot_name", field=field, value=name[:60])
    return Filled(f'plot("{inner}")')


def message(choice: AlertChoice, *, compact: bool = False, timed: bool = True) -> str:
    """The text for the message box of TradingView's alert dialog; on one line when `compact`.

    Not `timed`, it does not say when it was sent: for texts that are written long before their order is filled.
    """
    fields = [f'"{name}":{"" if compact else " "}{value}' for name, value in _fields(choice, timed=timed)]
    return "{" + ",".join(fields) + "}" if compact else "{\n  " + ",\n  ".join(fields) + "\n}"


def written(level: Level) -> str:
    """A level as it stands in a message, with its sign when it is a distance."""
    if isinstance(level, PriceSpec) and level.relative:
        return f"{'' if level.value < ZERO else '+'}{plain(level.value)}%"
    return str(level)


def identity(choice: AlertChoice, market: str, interval: str, moment: str) -> str:
    """What makes two alerts the same: of a strategy its order, of a condition what is asked, at that moment."""
    if choice.is_strategy:
        return f"{market}|{interval}|{{{{strategy.order.id}}}}|{{{{strategy.order.action}}}}|{moment}"
    size = f"|{plain(choice.percent)}" if choice.has_size else ""
    return f"{market}|{interval}|{choice.action.value}{size}|{moment}"


def _fields(choice: AlertChoice, *, timed: bool) -> Iterator[tuple[str, str]]:
    """Every field with its value as JSON; a placeholder is written as it is, since TradingView replaces it before."""
    symbol = json.dumps(choice.symbol, ensure_ascii=False)[1:-1] or "{{ticker}}"
    yield "id", _quoted(identity(choice, "{{ticker}}", "{{interval}}", "{{timenow}}" if timed else "{{time}}"))
    yield "action", _quoted("{{strategy.order.action}}" if choice.is_strategy else choice.action.value)
    if choice.has_symbol:
        yield "symbol", _quoted(symbol)
        yield "exchange", _quoted("{{exchange}}")
        yield "price", _quoted(str((choice.price if choice.has_limit else None) or CLOSE))
    if choice.has_size:
        yield "percent", _quoted(plain(choice.percent))
    if choice.has_exits and choice.stop is not None:
        yield "stop_loss", _quoted(written(choice.stop))
    if choice.has_exits and choice.targets:
        yield "take_profit", targets_text(choice)
    yield "interval", _quoted("{{interval}}")
    yield "bar_time", _quoted("{{time}}")
    if timed:
        yield "sent_at", _quoted("{{timenow}}")
    if choice.is_strategy:
        yield "market_position", _quoted("{{strategy.market_position}}")
        yield "prev_market_position", _quoted("{{strategy.prev_market_position}}")


def targets_text(choice: AlertChoice) -> str:
    """The targets as JSON: one level for the whole position, else shares with their levels."""
    match choice.targets:
        case (WantedTarget(share=share, level=level),) if share == HUNDRED:
            return _quoted(written(level))
    return "[" + ",".join(f'["{plain(one.share)}%",{_quoted(written(one.level))}]' for one in choice.targets) + "]"


def _quoted(text: str) -> str:
    return f'"{text}"'


def placeholders(text: str) -> list[str]:
    """What TradingView is asked to fill in, without the braces, each once."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def is_plot(placeholder: str) -> bool:
    """Whether it is a number drawn by the script, which may be missing on some candles."""
    return _PLOT.fullmatch(placeholder) is not None


def is_known(placeholder: str) -> bool:
    """Whether TradingView replaces it; anything else stays in the message as it was typed."""
    return is_plot(placeholder) or placeholder in _LIKELY or placeholder in (*_PRICES, *_MOMENTS)


def fill(text: str, now: datetime, *, close: Decimal, **differences: str) -> str:
    """The message as TradingView might send it at `now`, at the price `close`: every known placeholder replaced.

    `differences` replace likely values; dots of a name are written as underscores (`strategy_order_action="sell"`).
    """
    known = dict(_LIKELY) | dict.fromkeys(_PRICES, plain(close))
    known |= dict.fromkeys(_MOMENTS, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    other = {name: differences[name.replace(".", "_")] for name in known if name.replace(".", "_") in differences}

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if is_plot(name):
            keys = _KEY.findall(text, 0, found.start())
            return plain(_rounded(close * _SIDES.get(keys[-1] if keys else "", Decimal(1))))
        return (known | other).get(name, found[0])

    return PLACEHOLDER.sub(value, text)


def likely_price(choice: AlertChoice) -> Decimal:
    """A price at which the choice makes sense: its own limit, else between its stop and its nearest target."""
    if choice.has_limit and isinstance(choice.price, PriceSpec):
        return choice.price.value
    stop = choice.stop.value if isinstance(choice.stop, PriceSpec) and not choice.stop.relative else None
    above = [one.level.value for one in choice.targets if isinstance(one.level, PriceSpec) and not one.level.relative]
    if stop is not None and above:
        return _rounded((stop + min(above)) / 2)
    if stop is not None:
        return _rounded(stop * Decimal("1.05"))
    return _rounded(min(above) * Decimal("0.95")) if above else HUNDRED


def _rounded(value: Decimal) -> Decimal:
    """To the 18 decimals that an alert may have."""
    return value.quantize(_LAST_PLACE, context=Context(prec=60))


def understood(text: str, now: datetime, *, close: Decimal = HUNDRED, **differences: str) -> Parsed:
    """What the house would make of a message once TradingView has filled it in; never raises."""
    return parse(fill(text, now, close=close, **differences).encode("utf-8", "replace"))


def harmless(text: str, now: datetime, *, close: Decimal, identity: str) -> str:
    """The message filled in, as a PING with that identity: it takes the whole way of an alert and trades nothing.

    Raises InvalidInput (`not_an_alert`) for a text that is no JSON object.
    """
    try:
        found = json.loads(fill(text, now, close=close))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput("not_an_alert", field="message")
    kept = {key: value for key, value in found.items() if key.lower() not in ("action", "id")}
    return json.dumps({"id": identity, "action": Action.PING.value, **kept}, ensure_ascii=False)
