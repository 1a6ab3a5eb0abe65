"""A strategy that reads well is tried: what falls, peeks or never buys in 300 candles is told at its line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from aristobot.diagnostics import Severity
from aristobot.language import explain
from aristobot.templates import TEMPLATES, Template
from services.cli import main
from services.strategy_review import TRIAL_LIMITS, Review, review, trial_candles

HEAD = """import numpy as np

class S(Strategy):
    def should_long(self):
        {}

    def should_exit(self):
        return self.price > self.average_entry_price * 1.01
"""


#: As Jesse's documentation teaches it, futures and all.
JESSE = """from jesse.strategies import Strategy, cached
import jesse.indicators as ta
from jesse import utils


class GoldenCross(Strategy):
    @property
    @cached
    def short_ema(self):
        return ta.ema(self.candles, 8)

    @property
    def long_ema(self):
        return ta.ema(self.candles, 21)

    def should_long(self) -> bool:
        return self.short_ema > self.long_ema

    def should_short(self) -> bool:
        return self.short_ema < self.long_ema

    def should_cancel_entry(self) -> bool:
        return True

    def go_long(self):
        entry_price = self.price - 10
        qty = utils.size_to_qty(self.available_margin * 0.5, entry_price, fee_rate=self.fee_rate)
        self.buy = qty, entry_price
        self.take_profit = qty, entry_price * 1.02
        self.stop_loss = qty, entry_price * 0.98

    def go_short(self):
        qty = utils.size_to_qty(self.balance * self.leverage, self.price)
        self.sell = qty, self.price

    def update_position(self):
        if self.is_long and self.short_ema < self.long_ema:
            self.liquidate()
"""


async def reviewed(line: str, more: str = "") -> Review:
    """A strategy with this line in `should_long`."""
    return await review(HEAD.format(line) + more, replace(TRIAL_LIMITS, cpu_seconds=1.0))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
async def test_our_own_examples_pass(template: Template) -> None:
    found = await review(template.text)
    assert found.diagnostics == ()
    assert found.sound
    assert found.described is not None
    assert found.described["parameters"]


async def test_code_copied_from_jesse_runs_with_a_warning_where_spot_makes_it_meaningless() -> None:
    found = await review(JESSE)
    assert found.sound
    warned = [(one.code, one.facts["name"]) for one in found.diagnostics]
    assert sorted(warned) == [
        ("lint_futures_only", "available_margin"),
        ("lint_futures_only", "leverage"),
        ("lint_never_short", "go_short"),
        ("lint_never_short", "should_short"),
    ]


@pytest.mark.parametrize(
    ("line", "code", "at"),
    [
        ("return self.price / 0 > 1", "strategy_raised", 5),
        ("while True: pass", "strategy_too_busy", 5),
        ("return ta.ema(self.candles, 'fast') > 1", "strategy_raised", 5),
        ("return self.price < 0", "trial_without_entry", 1),
        ("return pirce > 1", "lint_misspelt_name", 5),
        ("self.vars['seen'] = {self.index}; return self.index % 7 == 0", "vars_not_json", 1),
        ("return len(bytearray(4 * 10**9)) > 1", "strategy_raised", 5),
    ],
)
async def test_what_falls_is_told_at_its_line(line: str, code: str, at: int) -> None:
    found = await reviewed(line)
    assert [(one.code, one.line) for one in found.diagnostics] == [(code, at)]
    assert explain(found.diagnostics[0].code, found.diagnostics[0].facts, "fr") != code


async def test_a_look_ahead_that_hides_from_the_eye_shows_in_the_trial() -> None:
    hidden = "\n    def indicators(self):\n        prices = np.array(self.closes)\n        n = 0 - 1\n"
    hidden += "        return {'next': np.roll(prices, n)}\n"
    found = await reviewed("return self.next[-1] > self.price", hidden)
    assert [one.code for one in found.diagnostics if one.severity is Severity.ERROR] == ["peek_found"]


async def test_what_it_prints_in_the_trial_comes_along() -> None:
    assert "hello" in (await reviewed("print('hello'); return self.index % 7 == 0")).printed


def test_the_trial_candles_are_sound_and_always_the_same() -> None:
    assert trial_candles("1h").tolist() == trial_candles("1h").tolist()
    assert trial_candles("1d", 400).shape == (400, 6)


def test_the_command_line_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(TEMPLATES[0].text)
    bad.write_text(HEAD.format("return pirce > 1"))
    common = ["--data-dir", str(tmp_path / "data"), "--language", "en"]

    assert main(["check", str(good), *common], lambda _: 0) == 0
    assert capsys.readouterr() == ("", f"{good}: all is well.\n")
    assert main(["check", str(good), "--json", *common], lambda _: 0) == 0
    assert capsys.readouterr() == ("[]\n", "")
    assert main(["check", str(bad), *common], lambda _: 0) == 7
    told = capsys.readouterr()
    assert f"{bad}:5:16: error: There is no pirce." in told.out
    assert "all is well" not in told.err
    assert main(["check", str(bad), "--json", *common], lambda _: 0) == 7
    assert json.loads(capsys.readouterr().out)[0]["code"] == "lint_misspelt_name"
    assert main(["check", str(tmp_path / "none.py"), *common], lambda _: 0) == 2
