"""Candles of other timeframes and symbols for a strategy: given, or made of its own, and never of the future."""

from __future__ import annotations

from aristobot.backtest.history import History
from aristobot.errors import StrategyError
from aristobot.indicators.columns import Floats
from aristobot.indicators.series import Tape
from aristobot.market import timeframe_of

#: In milliseconds, later than any candle.
_NEVER = 1 << 62


class Others:
    """What `get_candles` finds. Made once for each timeframe, and cut off where the run is cut off."""

    def __init__(self, exchange: str, given: tuple[History, ...]) -> None:
        """Out of the histories that are `given`, of one exchange."""
        self._exchange, self._given = exchange, given
        self._made: dict[tuple[str, str], History] = {}
        self._tapes: dict[tuple[str, str], tuple[Tape, Floats]] = {}
        self._until = _NEVER

    def until(self, moment: int) -> None:
        """Know nothing that closes after this (UTC ms)."""
        if moment != self._until:
            self._until = moment
            self._tapes.clear()

    def tape(self, exchange: str, symbol: str, timeframe: str) -> tuple[Tape, Floats]:
        """All candles, and when each closed; raise StrategyError `no_candles` for what is not there."""
        key = (symbol, timeframe)
        if key not in self._tapes:
            history = self._history(exchange, symbol, timeframe).until(self._until)
            self._tapes[key] = Tape(history.candles), history.candles[:, 0] + history.candle_ms
        return self._tapes[key]

    def _history(self, exchange: str, symbol: str, timeframe: str) -> History:
        key = (symbol, timeframe)
        if key not in self._made:
            wanted = timeframe_of(timeframe)
            fitting = [one for one in self._given if one.symbol == symbol and wanted.seconds % one.timeframe.seconds == 0]
            if exchange != self._exchange or not fitting:
                raise StrategyError("no_candles", symbol=symbol, timeframe=timeframe)
            largest = max(fitting, key=lambda one: one.timeframe.seconds)
            self._made[key] = largest if largest.timeframe is wanted else largest.resampled(wanted)
        return self._made[key]
