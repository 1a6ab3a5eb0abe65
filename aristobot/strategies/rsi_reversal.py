"""RSI reversal: buy a fall that has run its course, in an upward trend of the larger timeframe."""

from aristobot.indicators import ta
from aristobot.strategy import Strategy


class RsiReversal(Strategy):
    """Buy when the RSI comes back above the oversold line, sell when it is overbought or after a fixed loss."""

    timeframe = "1h"
    position_fraction = 0.5  # of the money, for each position
    protections = (  # after three stops within 48 candles, no entry for 12
        {"method": "StoplossGuard", "lookback_period_candles": 48, "trade_limit": 3, "stop_duration_candles": 12},
    )

    def hyperparameters(self):
        return [
            {"name": "period", "type": int, "min": 5, "max": 30, "default": 14},
            {"name": "oversold", "type": float, "min": 10, "max": 45, "default": 35},
            {"name": "overbought", "type": float, "min": 55, "max": 90, "default": 65},
            {"name": "stop_percent", "type": float, "min": 0.5, "max": 20, "default": 4},
        ]

    def indicators(self):
        return {"rsi": ta.rsi(self.candles, self.hp["period"], sequential=True)}

    def should_long(self):
        return self.rsi[-2] < self.hp["oversold"] <= self.rsi[-1]

    def filters(self):
        return [self.above_the_long_average]  # its name is shown when it holds an entry back

    def above_the_long_average(self):
        return self.price > ta.sma(self.candles, 100) * 0.97

    def should_exit(self):
        return "overbought" if self.rsi[-1] > self.hp["overbought"] else False

    def stop_loss_price(self):
        return self.price * (1 - self.hp["stop_percent"] / 100)

    def watch_list(self):
        return [("RSI", self.rsi[-1])]  # seen while it runs
