"""All strategies of a run over one balance, in the order in which their candles close."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from aristobot.backtest.account import Purse
from aristobot.backtest.history import History
from aristobot.backtest.player import Player
from aristobot.backtest.settings import Mood, Setup, maker_of, taker_of
from aristobot.backtest.units import Units
from aristobot.errors import StrategyError

#: How often progress is told, and the fewest candles between.
_STEPS, _LEAST_STEP = 100, 5_000
Progress = Callable[[float], None]


class Session:
    """All players of a run over one purse. With `draws` their strategies are asked for the lines of the report."""

    def __init__(self, setup: Setup, mood: Mood = Mood.PESSIMISTIC, *, draws: bool = False) -> None:
        random.seed(setup.seed)  # for strategies that throw dice
        np.random.seed(setup.seed % 2**32)
        units = [Units(one.instrument, maker_of(one, setup), taker_of(one, setup)) for one in setup.entrants]
        self.purse = Purse(setup.cash, max(one.money_places for one in units))
        self.players = [self._player(number, unit, setup, mood, draws) for number, unit in enumerate(units)]

    def _player(self, number: int, units: Units, setup: Setup, mood: Mood, draws: bool) -> Player:
        entrant = setup.entrants[number]
        try:
            return Player(entrant, units, self.purse, setup, mood, draws)
        except StrategyError as error:
            if len(setup.entrants) == 1:
                raise
            among = f"{number + 1}. {entrant.history.symbol}"
            raise StrategyError(error.code, **{**error.facts, "among": among}) from None

    def play(self, until: int | None = None, progress: Progress | None = None, *, traced: bool = False) -> None:
        """Play what is closed at `until` (UTC ms); the strategies see no candle beyond. None: everything.

        `progress` is told from time to time which part of it is done. `traced` answers questions beforehand where it can;
        raise TraceMistaken when that went wrong.
        """
        for player in self.players:
            end = len(player.history) if until is None else len(player.history.until(until))
            player.show(end, traced and player.alone)
        tell = progress or (lambda part: None)
        if len(self.players) > 1:
            self._play_together(tell)
            return
        player = self.players[0]
        if progress is None:
            player.play(player.end)
        while player.next < player.end:
            player.play(min(player.end, player.next + max(_LEAST_STEP, player.end // _STEPS)))
            tell(player.next / player.end)

    def finish(self, close: bool) -> None:
        """The end: the last hooks, and, with `close`, everything is sold at the last close."""
        for player in self.players:
            for hook in (player.lane.driver.strategy.before_terminate, player.lane.driver.strategy.terminate):
                player.lane.driver.attempt(hook)
            if close and len(player.history):
                player.lane.close_out("end_of_test")

    def _play_together(self, tell: Progress) -> None:
        """Candle by candle in the order in which they close; of those that close together all are filled before one is asked."""
        closing = [(player.history.candles[player.next : player.end, 0] + player.history.candle_ms) for player in self.players]
        whose = np.concatenate([np.full(len(times), number) for number, times in enumerate(closing)])
        times = np.concatenate(closing)
        order = np.lexsort((whose, times))
        at, told = 0, 0
        while at < len(order):
            if at - told >= max(_LEAST_STEP, len(order) // _STEPS):
                tell(at / len(order))
                told = at
            together = [self.players[whose[order[at]]]]
            moment = times[order[at]]
            at += 1
            while at < len(order) and times[order[at]] == moment:
                together.append(self.players[whose[order[at]]])
                at += 1
            for player in together:
                if player.lane.waiting:
                    player.lane.match(player.next)
            for player in together:
                player.close_candle()


def histories(setup: Setup) -> list[History]:
    """Every history that a run reads."""
    return [one for entrant in setup.entrants for one in (entrant.history, *((entrant.detail,) if entrant.detail else ()))]
