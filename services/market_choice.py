"""On which market an alert is carried out: its own, or the same base in the quote that the broker trades in."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from aristobot.errors import UnknownSymbol
from aristobot.market import Symbol
from aristobot.money import divided
from aristobot.signals import Signal
from services.broker_book import Account
from services.quote_remap import Remap, needs_prices, remapped, symbol_in
from services.trading_floor import TradingFloor


class Chosen(NamedTuple):
    """Our symbol, and the alert in that market's prices."""

    symbol: Symbol
    signal: Signal


class MarketChoice:
    """Asks catalogue and price book; what the prices mean is decided in quote_remap."""

    def __init__(self, floor: TradingFloor) -> None:
        self._floor = floor

    async def of(self, account: Account, signal: Signal) -> Chosen:
        """Where and at which prices `account` carries out `signal`.

        The alert's own market may be one that only the exchange named in the alert lists: then its price comes from there.
        Raises UnknownSymbol, DataError, RiskRefused (quote_remap), ExchangeError when a price cannot be had.
        """
        exchange, wanted = account.broker.exchange, account.broker.quote
        source, theirs = await self._alerts_market(account, signal)
        if source == exchange and (not wanted or theirs.partition("/")[2] == wanted):
            return Chosen(theirs, signal)
        ours = await self._floor.catalog.resolve(exchange, symbol_in(theirs, wanted))
        if not needs_prices(signal):
            return Chosen(ours, signal)
        client = self._floor.gateway.client_for(account.broker)
        remap = Remap(
            alerts=theirs,
            alerts_price=await self._floor.prices.price(self._floor.gateway.client(source), theirs),
            ours=await self._floor.catalog.instrument(exchange, ours),
            our_price=await self._floor.prices.price(client, ours),
            cross=await self._cross(account, ours, theirs),
        )
        return Chosen(ours, remapped(signal, remap, account.limits.remap_divergence_percent))

    async def _alerts_market(self, account: Account, signal: Signal) -> tuple[str, Symbol]:
        """The exchange and the symbol on which the alert was drawn: the broker's own where it lists the pair."""
        exchange = account.broker.exchange
        try:
            return exchange, await self._floor.catalog.resolve(exchange, signal.symbol_text)
        except UnknownSymbol:
            named = signal.exchange.lower()
            if not account.broker.quote or named == exchange or named not in self._floor.gateway.exchanges():
                raise
            return named, await self._floor.catalog.resolve(named, signal.symbol_text)

    async def _cross(self, account: Account, ours: Symbol, theirs: Symbol) -> Decimal | None:
        """What one unit of our quote costs in the alert's, by the broker's exchange; None when it lists no such pair."""
        our_quote, their_quote = ours.partition("/")[2], theirs.partition("/")[2]
        exchange, client = account.broker.exchange, self._floor.gateway.client_for(account.broker)
        direct = self._floor.catalog.known(exchange, f"{our_quote}/{their_quote}")
        if direct is not None:
            return await self._floor.prices.price(client, direct)
        inverse = self._floor.catalog.known(exchange, f"{their_quote}/{our_quote}")
        return divided(Decimal(1), await self._floor.prices.price(client, inverse)) if inverse is not None else None
