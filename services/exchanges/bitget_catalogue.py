"""Bitget's catalogue in our words, and the only place where its concatenated names are split. Pure.

Both protocols list the same pairs. The classic list is the richer one (fees, largest values): it is the one that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from aristobot.errors import DataError
from aristobot.market import Instrument, InstrumentState, Symbol
from aristobot.money import WIDE, ZERO, round_down, round_up, times
from aristobot.orders import OrderType
from services.exchanges.answers import UnlistedSymbol
from services.exchanges.bitget_errors import NAME
from services.exchanges.bitget_wire import Reply, decoded, number

#: Smallest and largest values are in this coin whatever a pair is quoted in; coins worth about the same need no conversion.
DOLLAR = "USDT"
_DOLLARS = frozenset({DOLLAR, "USDC", "USD", "USDE", "FDUSD", "BGUSD"})
#: A converted smallest value is taken so much larger: the prices it was made with move.
_MARGIN = Decimal("1.05")
#: Beyond this an amount is no limit, and too long for the store.
_NO_LIMIT = Decimal(10) ** 18
_DEFAULT_FEE = Decimal("0.002")
_DEFAULT_BAND = Decimal("0.02")
_TRADING, _HALTED = InstrumentState.TRADING, InstrumentState.HALTED
_ORDER_TYPES = frozenset(kind.value for kind in OrderType)


class NativeSymbol(msgspec.Struct, rename="camel", gc=False):
    """One pair of the catalogue; what only one of the protocols says is empty in the other."""

    symbol: str
    base_coin: str
    quote_coin: str
    price_precision: str
    quantity_precision: str
    status: str
    quote_precision: str = "8"
    min_trade_amount: str = ""
    min_order_qty: str = ""
    max_trade_amount: str = ""
    max_order_qty: str = ""
    # Camel case would make it minTradeUsdt.
    min_trade_usdt: str = msgspec.field(default="", name="minTradeUSDT")
    min_order_amount: str = ""
    max_limit_order_value: str = ""
    taker_fee_rate: str = ""
    maker_fee_rate: str = ""
    buy_limit_price_ratio: str = ""


class LastPrice(msgspec.Struct, rename="camel", gc=False):
    """The last price of a pair: of a ticker, what the catalogue needs."""

    symbol: str
    last_pr: str = "0"


_SYMBOLS = msgspec.json.Decoder(Reply[list[msgspec.Raw]])
_SYMBOL = msgspec.json.Decoder(NativeSymbol)
_PRICES = msgspec.json.Decoder(Reply[list[LastPrice]])


class Row(msgspec.Struct, frozen=True, gc=False):
    """One pair as it came, and in our words where no prices are needed for that."""

    native: NativeSymbol
    instrument: Instrument | None


#: What was listed, by its text.
Rows = Mapping[bytes, Row]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the exchange lists, in our words, and as it came, by its own names."""

    instruments: list[Instrument] = field(default_factory=list)
    natives: Mapping[str, NativeSymbol] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)

    def symbol_of(self, native: str) -> Symbol:
        """Our spelling; raise UnlistedSymbol when the catalogue does not know it, since a suffix is never guessed."""
        one = self._listed(native)
        return f"{one.base_coin}/{one.quote_coin}"

    def highest_buy(self, symbol: Symbol, offered: Decimal) -> Decimal:
        """Half as far above the best offer as a limit buy may lie, rounded down to the tick. Raises UnlistedSymbol."""
        one = self._listed(native_of(symbol))
        band = WIDE.divide(number(one.buy_limit_price_ratio) or _DEFAULT_BAND, Decimal(2))
        return round_down(offered + times(offered, band), _STEPS[one.price_precision])

    def _listed(self, native: str) -> NativeSymbol:
        found = self.natives.get(native)
        if found is None:
            raise UnlistedSymbol(exchange=NAME, value=native[:40])
        return found


def native_of(symbol: Symbol) -> str:
    """Their spelling: base and quote run together."""
    return symbol.replace("/", "")


def read_symbols(body: bytes, before: Catalogue | None = None) -> Rows:
    """The list as it came; pairs that stand in the catalogue `before` to the letter are taken over from there."""
    known, figures, limits = before.rows if before else {}, _Figures(), _Limits()
    texts = map(bytes, decoded(_SYMBOLS, body).data)
    return {text: known[text] if text in known else _row(text, figures, limits) for text in texts}


