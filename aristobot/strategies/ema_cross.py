"""EMA cross: follow the trend while the fast average is above the slow one, and give up two ATR below the entry."""

from aristobot.indicators import ta, utils
from aristobot.strategy import Strategy


class EmaCross(Strategy):
    """Buy when the fast average crosses above the slow one, sell when it crosses below."""

    timeframe = "1h"

    def hyperparameters(self):
        return [
            {"name": "fast", "type": int, "min": 5, "max": 50, "default": 20},
            {"name": "slow", "type": int, "min": 20, "max": 200, "default": 50},
            {"name": "risk", "type": float, "min": 0.2, "max": 3, "default": 1},  # per cent of the balance lost at the stop
        ]

    def indicators(self):
        # Computed once for the whole run and shown candle by candle: self.fast[-1] is the present value.
        return {
            "fast": ta.ema(self.candles, self.hp["fast"], sequential=True),
            "slow": ta.ema(self.candles, self.hp["slow"], sequential=True),
        }

    def should_long(self):
        return utils.crossed(self.fast, self.slow, "above")

    def should_exit(self):
        return "ema_cross" if utils.crossed(self.fast, self.slow, "below") else False

    def stop_loss_price(self):
        return self.price - 2 * ta.atr(self.candles, 14)

    def calculate_position_size(self):
        # So many coins that the stop costs `risk` per cent, and no more than the balance can pay.
        return utils.risk_to_qty(self.balance, self.hp["risk"], self.price, self.stop_loss_price(), fee_rate=self.fee_rate)
