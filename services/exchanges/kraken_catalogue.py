"""Kraken's catalogue in our words, and the only place where its names are read: XBT is BTC, XDG is DOGE. Pure.

One pair has three spellings of theirs (`XXBTZUSD`, `XBTUSD`, `XBT/USD`); ours, `BTC/USD`, is what its sockets say, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from aristobot.errors import DataError
from aristobot.market import Instrument, InstrumentState, Symbol
from aristobot.money import HUNDRED, ZERO
from aristobot.orders import OrderType
from services.exchanges.answers import UnlistedSymbol
from services.exchanges.kraken_errors import NAME
from services.exchanges.kraken_wire import Answer, read, real, result_of

_OURS = {"XBT": "BTC", "XDG": "DOGE"}
_STEPS = tuple(Decimal(1).scaleb(-places) for places in range(31))
#: Of an account without volume: the catalogue names none any more.
MAKER_FEE, TAKER_FEE = Decimal("0.0025"), Decimal("0.0040")
_ALL_TYPES = frozenset(kind.value for kind in OrderType)
_LIMITS = frozenset({OrderType.LIMIT.value, OrderType.LIMIT_MAKER.value})
_MODES = {
    "online": (InstrumentState.TRADING, _ALL_TYPES),
    "limit_only": (InstrumentState.TRADING, _LIMITS),
    "post_only": (InstrumentState.TRADING, frozenset({OrderType.LIMIT_MAKER.value})),
    "reduce_only": (InstrumentState.CANCEL_ONLY, _ALL_TYPES),
    "cancel_only": (InstrumentState.CANCEL_ONLY, _ALL_TYPES),
}
_CLOSED = (InstrumentState.HALTED, _ALL_TYPES)


_NONE = msgspec.Raw(b'"0"')


class NativePair(msgspec.Struct, gc=False):
    """One pair of the catalogue. Without a `wsname` it is not for everybody."""

    altname: str
    base: str
    quote: str
    wsname: str = ""
    status: str = "online"
    pair_decimals: int = 8
    lot_decimals: int = 8
    cost_decimals: int = 8
    ordermin: msgspec.Raw = _NONE
    costmin: msgspec.Raw = _NONE
    tick_size: msgspec.Raw = _NONE
    fees: msgspec.Raw = msgspec.Raw(b"[]")
    fees_maker: msgspec.Raw = msgspec.Raw(b"[]")


class NativeAsset(msgspec.Struct):
    """One asset: the name people know it by."""

    altname: str


_PAIRS = msgspec.json.Decoder(Answer[dict[str, msgspec.Raw]])
_PAIR = msgspec.json.Decoder(NativePair)
_AMOUNT = msgspec.json.Decoder(Decimal)
_RATES = msgspec.json.Decoder(list[tuple[Decimal, Decimal]])
_ASSETS = msgspec.json.Decoder(Answer[dict[str, NativeAsset]])


class Listed(msgspec.Struct, frozen=True, gc=False):
    """One pair in our words, what else it is called, and what they call its two assets."""

    instrument: Instrument
    altname: str
    wsname: str
    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the exchange lists: instruments, every spelling of their names, and the names of assets."""

    instruments: list[Instrument] = field(default_factory=list)
    ours: dict[str, Symbol] = field(default_factory=dict)
    native: dict[Symbol, str] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)
    rows: dict[bytes, Listed | None] = field(default_factory=dict)

    def native_of(self, symbol: Symbol) -> str:
        """Their spelling; for a pair listed since the catalogue was read ours, which most calls take as well."""
        return self.native.get(symbol, symbol)

    def symbol_of(self, native: str) -> Symbol:
        """Our spelling of any of theirs; raise UnlistedSymbol when the catalogue knows none."""
        found = self.ours.get(native)
        if found is None:
            raise UnlistedSymbol(exchange=NAME, value=native[:40])
        return found

    def asset_of(self, native: str) -> str:
        """Our name of an asset. Staked and earning variants (`ETH2.S`, `USD.M`) keep theirs: they cannot be sold."""
        return self.assets.get(native) or common_name(native)