def needs_prices(listed: Rows) -> bool:
    """Whether something is quoted in a coin that is no dollar, so that its smallest value has to be converted."""
    return any(row.instrument is None for row in listed.values())


def read_at_once(body: bytes, before: Catalogue | None = None) -> Catalogue | Rows:
    """The catalogue, or the bare list when prices are needed to make one of it. Milliseconds: hand it to a thread."""
    listed = read_symbols(body, before)
    return listed if needs_prices(listed) else read_catalogue(listed)


def read_catalogue(listed: Rows, prices: bytes = b"") -> Catalogue:
    """The list in our words, with `prices` (all tickers) to convert by. Milliseconds: hand it to a thread."""
    rates = _rates(prices, {row.native.quote_coin for row in listed.values() if row.instrument is None}) if prices else {}
    figures, limits = _Figures(), _Limits()
    return Catalogue(
        [row.instrument or _instrument(row.native, rates, figures, limits) for row in listed.values()],
        {row.native.symbol: row.native for row in listed.values()},
        listed,
    )


def _row(text: bytes, figures: _Figures, limits: _Limits) -> Row:
    one = decoded(_SYMBOL, text)
    return Row(one, _instrument(one, {}, figures, limits) if one.quote_coin in _DOLLARS else None)


class _Figures(dict[str, Decimal]):
    """Amounts by their text: thousands of pairs share a few dozen."""

    def __missing__(self, text: str) -> Decimal:
        self[text] = value = number(text)
        return value


class _Limits(dict[str, Decimal]):
    """Largest amounts by their text; zero, no rule, for those that are none."""

    def __missing__(self, text: str) -> Decimal:
        value = number(text)
        self[text] = limit = value if value < _NO_LIMIT else ZERO
        return limit


class _Steps(dict[str, Decimal]):
    """10 to the minus so many places."""

    def __missing__(self, places: str) -> Decimal:
        raise DataError("impossible_amount", exchange=NAME, field="precision", value=places[:40])


_STEPS = _Steps({str(places): Decimal(1).scaleb(-places) for places in range(31)})


def _rates(prices: bytes, coins: set[str]) -> dict[str, Decimal]:
    """What one of each coin is worth in dollars, where it has a market against them."""
    wanted = {coin + DOLLAR: coin for coin in coins}
    return {wanted[one.symbol]: number(one.last_pr) for one in decoded(_PRICES, prices).data if one.symbol in wanted}


def _instrument(one: NativeSymbol, rates: Mapping[str, Decimal], figures: _Figures, limits: _Limits) -> Instrument:
    """A smallest value in dollars is converted; one that the unified protocol gives is in the quote coin already."""
    base, quote, tick = one.base_coin, one.quote_coin, _STEPS[one.price_precision]
    in_dollars = quote in _DOLLARS
    smallest = figures[one.min_order_amount or one.min_trade_usdt]
    if smallest and not in_dollars and not one.min_order_amount:
        smallest = _in_quote(smallest, rates.get(quote, ZERO), tick)
    return Instrument(  # by position as far as names go without saying: they would cost more than all the rest
        NAME,
        f"{base}/{quote}",
        base,
        quote,
        tick,
        _STEPS[one.quantity_precision],
        figures[one.min_trade_amount or one.min_order_qty],
        limits[one.max_trade_amount or one.max_order_qty],
        ZERO,
        ZERO,
        smallest,
        limits[one.max_limit_order_value] if in_dollars else ZERO,
        _STEPS[one.quote_precision],
        figures[one.maker_fee_rate] if one.maker_fee_rate else _DEFAULT_FEE,
        figures[one.taker_fee_rate] if one.taker_fee_rate else _DEFAULT_FEE,
        _TRADING if one.status == "online" else _HALTED,
        _ORDER_TYPES,
        price_band=figures[one.buy_limit_price_ratio] or _DEFAULT_BAND,
    )


def _in_quote(dollars: Decimal, rate: Decimal, step: Decimal) -> Decimal:
    """A value given in dollars, in a coin of that price; zero, no rule that we know, where it has none."""
    return round_up(WIDE.divide(times(dollars, _MARGIN), rate), step) if rate else ZERO
