"""Bollinger mean reversion: a limit order waits at the lower band and is sold back at the middle."""

from aristobot.indicators import ta
from aristobot.strategy import Strategy


class BollingerReversion(Strategy):
    """Buy below the lower band, sell at the mean."""

    timeframe = "1h"
    position_fraction = 0.5

    def hyperparameters(self):
        return [
            {"name": "period", "type": int, "min": 10, "max": 100, "default": 20},
            {"name": "width", "type": float, "min": 1, "max": 4, "default": 2},
            {"name": "stop_percent", "type": float, "min": 1, "max": 20, "default": 5},
        ]

    def before(self):
        width = self.hp["width"]
        self.upper, self.middle, self.lower = ta.bbands(self.candles, self.hp["period"], width, width)

    def should_long(self):
        calm = ta.adx(self.candles, 14) < 30  # in a strong trend the mean runs away
        return calm and self.lower < self.price < self.middle

    def go_long(self):
        quantity = self.portfolio_value * self.position_fraction / self.lower
        self.buy = quantity, self.lower  # below the market: a limit order, asked anew after each candle
        self.stop_loss = quantity, self.lower * (1 - self.hp["stop_percent"] / 100)
        self.take_profit = quantity, self.middle

    def update_position(self):
        self.take_profit = self.position.qty, max(self.middle, self.position.entry_price * (1 + 3 * self.fee_rate))
