"""From parameters to the order they ask for; what a socket asks is first put into the words of the REST interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aristobot.matching import STOPS
from aristobot.money import ZERO
from aristobot.orders import OrderRequest, OrderType, Side, TimeInForce
from services.simulator.kraken_catalogue import Catalogue, KrakenPair
from services.simulator.kraken_errors import UNKNOWN_PAIR, KrakenError, invalid
from services.simulator.kraken_params import Params, as_text
from services.simulator.records import Account

#: Kraken's words for the kinds of orders that are taken here.
TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop-loss": OrderType.STOP_LOSS,
    "take-profit": OrderType.TAKE_PROFIT,
    "stop-loss-limit": OrderType.STOP_LOSS_LIMIT,
    "take-profit-limit": OrderType.TAKE_PROFIT_LIMIT,
}
WORDS = {kind: word for word, kind in TYPES.items()} | {OrderType.LIMIT_MAKER: "limit"}
LIMITED_STOPS = frozenset({OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_FORCES = {"": TimeInForce.GTC, "gtc": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK, "gtd": TimeInForce.GTC}
_FLAGS = frozenset({"post", "fcib", "fciq", "nompp", "viqc"})
#: What the sockets call the flags that say in what fees are paid.
_FEES_IN = {"base": "fcib", "quote": "fciq"}


@dataclass(slots=True)
class Ask:
    """What one request says, and whose it is."""

    params: Params
    account: Account | None = None

    @property
    def sender(self) -> Account:
        """The account whose key signed it."""
        if self.account is None:
            raise KrakenError("EAPI:Invalid key")
        return self.account


@dataclass(frozen=True, slots=True)
class Close:
    """What is placed for every execution: the other way round, for what was executed."""

    type: OrderType
    price: Decimal
    stop_price: Decimal


@dataclass(slots=True)
class Wanted:
    """An order that somebody asks for."""

    pair: KrakenPair
    side: Side
    type: OrderType
    volume: Decimal
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    force: TimeInForce = TimeInForce.GTC
    flags: list[str] = field(default_factory=list)
    client_id: str = ""
    userref: int | None = None
    expires_at: int = 0
    trigger: str = "last"
    close: Close | None = None

    @property
    def in_quote(self) -> bool:
        """Whether the volume is an amount to spend."""
        return "viqc" in self.flags

    @property
    def fee_asset(self) -> str:
        """What the fee is paid in."""
        return self.pair.instrument.base if "fcib" in self.flags else self.pair.instrument.quote

    def request(self, client_id: str) -> OrderRequest:
        """The same in our own words."""
        quantity, quote_quantity = (ZERO, self.volume) if self.in_quote else (self.volume, ZERO)
        symbol = self.pair.instrument.symbol
        kind = OrderType.LIMIT_MAKER if "post" in self.flags else self.type
        return OrderRequest(client_id, symbol, self.side, kind, quantity, quote_quantity, self.price, self.stop_price, self.force)

    def words(self) -> str:
        """The order in a sentence: `buy 1.25000000 XBTUSD @ limit 37500.0`."""
        decimals = self.pair.cost_decimals if self.in_quote else self.pair.lot_decimals
        said = f"{self.side.value} {self.volume:.{decimals}f} {self.pair.altname} @ "
        return said + told_prices(self.type, self.price, self.stop_price, self.pair.price_decimals)

    def close_words(self) -> str:
        """The order that follows, in a sentence; empty when none does."""
        if self.close is None:
            return ""
        told = told_prices(self.close.type, self.close.price, self.close.stop_price, self.pair.price_decimals)
        return f"close position @ {told}"


def told_prices(kind: OrderType, price: Decimal, stop_price: Decimal, decimals: int) -> str:
    """Type and prices in words: `stop loss 27000.0 -> limit 26000.0`."""
    if kind is OrderType.MARKET:
        return "market"
    if kind not in STOPS:
        return f"limit {price:.{decimals}f}"
    name = "stop loss" if kind in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT) else "take profit"
    limit = f" -> limit {price:.{decimals}f}" if kind in LIMITED_STOPS else ""
    return f"{name} {stop_price:.{decimals}f}{limit}"


def read_pair(params: Params, catalogue: Catalogue, name: str = "pair") -> KrakenPair:
    """The pair that is asked for."""
    pair = catalogue.find(params.need(name))
    if pair is None:
        raise KrakenError(UNKNOWN_PAIR)
    return pair


def read_order(params: Params, catalogue: Catalogue, now: int) -> Wanted:
    """The order that is asked for; raise KrakenError for what is missing or makes no sense. `now` in milliseconds."""
    pair = read_pair(params, catalogue)
    side = params.need("type")
    if side not in ("buy", "sell"):
        raise invalid("type")
    kind = _read_type(params, "ordertype")
    price, stop_price = _read_prices(params, kind, "price", "price2")
    force = _FORCES.get(params.text("timeinforce").lower())
    if force is None or (force is not TimeInForce.GTC and kind in STOPS):
        raise invalid("timeinforce")
    wanted = Wanted(pair, Side(side), kind, params.need_decimal("volume"), price, stop_price, force)
    wanted.flags = _read_flags(params, wanted)
    wanted.client_id, wanted.userref = params.client_id(), params.integer("userref")
    wanted.expires_at = _read_expiry(params, now)
    wanted.trigger = params.text("trigger") or "last"
    wanted.close = _read_close(params)
    return wanted


def _read_type(params: Params, name: str) -> OrderType:
    kind = TYPES.get(params.need(name))
    if kind is None:
        raise invalid(name)
    return kind


def _read_prices(params: Params, kind: OrderType, first: str, second: str) -> tuple[Decimal, Decimal]:
    """Limit and trigger: of an order with a trigger, that is the first price, and its limit the second."""
    if kind is OrderType.MARKET:
        return ZERO, ZERO
    given = params.need_decimal(first)
    if kind not in STOPS:
        return given, ZERO
    return (params.need_decimal(second) if kind in LIMITED_STOPS else ZERO), given


def _read_flags(params: Params, wanted: Wanted) -> list[str]:
    flags = [flag for flag in params.text("oflags").split(",") if flag]
    if not set(flags) <= _FLAGS or {"fcib", "fciq"} <= set(flags):
        raise invalid("oflags")
    if "viqc" in flags and (wanted.type is not OrderType.MARKET or wanted.side is not Side.BUY):
        raise invalid("viqc")
    if "post" in flags and (wanted.type is not OrderType.LIMIT or wanted.force is not TimeInForce.GTC):
        raise invalid("post")
    return flags if "fcib" in flags or "fciq" in flags else ["fciq", *flags]


def _read_expiry(params: Params, now: int) -> int:
    """`expiretm`: seconds since 1970, or `+` and seconds from now; in milliseconds, zero for never."""
    text = params.text("expiretm")
    if not text or text == "0":
        if params.text("timeinforce").lower() == "gtd":
            raise invalid("expiretm")
        return 0
    if not text.removeprefix("+").isdecimal():
        raise invalid("expiretm")
    seconds = int(text.removeprefix("+"))
    expires = now + seconds * 1000 if text.startswith("+") else seconds * 1000
    if expires <= now:
        raise invalid("expiretm")
    return expires


def _read_close(params: Params) -> Close | None:
    if not params.has("close[ordertype]"):
        return None
    kind = _read_type(params, "close[ordertype]")
    if kind is OrderType.MARKET:
        raise invalid("close[ordertype]")
    return Close(kind, *_read_prices(params, kind, "close[price]", "close[price2]"))


def order_from_socket(given: Mapping[str, Any]) -> dict[str, str]:
    """`add_order` of the sockets, in the words of AddOrder."""
    triggers, conditional = given.get("triggers") or {}, given.get("conditional") or {}
    kind = given.get("order_type", "")
    limit, trigger = given.get("limit_price"), triggers.get("price")
    cash = given.get("cash_order_qty")
    flags = [name for name, asked in (("post", "post_only"),) if given.get(asked)]
    fees = str(given.get("fee_preference") or "")
    flags += [_FEES_IN.get(fees, fees)] if fees else []
    flags += ["viqc"] if cash is not None else []
    after, after_trigger = conditional.get("limit_price"), conditional.get("trigger_price")
    told = {
        "pair": given.get("symbol"),
        "type": given.get("side"),
        "ordertype": kind,
        "volume": given.get("order_qty") if cash is None else cash,
        "price": limit if trigger is None else trigger,
        "price2": None if trigger is None else limit,
        "trigger": triggers.get("reference"),
        "timeinforce": given.get("time_in_force"),
        "oflags": ",".join(flags),
        "cl_ord_id": given.get("cl_ord_id"),
        "userref": given.get("order_userref"),
        "deadline": given.get("deadline"),
        "validate": given.get("validate"),
        "close[ordertype]": conditional.get("order_type"),
        "close[price]": after if after_trigger is None else after_trigger,
        "close[price2]": None if after_trigger is None else after,
    }
    return {name: as_text(value) for name, value in told.items() if value not in (None, "")}
