"""Binance's catalogue (`exchangeInfo`) in our words, and the only place where its concatenated names are split. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from aristobot.errors import DataError
from aristobot.market import Instrument, InstrumentState, Symbol
from aristobot.money import ZERO
from aristobot.orders import OrderType
from services.exchanges.binance_wire import check, decoded

_STATES = {"TRADING": InstrumentState.TRADING, "CANCEL_ONLY": InstrumentState.CANCEL_ONLY}
_FEWEST_PLACES, _MOST_PLACES = 0, 30


class Filter(msgspec.Struct, rename="camel"):
    """One rule of a symbol: the fields of those we use, zero where it is not the one."""

    filter_type: str = ""
    tick_size: Decimal = ZERO
    min_qty: Decimal = ZERO
    max_qty: Decimal = ZERO
    step_size: Decimal = ZERO
    min_notional: Decimal = ZERO
    max_notional: Decimal = ZERO


class NativeSymbol(msgspec.Struct, rename="camel"):
    """One symbol of the catalogue."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    quote_asset_precision: int = 8
    order_types: list[str] = []
    oco_allowed: bool = False
    oto_allowed: bool = False
    opo_allowed: bool = False
    is_spot_trading_allowed: bool = True
    filters: list[Filter] = []


class ExchangeInfo(msgspec.Struct):
    """The catalogue, its symbols not yet decoded: one after the other they do not hold up the rest of the house."""

    symbols: list[msgspec.Raw]


_INFO = msgspec.json.Decoder(ExchangeInfo)
_SYMBOL = msgspec.json.Decoder(NativeSymbol)
_KNOWN_TYPES = {kind.name: kind.value for kind in OrderType}
_NO_RULE = Filter()


class UnlistedSymbol(DataError):
    """A symbol that the catalogue at hand does not list."""

    default_code = "unlisted_symbol"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the exchange lists: instruments for spot, and the names of everything."""

    instruments: list[Instrument] = field(default_factory=list)
    ours: dict[str, Symbol] = field(default_factory=dict)
    native: dict[Symbol, str] = field(default_factory=dict)
    opo_allowed: frozenset[Symbol] = frozenset()

    def native_of(self, symbol: Symbol) -> str:
        """Their spelling; for a symbol listed since the catalogue was read, base and quote run together."""
        return self.native.get(symbol) or symbol.replace("/", "")

    def symbol_of(self, native: str) -> Symbol:
        """Our spelling; raise UnlistedSymbol when the catalogue does not know it, since a suffix is never guessed."""
        try:
            return self.ours[native]
        except KeyError:
            raise UnlistedSymbol(exchange="binance", value=native[:40]) from None


def read_catalogue(body: bytes) -> Catalogue:
    """The whole answer; costs some ten milliseconds for a full catalogue, so hand it to a thread."""
    listed = [decoded(_SYMBOL, raw) for raw in decoded(_INFO, body).symbols]
    names = {one.symbol: f"{one.base_asset}/{one.quote_asset}" for one in listed}
    return Catalogue(
        instruments=[_instrument(one) for one in listed if one.is_spot_trading_allowed],
        ours=names,
        native={ours: theirs for theirs, ours in names.items()},
        opo_allowed=frozenset(names[one.symbol] for one in listed if one.opo_allowed),
    )


def _instrument(one: NativeSymbol) -> Instrument:
    rules = {rule.filter_type: rule for rule in one.filters}
    price, lot = rules.get("PRICE_FILTER", _NO_RULE), rules.get("LOT_SIZE", _NO_RULE)
    market = rules.get("MARKET_LOT_SIZE", _NO_RULE)
    value = rules.get("NOTIONAL") or rules.get("MIN_NOTIONAL", _NO_RULE)
    check(price.tick_size, lot.step_size, lot.min_qty, lot.max_qty, market.step_size, market.max_qty)
    check(value.min_notional, value.max_notional)
    if not _FEWEST_PLACES <= one.quote_asset_precision <= _MOST_PLACES:
        raise DataError("impossible_amount", exchange="binance", field="quoteAssetPrecision", value=one.quote_asset_precision)
    return Instrument(
        exchange="binance",
        symbol=f"{one.base_asset}/{one.quote_asset}",
        base=one.base_asset,
        quote=one.quote_asset,
        tick=price.tick_size,
        lot=lot.step_size,
        min_quantity=lot.min_qty,
        max_quantity=lot.max_qty,
        market_lot=market.step_size,
        max_market_quantity=market.max_qty,
        min_notional=value.min_notional,
        max_notional=value.max_notional,
        quote_step=Decimal(1).scaleb(-one.quote_asset_precision),
        state=_STATES.get(one.status, InstrumentState.HALTED),
        order_types=frozenset(_KNOWN_TYPES[kind] for kind in one.order_types if kind in _KNOWN_TYPES),
        oco_allowed=one.oco_allowed,
        otoco_allowed=one.oto_allowed,
    )
