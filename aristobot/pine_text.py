"""The same alert as a piece of Pine: alert() and alertcondition() for an indicator, alert_message for a strategy.

alert() and alert_message know no placeholders, so there the message is put together from Pine's own values. A level that is
not drawn on a candle (`na`) would arrive as NaN, hence no alert is sent then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from aristobot.alert_text import PLACEHOLDER, AlertChoice, Filled, Level, is_plot, message
from aristobot.money import HUNDRED
from aristobot.signals import Action

_MOMENT = "str.format_time({}, \"yyyy-MM-dd'T'HH:mm:ss'Z'\", \"UTC\")"
_EXPRESSIONS: Mapping[str, str] = MappingProxyType(
    {
        "ticker": "syminfo.ticker",
        "exchange": "syminfo.prefix",
        "interval": "timeframe.period",
        "close": "str.tostring(close)",
        "time": _MOMENT.format("time"),
        "timenow": _MOMENT.format("timenow"),
        "strategy.order.id": "name",
        "strategy.prev_market_position": 'strategy.position_size > 0 ? "long" : "flat"',
    }
)
_SELLS = frozenset({Action.SELL_MARKET, Action.SELL_LIMIT})


def pine(choice: AlertChoice) -> str:
    """A whole script, ready to paste into the Pine editor: its rule is an example, its message is the choice."""
    return _strategy(choice) if choice.is_strategy else _indicator(choice)


def expression(text: str, levels: Mapping[str, str]) -> str:
    """A message as a Pine expression: literals and Pine's values, joined. `levels` are the variables of plots."""
    parts = PLACEHOLDER.split(text)  # literal, placeholder, literal, …
    pieces = [_literal(part) if place % 2 == 0 else _value(part, levels) for place, part in enumerate(parts)]
    return " + ".join(piece for piece in pieces if piece != "''")


def _value(placeholder: str, levels: Mapping[str, str]) -> str:
    if is_plot(placeholder):
        return f"str.tostring({levels[placeholder]})"
    found = _EXPRESSIONS[placeholder]
    return f"({found})" if "?" in found else found


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _indicator(choice: AlertChoice) -> str:
    levels = _levels(choice)
    crossing = "ta.crossunder" if choice.action in _SELLS else "ta.crossover"
    return "\n".join(
        [
            "//@version=6",
            'indicator("Aristobot", overlay = true)',
            "",
            "// Your own rule:",
            f"condition = {crossing}(ta.ema(close, 12), ta.ema(close, 26))",
            *_drawn(levels),
            f"ready = {_ready('condition', levels)}",
            "",
            "// Either: alert on “Any alert() function call”, nothing to type in the dialog.",
            "if ready and barstate.isconfirmed",
            f"    alert({expression(message(choice, compact=True), levels)}, alert.freq_once_per_bar_close)",
            "",
            "// Or: alert on this condition, once per bar close. The dialog shows this message.",
            f'alertcondition(ready, "{choice.action.value}", {_literal(message(choice, compact=True))})',
        ]
    )


def _strategy(choice: AlertChoice) -> str:
    levels = _levels(choice)
    return "\n".join(
        [
            "//@version=6",
            'strategy("Aristobot", overlay = true)',
            "",
            "// Your own rules:",
            "fast = ta.ema(close, 12)",
            "slow = ta.ema(close, 26)",
            "enters = ta.crossover(fast, slow)",
            "leaves = ta.crossunder(fast, slow)",
            *_drawn(levels),
            "",
            "// Without the sending time: an order may be filled long after this line ran.",
            "bought(name) =>",
            f"    {_told(choice, levels, 'buy', 'long')}",
            "",
            "// All that is held, and no exits: a level without a value must never hinder a sale.",
            "sold(name) =>",
            f"    {_told(replace(choice, percent=HUNDRED, stop=None, targets=()), levels, 'sell', 'flat')}",
            "",
            f"if {_ready('enters', levels)}",
            '    strategy.entry("Long", strategy.long, alert_message = bought("Long"))',
            "if leaves and strategy.position_size > 0",
            '    strategy.close("Long", alert_message = sold("Close"))',
            "",
            "// In the dialog, the message is then only: {{strategy.order.alert_message}}",
        ]
    )


def _told(choice: AlertChoice, levels: Mapping[str, str], side: str, after: str) -> str:
    text = message(choice, compact=True, timed=False)
    said = text.replace("{{strategy.order.action}}", side).replace("{{strategy.market_position}}", after)
    return expression(said, levels)


def _levels(choice: AlertChoice) -> dict[str, str]:
    """A variable for every plot of the choice."""
    used: list[tuple[str, Level | None]] = [("limit_level", choice.price if choice.has_limit else None)]
    if choice.has_exits:
        used.append(("stop_level", choice.stop))
        used += [(f"target{number}", one.level) for number, one in enumerate(choice.targets, start=1)]
    levels: dict[str, str] = {}
    for variable, level in used:
        if isinstance(level, Filled) and is_plot(level.placeholder):
            levels.setdefault(level.placeholder, variable)
    return levels


def _drawn(levels: Mapping[str, str]) -> list[str]:
    """An example for each level, and the plot that a placeholder finds by its title."""
    lines = []
    for placeholder, variable in levels.items():
        title = placeholder.removeprefix('plot("').removesuffix('")')
        below = variable == "stop_level"
        lines += [f"{variable} = {'ta.lowest(low, 10)' if below else 'ta.highest(high, 10)'}", f'plot({variable}, "{title}")']
    return lines


def _ready(condition: str, levels: Mapping[str, str]) -> str:
    return " and ".join([condition, *(f"not na({variable})" for variable in levels.values())])
