"""What a model must know of our strategies, in short. Names and signatures come from the catalogue of the editor."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from aristobot.indicators.own_table import ALIASES
from aristobot.indicators.spec import Spec, table
from aristobot.strategy_catalog import Entry, completions
from aristobot.strategy_loader import GIVEN_NAMES, PLAIN_MODULES, REFUSED_BUILTINS
from aristobot.templates import template

#: Of TA-Lib: element-wise arithmetic, which numpy does as well.
_ARITHMETIC = "Vector "
_PATTERN = "cdl"
_EXAMPLE = "ema_cross"
_TYPE = re.compile(r": [^,=()]+?(?= =|,|$)")
#: They say nothing about writing a strategy, or mean nothing on spot.
_LEFT_OUT = frozenset({"terminate", "before_terminate", "go_short", "watch_list", "on_signal", "version", "notify"})

_RULES = """\
A strategy of Aristobot is a Python class on `Strategy`. Names are Jesse's, positions are spot positions: bought coins.

RULES
- One class per answer, with `timeframe`, `should_long` (or `signals`) and a way out: `should_exit`, `stop_loss_price`, \
`take_profit_price` or `update_position`.
- Spot only: nothing is sold short, there is no leverage. A signal to sell short may close the position: \
`short_signal = "exit"` and `should_short`.
- It is asked once per closed candle, in this order: before; while an entry waits should_cancel_entry; in a position \
should_exit, then update_position; while flat should_long, filters, go_long, confirm_entry; after. What is decided executes at \
the next open.
- Never read the future: no negative shifts, no centred windows, no statistics over the whole series.
- Floats inside. Quantities are in base units; the house rounds, and never sells more than the strategy holds.
- `stop_loss_price` answers a price: one stop guards everything (of several the highest). `take_profit_price` answers a price \
or `[(share, price), ...]` with shares that add up to 1 at most.
- Orders of one's own, in go_long and update_position: `self.buy = quantity, price`, `self.sell`, `self.stop_loss`, \
`self.take_profit`, each a pair or a list of pairs. The price says the kind: near the market a market order, better a limit, \
worse a stop.
- `hyperparameters()` lists dictionaries with name, type (a class such as int, not a text), min, max, default; read \
`self.hp["name"]`.
- What must outlive a restart goes into `self.vars`; other attributes do not.
- `self.candles` has the columns time, open, CLOSE, HIGH, LOW, volume. Prefer `self.closes`, `self.highs`, `self.lows`.
- A larger timeframe: `self.get_candles(self.exchange, self.symbol, "4h")`, of which only closed candles are seen. \
There are none of other pairs, and no smaller ones.
- `indicators()` computes whole series once; `self.name[-1]` is then the present value, `[-2]` the one before.
"""


@cache
def manual() -> str:
    """Rules, hooks, readings, indicators, helpers and one example."""
    modules = ", ".join(one for one in PLAIN_MODULES if "." not in one and not one.startswith("_"))
    return "\n".join(
        [
            _RULES + f"- Given without import: {', '.join(GIVEN_NAMES)}. May be imported: {modules}. Nothing else is there: no "
            f"files, no network, no clock of the machine, none of {', '.join(sorted(_refused()))}.",
            "",
            "HOOKS",
            *(f"def {one.name}{one.signature}: {one.about}" for one in _entries("def")),
            "",
            "self HAS",
            *(f"{one.name}{_call(one.signature)}: {one.about}" for one in _entries("self") if one.about),
            f"also: {', '.join(one.name for one in _entries('self') if not one.about)}",
            "self.position: qty, entry_price, opened_at, value, pnl, pnl_percentage, is_open",
            "",
            *_indicators(),
            "",
            "utils",
            *(f"{one.name}{_call(one.signature)}: {one.about}" for one in _entries("utils")),
            "",
            "EXAMPLE",
            "```python",
            _example(),
            "```",
        ]
    )


@cache
def outline() -> str:
    """Rules and hooks alone: enough to explain a strategy, whose indicators are the usual ones."""
    return "\n".join([_RULES, "HOOKS", *(f"{one.name}: {one.about}" for one in _entries("def"))])


def _entries(after: str) -> list[Entry]:
    return [one for one in completions() if one.after == after and one.name not in _LEFT_OUT]


def _refused() -> Iterable[str]:
    return (one for one in REFUSED_BUILTINS if not one.startswith("_") and one not in ("copyright", "credits", "license"))


def _call(signature: str) -> str:
    """The parameters and their defaults, without types and without what comes back."""
    inner = signature.partition(" -> ")[0].removeprefix("(").removesuffix(")")
    if not signature.startswith("("):
        return ""
    return f"({_TYPE.sub('', inner).replace(' = ', '=')})"


def _indicators() -> list[str]:
    """Every indicator of `ta` by what a caller chooses; patterns by their names alone."""
    found = table()
    patterns = [name for name in found if name.startswith(_PATTERN)]
    aside = {*patterns, *ALIASES, *(name for name, one in found.items() if one.about.startswith(_ARITHMETIC))}
    return [
        "ta: the first argument is always self.candles. The answer is the present value; with `sequential=True` the whole array, "
        'NaN until it is known. Several fields come as a named tuple. Many take `source_type="close"`.',
        *(_indicator(one) for name, one in found.items() if name not in aside),
        f"patterns, each 100, 0 or -100, after {_PATTERN}: {', '.join(one.removeprefix(_PATTERN) for one in patterns)}",
    ]


def _indicator(one: Spec) -> str:
    given = ["periods"] if "periods" in one.inputs else []
    given += [f"{name}={value!r}" for name, value in one.defaults.items() if not name.endswith("source_type")]
    return f"{one.name}({', '.join(given)}){' -> ' if one.fields else ''}{', '.join(one.fields)}"


def _example() -> str:
    """One that is shipped, without its imports: what it needs is given."""
    whole = template(_EXAMPLE).text
    return whole[whole.index("class ") :].strip()