def common_name(name: str) -> str:
    """The name the rest of the world uses."""
    return _OURS.get(name, name)


def our_symbol(name: str) -> Symbol:
    """Our symbol for one of theirs with a slash: its sockets say BTC where the catalogue says XBT."""
    base, slash, quote = name.partition("/")
    return f"{common_name(base)}{slash}{common_name(quote)}"


def mode_of(status: str) -> tuple[InstrumentState, frozenset[str]]:
    """Whether a pair in this state may be traded, and by which orders; closed in one that we do not know."""
    return _MODES.get(status, _CLOSED)


def read_catalogue(pairs: bytes, assets: bytes, before: Catalogue | None = None) -> Catalogue:
    """Both answers; costs some milliseconds for a full catalogue, so hand it to a thread.

    Pairs that stand in the one `before` to the letter are taken over from there.
    """
    catalogue = Catalogue(assets={name: common_name(one.altname) for name, one in result_of(_ASSETS, assets).items()})
    known, ours = before.rows if before else {}, catalogue.ours
    amounts, makers, takers = _Amounts(), _Rates(MAKER_FEE), _Rates(TAKER_FEE)
    for key, text in ((key, bytes(raw)) for key, raw in result_of(_PAIRS, pairs).items()):
        one = catalogue.rows[text] = known[text] if text in known else _listed(text, amounts, makers, takers)
        if one is None:
            continue
        instrument = one.instrument
        symbol = instrument.symbol
        ours[key] = ours[one.altname] = ours[one.wsname] = ours[symbol] = symbol
        catalogue.native[symbol] = one.altname
        catalogue.assets.setdefault(one.base, instrument.base)
        catalogue.assets.setdefault(one.quote, instrument.quote)
        catalogue.instruments.append(instrument)
    return catalogue


def _listed(text: bytes, amounts: _Amounts, makers: _Rates, takers: _Rates) -> Listed | None:
    """One pair; None when it is not for everybody."""
    pair = read(_PAIR, text)
    base, slash, quote = pair.wsname.partition("/")
    if not slash:
        return None
    instrument = _instrument(pair, common_name(base), common_name(quote), (amounts, makers, takers))
    return Listed(instrument, pair.altname, pair.wsname, pair.base, pair.quote)


class _Amounts(dict[bytes, Decimal]):
    """Steps and bounds by their text, which hundreds of pairs share."""

    def __missing__(self, text: bytes) -> Decimal:
        value = read(_AMOUNT, text)
        real(value)
        self[text] = value
        return value


class _Rates(dict[bytes, Decimal]):
    """The rate of an account without volume, the first of a table of fees; the usual one of an empty table."""

    def __init__(self, usual: Decimal) -> None:
        super().__init__()
        self._usual = usual

    def __missing__(self, table: bytes) -> Decimal:
        rows = read(_RATES, table)
        real(*[rate for _, rate in rows[:1]])
        self[table] = rate = rows[0][1] / HUNDRED if rows else self._usual
        return rate


def _instrument(pair: NativePair, base: str, quote: str, known: tuple[_Amounts, _Rates, _Rates]) -> Instrument:
    amounts, makers, takers = known
    state, kinds = mode_of(pair.status)
    return Instrument(  # by position as far as names go without saying: they would cost more than all the rest
        NAME,
        f"{base}/{quote}",
        base,
        quote,
        amounts[bytes(pair.tick_size)] or step(pair.pair_decimals),
        step(pair.lot_decimals),
        amounts[bytes(pair.ordermin)],
        ZERO,
        ZERO,
        ZERO,
        amounts[bytes(pair.costmin)],
        ZERO,
        step(pair.cost_decimals),
        makers[bytes(pair.fees_maker)],
        takers[bytes(pair.fees)],
        state,
        kinds,
    )


def step(places: int) -> Decimal:
    """One at so many decimal places; raise DataError for a number of them that cannot be."""
    if not 0 <= places < len(_STEPS):
        raise DataError("impossible_amount", exchange=NAME, value=places)
    return _STEPS[places]
