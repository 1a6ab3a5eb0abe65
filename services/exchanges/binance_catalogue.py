"""Binance's catalogue (`exchangeInfo`) in our words, and the only place where its concatenated names are split. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

import msgspec

from aristobot.errors import DataError
from aristobot.market import Instrument, InstrumentState, Symbol
from aristobot.money import amount
from aristobot.orders import OrderType
from services.exchanges.answers import UnlistedSymbol
from services.exchanges.binance_errors import NAME
from services.exchanges.binance_wire import check, decoded

_STATES = {"TRADING": InstrumentState.TRADING, "CANCEL_ONLY": InstrumentState.CANCEL_ONLY}
_MOST_PLACES = 30


class Filter(msgspec.Struct, rename="camel", gc=False):
    """One rule of a symbol: the fields of those we use, zero where it is not the one."""

    filter_type: str = ""
    tick_size: str = "0"
    min_qty: str = "0"
    max_qty: str = "0"
    step_size: str = "0"
    min_notional: str = "0"
    max_notional: str = "0"


class NativeSymbol(msgspec.Struct, rename="camel", gc=False):
    """One symbol of the catalogue. The kinds of orders stay as they were written: hardly two lists of them differ."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    quote_asset_precision: int = 8
    order_types: msgspec.Raw = msgspec.Raw(b"[]")
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
_KINDS = msgspec.json.Decoder(list[str])
_KNOWN_TYPES = {kind.name: kind.value for kind in OrderType}
_NO_RULE = Filter()


class Listed(msgspec.Struct, frozen=True, gc=False):
    """One row in our words; without an instrument where it is not for spot."""

    native: str
    symbol: Symbol
    instrument: Instrument | None
    opo_allowed: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the exchange lists: instruments for spot, and the names of everything."""

    instruments: list[Instrument] = field(default_factory=list)
    ours: dict[str, Symbol] = field(default_factory=dict)
    native: dict[Symbol, str] = field(default_factory=dict)
    opo_allowed: frozenset[Symbol] = frozenset()
    rows: Mapping[bytes, Listed] = field(default_factory=dict)

    def native_of(self, symbol: Symbol) -> str:
        """Their spelling; for a symbol listed since the catalogue was read, base and quote run together."""
        return self.native.get(symbol) or symbol.replace("/", "")

    def symbol_of(self, native: str) -> Symbol:
        """Our spelling; raise UnlistedSymbol when the catalogue does not know it, since a suffix is never guessed."""
        try:
            return self.ours[native]
        except KeyError:
            raise UnlistedSymbol(exchange=NAME, value=native[:40]) from None


def read_catalogue(body: bytes, before: Catalogue | None = None) -> Catalogue:
    """The whole answer; costs some milliseconds for a full catalogue, so hand it to a thread.

    Rows that stand in the one `before` to the letter are taken over from there.
    """
    known = before.rows if before else {}
    rows = {text: known[text] if text in known else _listed(text) for text in map(bytes, decoded(_INFO, body).symbols)}
    listed = rows.values()
    return Catalogue(
        [one.instrument for one in listed if one.instrument is not None],
        {one.native: one.symbol for one in listed},
        {one.symbol: one.native for one in listed},
        frozenset([one.symbol for one in listed if one.opo_allowed]),
        rows,
    )


def _listed(text: bytes) -> Listed:
    one = decoded(_SYMBOL, text)
    symbol = f"{one.base_asset}/{one.quote_asset}"
    return Listed(one.symbol, symbol, _instrument(one, symbol) if one.is_spot_trading_allowed else None, one.opo_allowed)


def _instrument(one: NativeSymbol, symbol: Symbol) -> Instrument:
    price = lot = market = value = _NO_RULE
    for rule in one.filters:
        kind = rule.filter_type
        if kind == "PRICE_FILTER":
            price = rule
        elif kind == "LOT_SIZE":
            lot = rule
        elif kind == "MARKET_LOT_SIZE":
            market = rule
        elif kind == "NOTIONAL" or (kind == "MIN_NOTIONAL" and value is _NO_RULE):
            value = rule
    return Instrument(  # by position as far as names go without saying: they would cost more than all the rest
        NAME,
        symbol,
        one.base_asset,
        one.quote_asset,
        _amount(price.tick_size),
        _amount(lot.step_size),
        _amount(lot.min_qty),
        _amount(lot.max_qty),
        _amount(market.step_size),
        _amount(market.max_qty),
        _amount(value.min_notional),
        _amount(value.max_notional),
        _step(one.quote_asset_precision),
        state=_STATES.get(one.status, InstrumentState.HALTED),
        order_types=_kinds(bytes(one.order_types)),
        oco_allowed=one.oco_allowed,
        otoco_allowed=one.oto_allowed,
    )


@lru_cache(maxsize=4096)
def _amount(text: str) -> Decimal:
    """Steps and bounds are the same for hundreds of symbols: each is read once."""
    found = amount(text)
    check(found)
    return found


@lru_cache(maxsize=_MOST_PLACES + 1)
def _step(places: int) -> Decimal:
    if not 0 <= places <= _MOST_PLACES:
        raise DataError("impossible_amount", exchange=NAME, field="quoteAssetPrecision", value=places)
    return Decimal(1).scaleb(-places)


@lru_cache(maxsize=64)
def _kinds(names: bytes) -> frozenset[str]:
    return frozenset(_KNOWN_TYPES[kind] for kind in decoded(_KINDS, names) if kind in _KNOWN_TYPES)
