"""What every strategy at work uses, wired once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.candle_history import CandleHistory
from services.strategy_host import StrategyHost
from services.strategy_log import StrategyLog
from services.strategy_orders import StrategyOrders
from services.trading_floor import TradingFloor

#: More than the processors of a small machine can start no quicker.
STARTING_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class RunTools:
    """What every run uses. `starting` bounds how many processes start at once after a restart."""

    floor: TradingFloor
    host: StrategyHost
    history: CandleHistory
    orders: StrategyOrders
    log: StrategyLog
    starting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STARTING_AT_ONCE))
