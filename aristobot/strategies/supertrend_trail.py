"""SuperTrend trail: enter when the trend turns up, and let the stop follow the SuperTrend line, never down."""

from aristobot.indicators import ta
from aristobot.strategy import Strategy


class SupertrendTrail(Strategy):
    """Buy on a turn upwards; the line itself is the stop."""

    timeframe = "1h"
    protections = ({"method": "CooldownPeriod", "stop_duration_candles": 2},)

    def hyperparameters(self):
        return [
            {"name": "period", "type": int, "min": 5, "max": 50, "default": 10},
            {"name": "factor", "type": float, "min": 1, "max": 6, "default": 3},
        ]

    def before(self):
        self.line = ta.supertrend(self.candles, self.hp["period"], self.hp["factor"]).trend

    def should_long(self):
        return self.price > self.line and self.vars.get("below", False)

    def after(self):
        self.vars["below"] = self.price < self.line  # kept, also across a restart

    def stop_loss_price(self):
        return self.line

    def update_position(self):
        if self.line > self.average_stop_loss and self.line < self.price:
            self.stop_loss = self.position.qty, self.line

    def watch_list(self):
        return [("SuperTrend", self.line)]  # seen while it runs
