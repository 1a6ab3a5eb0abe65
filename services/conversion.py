"""How one asset becomes another over pairs that an exchange lists, and at which rate by the prices in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import combinations

from aristobot.market import Symbol
from aristobot.money import divided, kept, times
from services.market_catalog import MarketCatalog
from services.price_book import PriceBook

#: Assets by whose pairs another asset finds a price, where nobody quotes it directly.
_BRIDGES = ("USDT", "USDC", "USD", "EUR", "BTC")
#: No limit is told by a price older than this, in seconds. What that needs is watched: so old is what nobody quotes any more.
OLDEST = 3600.0

#: Pairs by which one asset becomes another, in order; True where the pair is read backwards.
Path = tuple[tuple[Symbol, bool], ...]


def path_between(asset: str, target: str, listed: Callable[[Symbol], bool]) -> Path | None:
    """The shortest way from an asset to another over listed pairs: nothing, one pair, or two by way of a bridge."""
    if asset == target:
        return ()
    direct = _step(asset, target, listed)
    if direct is not None:
        return (direct,)
    for bridge in _BRIDGES:
        if bridge in (asset, target):
            continue
        first, second = _step(asset, bridge, listed), _step(bridge, target, listed)
        if first is not None and second is not None:
            return (first, second)
    return None


def _step(asset: str, target: str, listed: Callable[[Symbol], bool]) -> tuple[Symbol, bool] | None:
    if listed(f"{asset}/{target}"):
        return f"{asset}/{target}", False
    return (f"{target}/{asset}", True) if listed(f"{target}/{asset}") else None


def rate_over(path: Path | None, prices: Mapping[Symbol, Decimal]) -> Decimal | None:
    """What one unit becomes over a path; None without one, and when one of its pairs has no price."""
    if path is None:
        return None
    rate = Decimal(1)
    for symbol, backwards in path:
        price = prices.get(symbol)
        if not price:
            return None
        rate = divided(rate, price) if backwards else times(rate, price)
    return kept(rate)


class Conversion:
    """Rates between assets at one exchange after the other, from memory alone and at once."""

    def __init__(self, catalog: MarketCatalog, prices: PriceBook) -> None:
        self._catalog = catalog
        self._prices = prices

    def path(self, exchange: str, asset: str, target: str) -> Path | None:
        """As `path_between`, over the pairs that this exchange lists."""
        return path_between(asset, target, lambda symbol: self._catalog.listed(exchange, symbol) is not None)

    def rate(self, exchange: str, asset: str, target: str) -> Decimal | None:
        """What one unit of an asset is in another; None when no way there has a price of the last hour."""
        path = self.path(exchange, asset, target)
        known = {symbol: self._prices.last(exchange, symbol, OLDEST) for symbol, _ in path or ()}
        return rate_over(path, {symbol: price for symbol, price in known.items() if price})

    def pairs(self, exchange: str, assets: Iterable[str]) -> set[Symbol]:
        """The pairs whose prices turn each of these assets into each other."""
        paths = (self.path(exchange, one, other) for one, other in combinations(sorted(assets), 2))
        return {symbol for path in paths if path for symbol, _ in path}
