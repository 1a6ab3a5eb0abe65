"""What Kraken lists: assets and pairs under their several names. A default catalogue, or a real AssetPairs answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from aristobot.market import Instrument, InstrumentState

#: Words that AssetPairs has for the state of a market.
STATUSES = ("online", "cancel_only", "post_only", "limit_only", "reduce_only")
_STATES = {
    "online": InstrumentState.TRADING,
    "post_only": InstrumentState.TRADING,
    "limit_only": InstrumentState.TRADING,
    "cancel_only": InstrumentState.CANCEL_ONLY,
}
#: The two coins whose older names the catalogue keeps and the sockets do not know.
_RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
MAKER_FEE, TAKER_FEE = Decimal("0.0025"), Decimal("0.004")


@dataclass(frozen=True, slots=True)
class KrakenAsset:
    """One asset: `id` is the key of balances, `altname` the older name, `name` the one of today."""

    id: str
    altname: str
    decimals: int = 10
    display_decimals: int = 5
    dollars: str = "1"

    @property
    def name(self) -> str:
        """The name on the sockets, and ours."""
        return _RENAMED.get(self.altname, self.altname)


_KNOWN = (
    KrakenAsset("XXBT", "XBT", dollars="60000"),
    KrakenAsset("XETH", "ETH", dollars="3000"),
    KrakenAsset("SOL", "SOL", dollars="150"),
    KrakenAsset("BNB", "BNB", dollars="600"),
    KrakenAsset("XXRP", "XRP", 8, 5, "2"),
    KrakenAsset("XXDG", "XDG", 8, 2, "0.2"),
    KrakenAsset("ZUSD", "USD", 4, 2, "1"),
    KrakenAsset("ZEUR", "EUR", 4, 2, "1.08"),
    KrakenAsset("USDT", "USDT", 8, 4, "1"),
    KrakenAsset("USDC", "USDC", 8, 4, "1"),
)
_BY_NAME = {asset.name: asset for asset in _KNOWN}
_BY_ID = {asset.id: asset for asset in _KNOWN}
#: Per base: decimals of prices, the smallest order.
_BASES = {"BTC": (1, "0.00005"), "ETH": (2, "0.001"), "SOL": (2, "0.06"), "BNB": (2, "0.01"), "XRP": (5, "2"), "DOGE": (7, "50")}
_QUOTES = {"USD": "0.5", "EUR": "0.45", "USDT": "0.5", "USDC": "0.5"}
#: Pairs of the first days, whose keys are made of the ids of their assets.
_OLD = frozenset({"XXBT", "XETH", "XXRP"})


@dataclass(frozen=True, slots=True)
class KrakenPair:
    """One pair: what AssetPairs says of it, and what follows for orders. `name` is the sockets' spelling, and ours."""

    key: str
    altname: str
    name: str
    raw: Mapping[str, Any]
    base: KrakenAsset
    quote: KrakenAsset
    instrument: Instrument
    price_decimals: int
    lot_decimals: int
    cost_decimals: int
    cost_min: Decimal

    @property
    def status(self) -> str:
        """Kraken's word for the state."""
        return str(self.raw.get("status", "online"))


def asset(key: str) -> KrakenAsset:
    """An asset by its id; one that is not known is called by it, without the X or Z of four letters."""
    known = _BY_ID.get(key)
    if known is not None:
        return known
    older = len(key) == 4 and key[0] in "XZ"
    return KrakenAsset(key, key[1:] if older else key, 4 if key.startswith("Z") and older else 10)


def asset_named(name: str) -> KrakenAsset:
    """An asset by the name of today."""
    return _BY_NAME.get(name) or KrakenAsset(name, name)


def starting_price(base: str, quote: str) -> Decimal:
    """A price to begin with, in `quote`."""
    return Decimal(asset_named(base).dollars) / Decimal(asset_named(quote).dollars)


