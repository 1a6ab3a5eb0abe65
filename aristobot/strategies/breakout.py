"""Breakout: a stop order waits just above the highest price of the last days; half is sold at a target, the rest runs."""

from aristobot.indicators import ta
from aristobot.strategy import Strategy


class Breakout(Strategy):
    """Buy when the price leaves its range upwards."""

    timeframe = "4h"
    entry_timeout_candles = 3  # an order that waits in vain for so long is taken back

    def hyperparameters(self):
        return [
            {"name": "length", "type": int, "min": 5, "max": 100, "default": 20},
            {
                "name": "reward",
                "type": float,
                "min": 0.5,
                "max": 5,
                "default": 1.5,
            },  # the target's distance in ranges of the stop
        ]

    def before(self):
        self.top = ta.max(self.candles, self.hp["length"], "high")
        self.bottom = ta.min(self.candles, max(3, self.hp["length"] // 2), "low")

    def should_long(self):
        near = self.price > self.top - ta.atr(self.candles, 14)  # no order far away from the market
        return near and self.price < self.top

    def go_long(self):
        quantity = 0.95 * self.balance / (self.top * (1 + self.fee_rate))
        entry = self.top + self.tick_size
        self.buy = quantity, entry  # above the market: a stop order
        self.stop_loss = quantity, self.bottom
        # Half at the target; the rest leaves at the stop.
        self.take_profit = quantity / 2, entry + self.hp["reward"] * (entry - self.bottom)

    def update_position(self):
        # The stop follows the lower edge of the range, and goes to break even once half is sold.
        stop = self.position.entry_price * (1 + 2 * self.fee_rate) if self.reduced_count else self.bottom
        stop = max(stop, self.bottom, self.average_stop_loss)
        if stop < self.price:
            self.stop_loss = self.position.qty, stop
