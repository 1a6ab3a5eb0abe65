"""The editor underlines what is wrong, at its place and in words, and leaves alone what is right."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot import strategy_checks, strategy_names, strategy_peeks
from aristobot.diagnostics import Severity
from aristobot.language import catalogue, explain
from aristobot.strategy_checks import diagnose
from aristobot.templates import TEMPLATES, Template

RIGHT = """
from jesse.strategies import Strategy, cached
import jesse.indicators as ta
from jesse import utils
import numpy as np


class EmaCross(Strategy):
    def hyperparameters(self):
        return [{"name": "fast", "type": int, "min": 5, "max": 50, "default": 20}]

    def before(self):
        self.fast = ta.ema(self.candles, self.hp["fast"], sequential=True)
        self.highest = self.candles[:, 3].max()

    def should_long(self):
        return utils.crossed(self.fast, ta.sma(self.candles, 50, sequential=True), "above")

    def should_short(self):
        return False

    def go_short(self):
        pass

    def should_exit(self):
        return "late" if self.price > self.highest * 1.1 else False

    def take_profit_price(self):
        return [(0.5, self.price * 1.1), (0.5, self.price * 1.2)]
"""


def a_strategy(body: str, head: str = "") -> str:
    """A sound strategy with one more method."""
    sound = "    def should_long(self): return self.price > 1\n    def should_exit(self): return self.price < 1\n"
    return f"import numpy as np\n{head}\nclass S(Strategy):\n{sound}{body}\n"


def hook(line: str, name: str = "before") -> str:
    """The same, with one line in a hook."""
    return a_strategy(f"    def {name}(self):\n        {line}")


def codes(text: str) -> list[str]:
    """What is found, in order."""
    return [one.code for one in diagnose(text)]


def test_sound_code_copied_from_jesse_has_nothing_underlined() -> None:
    assert diagnose(RIGHT) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("class S(Strategy:\n    pass", "lint_syntax"),
        ("x = '\0'", "lint_syntax"),
        ("", "lint_no_class"),
        ("class S:\n    def should_long(self): return True", "lint_no_class"),
        ("class S(Strategy):\n    def should_exit(self): return True", "lint_no_entry"),
        ("class S(Strategy):\n    def go_long(self): self.buy = 1, 2\n    def should_exit(self): return True", "lint_no_signal"),
        ("class S(Strategy):\n    def should_long(self): return True", "lint_no_exit"),
        (a_strategy("", "import os"), "lint_forbidden_import"),
        (a_strategy("", "from aristobot.vault import Vault"), "lint_forbidden_import"),
        (a_strategy("", "from jesse.services import logger"), "lint_forbidden_import"),
        (a_strategy("", "from . import x"), "lint_forbidden_import"),
        (hook("open('/etc/passwd')"), "lint_forbidden_name"),
        (hook("eval('1')"), "lint_forbidden_name"),
        (hook("().__class__.__base__.__subclasses__()"), "lint_forbidden_name"),
        (hook("self.x = pirce"), "lint_misspelt_name"),
        (hook("self.x = zzqqy"), "lint_unknown_name"),
        (hook("self.x = [one for one in range(3) if two]"), "lint_unknown_name"),
        (hook("self.vars['n'] = self.leverage"), "lint_futures_only"),
        (a_strategy("    def should_short(self): return self.price > 2"), "lint_never_short"),
        (hook("return [(0.5, 1.0), (0.6, 2.0)]", "take_profit_price"), "lint_exits_over_100"),
        (hook("self.take_profit = [(self.position.qty * 0.7, 10), (self.position.qty / 2, 11)]"), "lint_exits_over_100"),
        (hook("return [(0.5, 1.0), (0.5, 2.0)]", "stop_loss_price"), "lint_several_stops"),
        (hook("self.stop_loss = [(self.position.qty / 2, 10), (self.position.qty / 2, 11)]"), "lint_several_stops"),
        (hook("self.x = np.random.normal()"), "lint_unseeded"),
        (hook("self.get_candles(self.exchange, 'ETH/USDT', '4h')"), "lint_other_candles"),
        (hook("self.get_candles('Kraken', self.symbol, '4h')"), "lint_other_candles"),
        (hook("self.get_candles(self.exchange, self.symbol, timeframe='7m')"), "lint_no_such_timeframe"),
        (
            a_strategy("    timeframe = '1h'\n    def before(self): self.get_candles(self.exchange, self.symbol, '15m')"),
            "lint_smaller_candles",
        ),
        (a_strategy("    def on_signal(self, alert): return True"), "lint_never_signalled"),
        (a_strategy("    def before(self): self.x = datetime.now()", "from datetime import datetime"), "lint_machine_clock"),
        ("x" * 200_001, "lint_too_long"),
        (hook("self.x = " + "+".join(["1"] * 5000)), "lint_too_deep"),
        (hook("return self.closes" + ".max()" * 700, "indicators"), "lint_too_deep"),
    ],
)
def test_what_is_wrong_is_underlined(text: str, code: str) -> None:
    assert code in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        hook("return [(0.5, 1.0), (0.5, 2.0)]", "take_profit_price"),
        hook("self.take_profit = [(self.position.qty * 0.5, 10), (self.position.qty / 2, 11)]"),
        a_strategy("    short_signal = 'exit'\n    def should_short(self): return self.price > 2"),
        hook("rng = np.random.default_rng(1); self.x = rng.normal()"),
        hook("self.x = (lambda one, *two, **three: one + two[0])(1)"),
        hook("self.x = {a: b for a, b in zip([1], [2]) if (c := a)}"),
        hook("global total; total = 1; self.x = total"),
        a_strategy("    def before(self):\n        try: 1\n        except ValueError as error: print(error)\n"),
        a_strategy(
            "    def before(self):\n        match self.price:\n            case [first, *rest] | {'a': first, **rest}: print(first, rest)"
        ),
        "class Base(Strategy):\n    def should_exit(self): return 1\nclass S(Base):\n    def should_long(self): return 1",
        "import aristobot.indicators.ta as t\nfrom aristobot.strategy import Strategy as Old\n" + a_strategy(""),
        a_strategy("    period = 3\n    twice = period * 2\n    def __init__(self):\n        super().__init__()\n"),
        hook("self.x = self.candles[-3:, 2].max() + self.closes[1:][::-1].mean()"),
        hook("self.x = self.get_candles(self.exchange, self.symbol, '15m')[-1, 2]"),
        a_strategy("    timeframe = '1h'\n    def before(self): self.get_candles(self.exchange, self.symbol, '1d')"),
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert [one for one in diagnose(text) if one.severity is not Severity.HINT] == []


#: Eleven ways of knowing tomorrow.
PEEKS = [
    ("peek_shift", hook("return {'x': np.roll(self.candles[:, 2], -1)}", "indicators")),
    ("peek_shift", hook("self.x = self.closes.shift(-3)")),
    ("peek_base", hook("self.x = self.candles.base")),
    ("peek_tape", hook("self.x = self._tape.candles")),
    ("peek_tape", hook("self.x = self.candles.tape.candles[-1]")),
    ("peek_memory", hook("self.x = np.lib.stride_tricks.as_strided(self.candles, (10**6, 6))")),
    ("peek_memory", hook("self.x = self.candles.ctypes")),
    ("peek_centred", hook("return {'x': series(self.closes).rolling(9, center=True).mean()}", "indicators")),
    ("peek_centred", hook("return {'x': np.convolve(self.closes, np.ones(9) / 9, 'same')}", "indicators")),
    ("peek_centred", hook("return {'x': np.gradient(self.closes)}", "indicators")),
    ("peek_extrema", hook("return {'x': argrelextrema(self.closes, np.greater)}", "indicators")),
    ("peek_whole_run", hook("return {'x': self.closes / self.closes.max()}", "indicators")),
    ("peek_whole_run", hook("return self.closes > np.percentile(self.closes, 90), self.closes < 1", "signals")),
    ("peek_reversed", hook("return {'x': np.minimum.accumulate(self.lows[::-1])[::-1]}", "indicators")),
    ("peek_slice", hook("return {'x': np.append(self.closes[1:], 0)}", "indicators")),
    ("peek_backfill", hook("return {'x': np.interp(self.closes, [1], [2])}", "indicators")),
    ("peek_index", hook("return {'x': [self.closes[i + 1] for i in range(9)]}", "indicators")),
    ("peek_index", hook("self.x = self.candles[self.index + 1, 2]")),
]


@pytest.mark.parametrize(("code", "text"), PEEKS)
def test_a_look_into_the_future_is_underlined(code: str, text: str) -> None:
    assert code in codes(text)


def test_at_least_ten_ways_of_peeking_are_known() -> None:
    assert len({code for code, _ in PEEKS}) >= 10


def test_a_finding_lies_where_it_is_in_characters() -> None:
    (found,) = [one for one in diagnose(hook("é = 'ü'; self.x = pirce")) if one.code.endswith("_name")]
    assert (found.line, found.column, found.end_line, found.end_column) == (7, 26, 7, 31)
    (broken,) = diagnose("x = 1\ny = (2 +\n")
    assert (broken.line, broken.severity) == (2, Severity.ERROR)


def test_a_misspelt_indicator_gets_the_name_that_was_meant() -> None:
    found = diagnose(hook("self.x = ta.macdd(self.candles)"))
    assert [(one.code, one.facts["name"], one.facts["nearest"]) for one in found] == [("lint_misspelt_name", "ta.macdd", "macd")]


def test_a_name_that_is_still_being_typed_is_told_how_it_goes_on() -> None:
    found = diagnose(hook("self.x = self.dail"))
    assert [one.facts["nearest"] for one in found] == ["daily_balances"]


def test_every_finding_has_its_sentence_in_both_languages() -> None:
    files = [Path(str(one.__file__)) for one in (strategy_checks, strategy_names, strategy_peeks)]
    texts = {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(?:lint|peek)_[a-z0-9_]+", node.value)
    }
    assert len(texts) > 20
    for language in ("fr", "en"):
        assert {f"reason.{one}" for one in texts} <= catalogue(language).keys()
    sentence = explain("lint_exits_over_100", {"total": "110"}, "en")
    assert sentence.startswith("These exits sell 110 %")


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from([*RIGHT.split(), "\n    ", "(", ")", ":", "[", "+ 1", "self."])).map(" ".join)
)
def test_no_text_is_too_strange_to_be_looked_over(text: str) -> None:
    lines = re.split(r"\r\n?|\n", text)  # as Python and the editor count them
    for one in diagnose(text):
        assert 1 <= one.line <= len(lines)
        assert 0 <= one.column <= len(lines[one.line - 1])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_our_own_examples_have_nothing_underlined(template: Template) -> None:
    assert diagnose(template.text) == []
