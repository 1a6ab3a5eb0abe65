"""On which market an alert is carried out: its own, or the same base in the quote that the broker trades in."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from aristobot.errors import UnknownSymbol
from aristobot.market import Symbol
from aristobot.money import divided
from aristobot.signals import Signal
from services.alerts import OWNER
from services.broker_book import Account
from services.quote_remap import Remap, in_percent, needs_prices, remapped, symbol_in
from services.trading_floor import TradingFloor


class Chosen(NamedTuple):
    """Our symbol, and the alert in that market's prices."""

    symbol: Symbol
    signal: Signal


class MarketChoice:
    """Asks catalogue and price book; what the prices mean is decided in quote_remap.

    Our own price is always that of the exchange where the order goes. The alert's market has its price from there too, or,
    where that exchange does not list the pair, from the one that the alert names, else from `reference`.
    """

    def __init__(self, floor: TradingFloor, reference: str = "") -> None:
        self._floor = floor
        self._reference = reference

    def lane(self, account: Account, signal: Signal) -> str:
        """What alerts for the same market have in common, at once and from memory: its symbol, in the broker's own quote.

        A symbol not in memory yet goes by its spelling: its alerts can wait for the catalogue together.
        """
        known = self._floor.catalog.known(account.broker.exchange, signal.symbol_text)
        return symbol_in(known, account.broker.quote or known.partition("/")[2]) if known else signal.symbol_text.upper()

    async def of(self, account: Account, signal: Signal) -> Chosen:
        """Where and at which prices `account` carries out `signal`. Raises what `symbol` and `priced` raise."""
        symbol = await self.symbol(account, signal)
        return Chosen(symbol, await self.priced(account, signal, symbol))

    async def symbol(self, account: Account, signal: Signal) -> Symbol:
        """The market alone, without asking for a price. An exit finds what was bought before the broker's quote was changed.

        Raises UnknownSymbol, DataError, ExchangeError.
        """
        _, theirs = await self._alerts_market(account, signal)
        exchange, wanted = account.broker.exchange, account.broker.quote
        if not wanted or theirs.partition("/")[2] == wanted:
            return theirs
        if not signal.is_entry:
            held = await self._floor.positions.of(account)
            if held.open_one(theirs, OWNER) and not held.open_one(symbol_in(theirs, wanted), OWNER):
                return theirs
        return await self._floor.catalog.resolve(exchange, symbol_in(theirs, wanted))

    async def priced(self, account: Account, signal: Signal, symbol: Symbol) -> Signal:
        """The alert in the prices of `symbol`. Raises RiskRefused (quote_remap), ExchangeError when a price cannot be had."""
        if not needs_prices(signal):
            return signal
        source, theirs = await self._alerts_market(account, signal)
        exchange = account.broker.exchange
        if (source, theirs) == (exchange, symbol):
            return signal
        client = self._floor.gateway.client_for(account.broker)
        remap = Remap(
            alerts=theirs,
            alerts_price=await self._floor.prices.price(self._floor.gateway.client(source), theirs),
            ours=await self._floor.catalog.instrument(exchange, symbol),
            our_price=await self._floor.prices.price(client, symbol),
            cross=await self._cross(account, symbol, theirs),
        )
        return remapped(signal, remap, account.limits.remap_divergence_percent)

    async def exits_for(self, account: Account, signal: Signal, symbol: Symbol) -> Signal:
        """The alert's exits for what it bought some time ago: as far from the entry as the alert had them from its own price.

        The two markets may have drifted apart since; only of an alert that named no price is the present ratio asked for.
        """
        source, theirs = await self._alerts_market(account, signal)
        if (source, theirs) == (account.broker.exchange, symbol) or signal.price is None:
            return await self.priced(account, signal, symbol)
        return in_percent(signal, signal.price)

    async def _alerts_market(self, account: Account, signal: Signal) -> tuple[str, Symbol]:
        """The exchange and the symbol on which the alert was drawn: the broker's own where it lists the pair."""
        exchange = account.broker.exchange
        try:
            return exchange, await self._floor.catalog.resolve(exchange, signal.symbol_text)
        except UnknownSymbol:
            known = self._floor.gateway.exchanges()
            others = [one for one in (signal.exchange.lower(), self._reference) if one in known and one != exchange]
            if not account.broker.quote or not others:
                raise
            return others[0], await self._floor.catalog.resolve(others[0], signal.symbol_text)

    async def _cross(self, account: Account, ours: Symbol, theirs: Symbol) -> Decimal | None:
        """What one unit of our quote costs in the alert's, by the broker's exchange; None when it lists no such pair."""
        our_quote, their_quote = ours.partition("/")[2], theirs.partition("/")[2]
        exchange, client = account.broker.exchange, self._floor.gateway.client_for(account.broker)
        direct = self._floor.catalog.known(exchange, f"{our_quote}/{their_quote}")
        if direct is not None:
            return await self._floor.prices.price(client, direct)
        inverse = self._floor.catalog.known(exchange, f"{their_quote}/{our_quote}")
        return divided(Decimal(1), await self._floor.prices.price(client, inverse)) if inverse is not None else None
