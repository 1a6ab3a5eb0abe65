"""What Bitget lists: symbols with their precisions and bounds, as the classic and as the unified interface tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aristobot.market import Instrument, InstrumentState
from aristobot.money import plain
from services.simulator.bitget_errors import Json

#: Per asset: a price in US dollars, the decimals of its price and of its quantity, the smallest order.
_ASSETS = {
    "BTC": ("60000", "2", "6", "0"),
    "ETH": ("3000", "2", "4", "0.0005"),
    "SOL": ("150", "2", "4", "0"),
    "BNB": ("600", "2", "4", "0"),
    "XRP": ("2", "4", "4", "0"),
    "DOGE": ("0.2", "5", "4", "0"),
}
_QUOTES = {"USDT": "1", "USDC": "1", "EUR": "1.08"}
STATUSES = ("online", "gray", "halt", "offline")
#: What an account without a rank pays; the catalogue's own rates are those of the dearest symbols.
FEE = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class BitgetSymbol:
    """One symbol: its two descriptions, and its rules ready to be asked."""

    name: str
    classic: Mapping[str, Any]
    unified: Mapping[str, Any]
    instrument: Instrument
    price_digits: int
    base_digits: int
    quote_digits: int
    min_quantity: Decimal
    min_dollars: Decimal
    most_above: Decimal
    most_below: Decimal
    max_limit_value: Decimal
    max_market_value: Decimal
    most_orders: int


def _default_symbol(base: str, quote: str) -> Json:
    _, price_digits, digits, least = _ASSETS[base]
    return {
        "symbol": base + quote,
        "baseCoin": base,
        "quoteCoin": quote,
        "minTradeAmount": least,
        "maxTradeAmount": "900000000000000000000",
        "takerFeeRate": "0.002",
        "makerFeeRate": "0.002",
        "pricePrecision": price_digits,
        "quantityPrecision": digits,
        "quotePrecision": "8",
        "status": "online",
        "minTradeUSDT": "1",
        "buyLimitPriceRatio": "0.02",
        "sellLimitPriceRatio": "0.02",
        "areaSymbol": "no",
        "orderQuantity": "200",
        "openTime": "1532454360000",
        "offTime": "",
        "maxLimitOrderValue": "20000000",
        "maxMarketOrderValue": "1000000",
    }


def default_symbols() -> list[Json]:
    """Six assets against three quotes."""
    return [_default_symbol(base, quote) for base in _ASSETS for quote in _QUOTES]


def dollars(asset: str) -> Decimal:
    """What an asset is worth to begin with; 1 for what we know nothing of."""
    return Decimal(_ASSETS[asset][0]) if asset in _ASSETS else Decimal(_QUOTES.get(asset, "1"))


def read_symbols(listed: Sequence[Mapping[str, Any]]) -> dict[str, BitgetSymbol]:
    """Read the `data` of a symbols answer (classic) or an instruments answer (unified), by name; only what is spot."""
    spot = [raw for raw in listed if raw.get("category", "SPOT") == "SPOT"]
    return {raw["symbol"]: _read(raw) for raw in spot}


def _read(raw: Mapping[str, Any]) -> BitgetSymbol:
    classic = _as_classic(raw) if "category" in raw else raw
    unified = raw if "category" in raw else _as_unified(raw)
    price_digits, base_digits = int(classic["pricePrecision"]), int(classic["quantityPrecision"])
    instrument = Instrument(
        exchange="bitget",
        symbol=f"{raw['baseCoin']}/{raw['quoteCoin']}",
        base=raw["baseCoin"],
        quote=raw["quoteCoin"],
        tick=Decimal(1).scaleb(-price_digits),
        lot=Decimal(1).scaleb(-base_digits),
        min_quantity=Decimal(classic["minTradeAmount"]),
        maker_fee=FEE,
        taker_fee=FEE,
        state=InstrumentState.TRADING if classic["status"] in ("online", "gray") else InstrumentState.HALTED,
    )
    return BitgetSymbol(
        name=raw["symbol"],
        classic=classic,
        unified=unified,
        instrument=instrument,
        price_digits=price_digits,
        base_digits=base_digits,
        quote_digits=int(classic["quotePrecision"]),
        min_quantity=instrument.min_quantity,
        min_dollars=Decimal(classic["minTradeUSDT"]),
        most_above=Decimal(classic["buyLimitPriceRatio"]),
        most_below=Decimal(classic["sellLimitPriceRatio"]),
        max_limit_value=Decimal(classic.get("maxLimitOrderValue", "20000000")),
        max_market_value=Decimal(classic.get("maxMarketOrderValue", "1000000")),
        most_orders=int(classic.get("orderQuantity", "200")),
    )


def _as_unified(raw: Mapping[str, Any]) -> Json:
    step = Decimal(1).scaleb(-int(raw["quantityPrecision"]))
    return {
        "symbol": raw["symbol"],
        "category": "SPOT",
        "baseCoin": raw["baseCoin"],
        "quoteCoin": raw["quoteCoin"],
        "buyLimitPriceRatio": raw["buyLimitPriceRatio"],
        "sellLimitPriceRatio": raw["sellLimitPriceRatio"],
        "minOrderQty": plain(max(step, Decimal(raw["minTradeAmount"]))),
        "maxOrderQty": "0",
        "pricePrecision": raw["pricePrecision"],
        "quantityPrecision": raw["quantityPrecision"],
        "quotePrecision": raw["quotePrecision"],
        "minOrderAmount": raw["minTradeUSDT"],
        "maxSymbolOrderNum": "400",
        "maxProductOrderNum": "400",
        "status": raw["status"] if raw["status"] in ("online", "offline") else "restrictedAPI",
        "maintainTime": "",
        "areaSymbol": raw.get("areaSymbol", "no"),
        "maxPositionNum": "200",
        "isReality": "no",
        "launchTime": raw.get("openTime", ""),
    }


def _as_classic(raw: Mapping[str, Any]) -> Json:
    same = ("symbol", "baseCoin", "quoteCoin", "pricePrecision", "quantityPrecision", "quotePrecision", "buyLimitPriceRatio")
    return (
        _default_symbol("BTC", "USDT")
        | {name: raw[name] for name in same}
        | {
            "sellLimitPriceRatio": raw["sellLimitPriceRatio"],
            "minTradeAmount": raw["minOrderQty"],
            "minTradeUSDT": raw["minOrderAmount"],
            "status": raw["status"] if raw["status"] in STATUSES else "halt",
            "areaSymbol": raw["areaSymbol"],
            "openTime": raw["launchTime"],
        }
    )
