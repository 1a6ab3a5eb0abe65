"""What Binance lists: symbols with their filters. A default catalogue, or a real exchangeInfo answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aristobot.market import Instrument, InstrumentState
from aristobot.money import ZERO

ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
#: Per asset: a price in US dollars, the tick against dollars, the lot, the largest market order in lots.
_ASSETS = {
    "BTC": ("60000", "0.01", "0.00001", "120"),
    "ETH": ("3000", "0.01", "0.0001", "3000"),
    "SOL": ("150", "0.01", "0.001", "40000"),
    "BNB": ("600", "0.01", "0.001", "3000"),
    "XRP": ("2", "0.0001", "0.1", "2000000"),
    "DOGE": ("0.2", "0.00001", "1", "9000000"),
}
_QUOTES = {"USDT": "1", "USDC": "1", "EUR": "1.08"}
_STATES = {"TRADING": InstrumentState.TRADING, "CANCEL_ONLY": InstrumentState.CANCEL_ONLY}


@dataclass(frozen=True, slots=True)
class BinanceSymbol:
    """One symbol: what exchangeInfo says of it, and its filters ready to be asked."""

    name: str
    raw: Mapping[str, Any]
    instrument: Instrument
    filters: Mapping[str, Mapping[str, Any]]
    order_types: frozenset[str]
    min_price: Decimal
    max_price: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    max_market_quantity: Decimal
    market_step: Decimal
    min_notional: Decimal
    max_notional: Decimal
    min_applies_to_market: bool
    bands: tuple[Decimal, Decimal, Decimal, Decimal] | None

    def allows(self, feature: str) -> bool:
        """A yes or no of exchangeInfo."""
        return bool(self.raw.get(feature, False))


def _text(value: str | Decimal) -> str:
    return f"{Decimal(value):.8f}"


def _default_filters(asset: str) -> list[dict[str, Any]]:
    _, tick, lot, most = _ASSETS[asset]
    return [
        {"filterType": "PRICE_FILTER", "minPrice": _text(tick), "maxPrice": "1000000.00000000", "tickSize": _text(tick)},
        {"filterType": "LOT_SIZE", "minQty": _text(lot), "maxQty": _text(Decimal(lot) * 900_000_000), "stepSize": _text(lot)},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": _text(most), "stepSize": "0.00000000"},
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": "5.00000000",
            "applyMinToMarket": True,
            "maxNotional": "9000000.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
    ]


def _default_symbol(base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _default_filters(base),
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def default_symbols() -> list[dict[str, Any]]:
    """Six assets against three quotes, with filters as Binance has them."""
    return [_default_symbol(base, quote) for base in _ASSETS for quote in _QUOTES]


def starting_price(base: str, quote: str) -> Decimal:
    """A price to begin with; 1 for what we know nothing of."""
    dollars = Decimal(_ASSETS[base][0]) if base in _ASSETS else Decimal(_QUOTES.get(base, "1"))
    quoted = Decimal(_ASSETS[quote][0]) if quote in _ASSETS else Decimal(_QUOTES.get(quote, "1"))
    return dollars / quoted


def read_symbols(listed: Sequence[Mapping[str, Any]]) -> dict[str, BinanceSymbol]:
    """Read the `symbols` of an exchangeInfo answer, by name."""
    return {symbol["symbol"]: _read(symbol) for symbol in listed}


def _read(raw: Mapping[str, Any]) -> BinanceSymbol:
    filters = {one["filterType"]: one for one in raw["filters"]}
    price, lot = filters.get("PRICE_FILTER", {}), filters.get("LOT_SIZE", {})
    market = filters.get("MARKET_LOT_SIZE", {})
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL", {})
    step = Decimal(lot.get("stepSize", "0.00000001")) or Decimal("0.00000001")
    minimum, largest = Decimal(lot.get("minQty", 0)), Decimal(lot.get("maxQty", 0))
    instrument = Instrument(
        exchange="binance",
        symbol=f"{raw['baseAsset']}/{raw['quoteAsset']}",
        base=raw["baseAsset"],
        quote=raw["quoteAsset"],
        tick=Decimal(price.get("tickSize", "0.00000001")) or Decimal("0.00000001"),
        lot=step,
        min_quantity=minimum,
        max_quantity=largest,
        min_notional=Decimal(notional.get("minNotional", 0)),
        state=_STATES.get(raw["status"], InstrumentState.HALTED),
    )
    return BinanceSymbol(
        name=raw["symbol"],
        raw=raw,
        instrument=instrument,
        filters=filters,
        order_types=frozenset(raw["orderTypes"]),
        min_price=Decimal(price.get("minPrice", 0)),
        max_price=Decimal(price.get("maxPrice", 0)),
        min_quantity=minimum,
        max_quantity=largest,
        max_market_quantity=Decimal(market.get("maxQty", 0)),
        market_step=Decimal(market.get("stepSize", 0)),
        min_notional=Decimal(notional.get("minNotional", 0)),
        max_notional=Decimal(notional.get("maxNotional", 0)),
        min_applies_to_market=bool(notional.get("applyMinToMarket", notional.get("applyToMarket", True))),
        bands=_bands(filters),
    )


def _bands(filters: Mapping[str, Mapping[str, Any]]) -> tuple[Decimal, Decimal, Decimal, Decimal] | None:
    by_side, both = filters.get("PERCENT_PRICE_BY_SIDE"), filters.get("PERCENT_PRICE")
    if by_side is not None:
        names = ("bidMultiplierDown", "bidMultiplierUp", "askMultiplierDown", "askMultiplierUp")
        low, high, ask_low, ask_high = (Decimal(by_side[name]) for name in names)
        return low, high, ask_low, ask_high
    if both is not None:
        low, high = Decimal(both["multiplierDown"]), Decimal(both["multiplierUp"])
        return low, high, low, high
    return None


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether a value lies on the grid of a step; no step, no grid."""
    return not step or value % step == ZERO
