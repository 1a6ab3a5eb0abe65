"""A house whose exchange links nothing: Binance as it would be without its order lists."""

from __future__ import annotations

from dataclasses import replace

from services.exchanges.binance import BinanceClient
from tests.services.trading import QuickBinance, TradingHouse


class UnlinkedBinance(QuickBinance):
    """It says that it knows no lists and changes nothing in place; every call it makes is Binance's own."""

    capabilities = replace(BinanceClient.capabilities, native_oco=False, native_otoco=False, edit_order=False)


class UnlinkedHouse(TradingHouse):
    """The house in front of it."""

    client = UnlinkedBinance
