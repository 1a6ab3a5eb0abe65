"""Buying in portions with a budget: the same sum every so many candles and on deeper falls, sold at a gain over the average."""

from aristobot.strategy import Strategy


class DcaBudget(Strategy):
    """Buy in equal portions until the budget is spent; sell everything once the average price is beaten."""

    timeframe = "1d"
    max_position_adjustments = 9  # with the first portion ten in all

    def hyperparameters(self):
        return [
            {"name": "portions", "type": int, "min": 2, "max": 10, "default": 10},
            {"name": "every", "type": int, "min": 1, "max": 90, "default": 7},  # candles between two portions
            {"name": "dip_percent", "type": float, "min": 0.5, "max": 30, "default": 5},  # a fall that buys earlier
            {"name": "gain_percent", "type": float, "min": 0.5, "max": 200, "default": 10},
        ]

    def should_long(self):
        return True

    def go_long(self):
        self.vars["budget"] = self.balance
        self.buy_portion()

    def buy_portion(self):
        portion = min(self.vars["budget"] / self.hp["portions"], self.balance)
        self.buy = portion / (self.price * (1 + self.fee_rate)), self.price
        self.vars["last_price"] = self.price
        self.vars["waited"] = 0

    def should_exit(self):
        return "gain" if self.position.pnl_percentage > self.hp["gain_percent"] else False

    def update_position(self):
        self.vars["waited"] += 1
        dip = self.price < self.vars["last_price"] * (1 - self.hp["dip_percent"] / 100)
        if (dip or self.vars["waited"] >= self.hp["every"]) and self.increased_count < self.hp["portions"] - 1:
            self.buy_portion()
