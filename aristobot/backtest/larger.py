"""Larger candles of a strategy's own pair: made of its own, and never of the future. Others it sees nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from aristobot.backtest.history import History
from aristobot.errors import DataError, StrategyError
from aristobot.indicators.columns import Floats
from aristobot.indicators.series import Tape
from aristobot.market import timeframe_of

#: In milliseconds, later than any candle.
_NEVER = 1 << 62


class LargerCandles:
    """What `get_candles` finds. Made once for each timeframe, and cut off where the run is cut off."""

    def __init__(self, exchange: str, own: History) -> None:
        """Out of its `own` candles on that exchange."""
        self._exchange, self._own = exchange, own
        self._made: dict[str, History] = {}
        self._tapes: dict[str, tuple[Tape, Floats]] = {}
        self._until = _NEVER

    def until(self, moment: int) -> None:
        """Know nothing that closes after this (UTC ms)."""
        if moment != self._until:
            self._until = moment
            self._tapes.clear()

    def tape(self, exchange: str, symbol: str, timeframe: str) -> tuple[Tape, Floats]:
        """All candles, and when each closed; raise StrategyError `candles_not_offered` for what cannot be made of its own."""
        if (exchange, symbol) != (self._exchange, self._own.symbol):
            raise StrategyError("candles_not_offered", symbol=f"{symbol} ({exchange})"[:60], timeframe=timeframe[:20])
        if timeframe not in self._tapes:
            history = self._history(timeframe).until(self._until)
            self._tapes[timeframe] = Tape(history.candles), history.candles[:, 0] + history.candle_ms
        return self._tapes[timeframe]

    def tapes(self) -> Iterable[tuple[Tape, Floats]]:
        """Those that were asked for so far."""
        return self._tapes.values()

    def _history(self, timeframe: str) -> History:
        own = self._own
        if timeframe not in self._made:
            try:
                wanted = timeframe_of(timeframe)
            except DataError as error:
                raise StrategyError(error.code, **error.facts) from None
            if wanted.seconds % own.timeframe.seconds:
                raise StrategyError("candles_not_offered", symbol=own.symbol, timeframe=timeframe)
            self._made[timeframe] = own if wanted is own.timeframe else own.resampled(wanted)
        return self._made[timeframe]
