"""Ten ways to know the future, each found by cutting it off; and code as Jesse's users write it, which does not peek."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aristobot import strategy_loader
from aristobot.indicators import ta, utils
from aristobot.strategy import Strategy, cached
from aristobot.strategy_parameters import parameters_of
from tests.aristobot.test_backtest_money import walk
from tests.backtesting import closes_at, played

WAYS = {
    "the next close in a series": """
    def indicators(self): return {"next": np.append(self.closes[1:], self.closes[-1])}
    def should_long(self): return self.next[-1] > self.price
    def should_exit(self): return self.next[-1] < self.price""",
    "a roll": """
    def indicators(self): return {"next": np.roll(self.closes, -1)}
    def should_long(self): return self.next[-1] > self.price
    def should_exit(self): return self.next[-1] < self.price""",
    "the mean of the whole run": """
    def indicators(self): return {"score": self.closes - self.closes.mean()}
    def should_long(self): return self.score[-1] < 0
    def should_exit(self): return self.score[-1] > 0""",
    "the highest price of the whole run": """
    def indicators(self): return {"share": self.closes / self.closes.max()}
    def should_long(self): return self.share[-1] < 0.9
    def should_exit(self): return self.share[-1] > 0.95""",
    "a centred mean": """
    def indicators(self): return {"mean": np.convolve(self.closes, np.ones(9) / 9, "same")}
    def should_long(self): return self.price < self.mean[-1]
    def should_exit(self): return self.price > self.mean[-1]""",
    "an indicator of the reversed prices": """
    def indicators(self): return {"mean": ta.ema(np.ascontiguousarray(self.closes[::-1]), 9, sequential=True)[::-1]}
    def should_long(self): return self.price < self.mean[-1]
    def should_exit(self): return self.price > self.mean[-1]""",
    "whole arrays of signals": """
    def signals(self):
        rises = np.append(np.diff(self.closes) > 0, False)
        return rises, ~rises""",
    "what lies behind the candles": """
    def should_long(self): return self.after(1) > self.price
    def should_exit(self): return self.after(1) < self.price
    def after(self, count=0):
        if not count: return None
        candles = self.candles.whole.candles
        return candles[min(self.index + count, len(candles) - 1), 2]""",
    "everything kept at the start": """
    kept = None
    def before(self):
        if self.kept is None: self.kept = self.candles.whole.candles[:, 2].copy()
    def should_long(self): return self.kept[min(self.index + 1, len(self.kept) - 1)] > self.price
    def should_exit(self): return self.kept[min(self.index + 1, len(self.kept) - 1)] < self.price""",
    "how much is still to come": """
    def should_long(self): return len(self.candles.whole.candles) - self.index == 40
    def should_exit(self): return len(self.candles.whole.candles) - self.index == 20""",
}


def loaded(body: str) -> type[Strategy]:
    """The strategy of this text, as its own process loads it."""
    given = {"Strategy": Strategy, "cached": cached, "ta": ta, "utils": utils, "np": np}
    return strategy_loader.load(f"class Written(Strategy):{body}\n", Strategy, given)


@pytest.mark.parametrize("way", WAYS)
def test_whoever_looks_ahead_is_found(way: str) -> None:
    result = played(loaded(WAYS[way]), walk(4, 600), warmup=12, checks=12)
    assert result.fills, result.stopped
    assert not result.lookahead.clean


JESSE = """
    def hyperparameters(self):
        return [{"name": "period", "type": int, "min": 5, "max": 30, "default": 10}]

    @property
    @cached
    def trend(self):
        return 1 if self.price > ta.ema(self.candles, self.hp["period"]) else -1

    def should_long(self):
        return self.trend == 1 and self.leverage == 1 and not self.is_short

    def should_short(self):
        return self.trend == -1

    def should_cancel_entry(self):
        return True

    def go_long(self):
        entry = self.price
        stop = entry - 2 * ta.atr(self.candles, 14)
        qty = utils.risk_to_qty(self.available_margin, 3, entry, stop, fee_rate=self.fee_rate)
        self.buy = qty, entry

    def go_short(self):
        self.sell = 1, self.price

    def on_open_position(self, order):
        stop = order.price - 2 * ta.atr(self.candles, 14)
        self.stop_loss = self.position.qty, stop
        self.take_profit = [(self.position.qty / 2, order.price * 1.01), (self.position.qty / 2, order.price * 1.02)]

    def on_reduced_position(self, order):
        self.stop_loss = self.position.qty, self.average_entry_price

    def update_position(self):
        if self.trend == -1 and self.position.pnl_percentage > 0:
            self.liquidate()

    def watch_list(self):
        return [("trend", self.trend), ("trades", len(self.trades))]
"""


def test_code_as_jesses_users_write_it_runs_on_spot() -> None:
    kind = loaded(JESSE)
    assert [one.name for one in parameters_of(kind)] == ["period"]
    result = played(kind, walk(8, 900), warmup=None, checks=8)
    assert result.stopped == ""
    assert result.lookahead.clean
    assert {one.tag for one in result.fills} >= {"entry", "stop_loss", "take_profit", "liquidate"}


@pytest.mark.parametrize(
    "body", ["\n    def should_long(self): return self.trade", "\n    def indicators(self): return {'a': [1.0]}"]
)
def test_a_strategy_that_cannot_run_says_so_instead_of_trading(body: str) -> None:
    result: Any = played(loaded(body), closes_at(1.0, 2.0, 3.0))
    assert result.stopped
    assert result.fills == ()
