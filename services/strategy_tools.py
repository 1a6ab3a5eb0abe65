"""What every strategy at work uses, wired once."""

from __future__ import annotations

from dataclasses import dataclass

from services.candle_history import CandleHistory
from services.strategy_host import StrategyHost
from services.strategy_log import StrategyLog
from services.strategy_orders import StrategyOrders
from services.trading_floor import TradingFloor


@dataclass(frozen=True, slots=True)
class RunTools:
    """What every run uses."""

    floor: TradingFloor
    host: StrategyHost
    history: CandleHistory
    orders: StrategyOrders
    log: StrategyLog