def default_pairs() -> dict[str, dict[str, Any]]:
    """The `result` of an AssetPairs answer: six coins against four quotes, and one coin against another."""
    listed = [_default(base, quote) for base in _BASES for quote in _QUOTES]
    crossed = _default("ETH", "BTC") | {"pair_decimals": 5, "cost_decimals": 10, "costmin": "0.00002", "tick_size": "0.00001"}
    return dict(_keyed(one) for one in [*listed, crossed])


def _keyed(raw: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    old = raw["base"] in _OLD and raw["quote"][0] in "XZ" and len(raw["quote"]) == 4
    return raw["base"] + raw["quote"] if old else raw["altname"], raw


def _default(base_name: str, quote_name: str) -> dict[str, Any]:
    base, quote = _BY_NAME[base_name], _BY_NAME[quote_name]
    decimals, minimum = _BASES[base_name]
    return {
        "altname": base.altname + quote.altname,
        "wsname": f"{base.altname}/{quote.altname}",
        "aclass_base": "currency",
        "base": base.id,
        "aclass_quote": "currency",
        "quote": quote.id,
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": decimals,
        "lot_decimals": 8,
        "lot_multiplier": 1,
        "leverage_buy": [2, 3, 4, 5],
        "leverage_sell": [2, 3, 4, 5],
        "fees": [],
        "fees_maker": [],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": minimum,
        "costmin": _QUOTES.get(quote_name, "0.5"),
        "tick_size": f"{Decimal(1).scaleb(-decimals):f}",
        "status": "online",
        "execution_venue": "international",
        "long_position_limit": 0,
        "short_position_limit": 0,
    }


def read_pair(key: str, raw: Mapping[str, Any]) -> KrakenPair | None:
    """One pair of an AssetPairs answer; None for one that the sockets do not carry (dark pools have no `wsname`)."""
    if "/" not in raw.get("wsname", ""):
        return None
    decimals, lots = int(raw["pair_decimals"]), int(raw["lot_decimals"])
    base_name, quote_name = (_RENAMED.get(part, part) for part in raw["wsname"].split("/"))
    base, quote = asset(raw["base"]), asset(raw["quote"])
    base, quote = (
        one if one.name == name else replace(one, altname=name) for one, name in ((base, base_name), (quote, quote_name))
    )
    instrument = Instrument(
        exchange="kraken",
        symbol=f"{base_name}/{quote_name}",
        base=base_name,
        quote=quote_name,
        tick=Decimal(raw.get("tick_size") or Decimal(1).scaleb(-decimals)),
        lot=Decimal(1).scaleb(-lots),
        min_quantity=Decimal(raw.get("ordermin", 0)),
        min_notional=Decimal(raw.get("costmin", 0)),
        maker_fee=MAKER_FEE,
        taker_fee=TAKER_FEE,
        state=_STATES.get(raw.get("status", "online"), InstrumentState.HALTED),
    )
    return KrakenPair(
        key=key,
        altname=raw["altname"],
        name=instrument.symbol,
        raw=raw,
        base=base,
        quote=quote,
        instrument=instrument,
        price_decimals=decimals,
        lot_decimals=lots,
        cost_decimals=int(raw.get("cost_decimals", 5)),
        cost_min=Decimal(raw.get("costmin", 0)),
    )


class Catalogue:
    """All pairs that are listed, by every name they have."""

    def __init__(self) -> None:
        self.pairs: dict[str, KrakenPair] = {}
        #: All assets of all pairs, by id and by the name of today.
        self.assets: dict[str, KrakenAsset] = {}
        self.assets_by_name: dict[str, KrakenAsset] = {}
        self._by_name: dict[str, KrakenPair] = {}

    def add(self, pair: KrakenPair) -> None:
        """List a pair, or what has become of it."""
        self.pairs[pair.name] = pair
        for spelling in (pair.key, pair.altname, pair.name):
            self._by_name[spelling] = pair
        for one in (pair.base, pair.quote):
            self.assets[one.id] = self.assets_by_name[one.name] = one

    def find(self, spelling: str) -> KrakenPair | None:
        """A pair by its key, its altname, or its name of today; the catalogue's own `wsname` is not among them."""
        return self._by_name.get(spelling)
