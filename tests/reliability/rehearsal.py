"""A short life in the midwife herself, from which every house inherits what the first of everything takes long to make.

Above all it is the statements of the store in SQLite's words, which a house that dies twice a second would make anew each time.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from loguru import logger

from aristobot.store.migrate import upgrade_at_start
from tests.services.leaping import run_leaping
from tests.services.trading import a_trading_house

_STOP, _TARGET = "-1%", "+3%"


def rehearse_trading() -> None:
    """Trade at a simulated exchange of this process, close everything, and leave no thread behind: a fork would lose it."""
    logger.disable("")
    with tempfile.TemporaryDirectory() as folder:
        run_leaping(_trade(Path(folder)))
    logger.enable("")
    assert threading.enumerate() == [threading.main_thread()]


async def _trade(folder: Path) -> None:
    template = folder / "template.db"
    upgrade_at_start(f"sqlite:///{template}", None)
    async with a_trading_house(folder / "house", template) as house:
        trader = await house.trader({"USDT": "100000"})
        await house.buy(trader, percent=4, stop_loss=_STOP, take_profit=_TARGET)
        await house.alert(trader, action="BuyMarket", percent=2)
        await house.alert(trader, action="MAJ", stop_loss="-2%")
        await house.alert(trader, action="SellMarket", percent=50)
        await house.restart()
        await house.alert(trader, action="SellMarket")
        halves = [["50%", _TARGET], ["50%", "+4%"]]
        await house.buy(trader, percent=4, stop_loss=_STOP, take_profit=halves)
