"""Binance's orders, fills, balances and prices in our words. Pure: no network, no clock, no state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import msgspec

from aristobot.clock import from_milliseconds
from aristobot.errors import DataError
from aristobot.exchange import Fees, KeyRights
from aristobot.market import Symbol, Ticker
from aristobot.money import ZERO
from aristobot.orders import Fill, OrderReport, OrderStatus, OrderType, Side
from aristobot.portfolio import Balance
from services.exchanges.binance_errors import NAME

T = TypeVar("T")
#: Turns an exchange's spelling of a symbol into ours.
Naming = Callable[[str], Symbol]

#: No amount or price of this world reaches that far.
_BEYOND = Decimal(10) ** 30

STATUSES = {
    "NEW": OrderStatus.OPEN,
    "PENDING_NEW": OrderStatus.OPEN,
    "PENDING_CANCEL": OrderStatus.OPEN,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
TYPES = {kind.name: kind for kind in OrderType}


class NativeFill(msgspec.Struct, rename="camel"):
    """One execution inside the answer to a placed order."""

    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    trade_id: int


class NativeOrder(msgspec.Struct, rename="camel"):
    """An order in a REST or WebSocket API answer: placed, cancelled, asked for, or within a list."""

    symbol: str
    order_id: int
    client_order_id: str
    price: Decimal
    orig_qty: Decimal
    executed_qty: Decimal
    cummulative_quote_qty: Decimal
    status: str
    type: str
    side: str
    order_list_id: int = -1
    orig_client_order_id: str = ""
    stop_price: Decimal = ZERO
    transact_time: int = 0
    update_time: int = 0
    time: int = 0
    fills: list[NativeFill] = []
    expiry_reason: str = ""


class NativeList(msgspec.Struct, rename="camel"):
    """An order list (OCO, OTOCO, OPOCO) with the state of its legs."""

    order_list_id: int
    list_client_order_id: str
    symbol: str
    order_reports: list[NativeOrder] = []


class Cancelled(msgspec.Struct, rename="camel"):
    """The answer to a cancel: an order, or a whole list when the order belonged to one. Only what tells them apart."""

    order_reports: msgspec.Raw = msgspec.Raw()


class OwnFill(msgspec.Struct, rename="camel"):
    """One of the account's executions (`myTrades`)."""

    symbol: str
    id: int
    order_id: int
    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool = False


class NativeTicker(msgspec.Struct, rename="camel"):
    """The last 24 hours of a symbol."""

    symbol: str
    last_price: Decimal
    close_time: int
    bid_price: Decimal = ZERO
    ask_price: Decimal = ZERO
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    price_change_percent: Decimal = ZERO


class Account(msgspec.Struct, rename="camel"):
    """The account: may it trade, and what does it hold. Balances decode straight into our own words."""

    balances: list[Balance]
    can_trade: bool = True


class Restrictions(msgspec.Struct, rename="camel"):
    """What a key may do (`apiRestrictions`)."""

    enable_reading: bool
    enable_spot_and_margin_trading: bool
    enable_withdrawals: bool
    enable_internal_transfer: bool = False
    permits_universal_transfer: bool = False
    ip_restrict: bool | None = None
    trading_authority_expiration_time: int | None = None
    create_time: int | None = None


class Rates(msgspec.Struct, frozen=True):
    """One part of what is paid, as fractions: as maker or taker, and besides as buyer or seller."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO
    buyer: Decimal = ZERO
    seller: Decimal = ZERO


class Commission(msgspec.Struct, rename="camel"):
    """What an account pays on one symbol (`account/commission`): the parts add up."""

    standard_commission: Rates
    special_commission: Rates = Rates()
    tax_commission: Rates = Rates()


class ServerTime(msgspec.Struct, rename="camel"):
    """The exchange's clock, in milliseconds."""

    server_time: int


ORDER = msgspec.json.Decoder(NativeOrder)
ORDERS = msgspec.json.Decoder(list[NativeOrder])
ORDER_LIST = msgspec.json.Decoder(NativeList)
CANCELLED = msgspec.json.Decoder(Cancelled)
OWN_FILLS = msgspec.json.Decoder(list[OwnFill])
TICKER = msgspec.json.Decoder(NativeTicker)
TICKERS = msgspec.json.Decoder(list[NativeTicker])
ACCOUNT = msgspec.json.Decoder(Account)
RESTRICTIONS = msgspec.json.Decoder(Restrictions)
COMMISSION = msgspec.json.Decoder(Commission)
SERVER_TIME = msgspec.json.Decoder(ServerTime)


def decoded(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    """What a body says; raise DataError when it is not what was expected."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError) as error:
        raise DataError("unreadable_answer", exchange=NAME, detail=str(error)[:200]) from None


def moment(milliseconds: int) -> datetime:
    """A time of theirs; raise DataError for one that no calendar has."""
    try:
        return from_milliseconds(milliseconds)
    except OverflowError:
        raise DataError("impossible_time", exchange=NAME, value=milliseconds) from None


def word(table: dict[str, T], native: str, field: str) -> T:
    """Our word for theirs; raise DataError for one we do not know."""
    try:
        return table[native]
    except KeyError:
        raise DataError("unknown_exchange_word", exchange=NAME, field=field, value=native[:40]) from None


def check(*amounts: Decimal) -> None:
    """Raise DataError unless every amount is finite, not negative and of this world."""
    for amount in amounts:
        try:
            possible = ZERO <= amount < _BEYOND
        except InvalidOperation:  # NaN can be compared with nothing
            possible = False
        if not possible:
            raise DataError("impossible_amount", exchange=NAME, value=str(amount)[:60])


def report_of(order: NativeOrder, symbol: Symbol, fills: tuple[Fill, ...] = (), list_client_id: str = "") -> OrderReport:
    """What an answer says of one order. On a cancel `clientOrderId` is the cancel's own name, `origClientOrderId` the order's."""
    check(order.price, order.orig_qty, order.executed_qty, order.cummulative_quote_qty, order.stop_price)
    at = moment(order.transact_time or order.update_time or order.time)
    side = word(SIDES, order.side, "side")
    client_id = order.orig_client_order_id or order.client_order_id
    exchange_id = str(order.order_id)
    if order.fills:
        fills = tuple([_fill_within(one, symbol, side, at, exchange_id, client_id) for one in order.fills])
    return OrderReport(
        client_order_id=client_id,
        exchange_order_id=exchange_id,
        symbol=symbol,
        side=side,
        type=word(TYPES, order.type, "type"),
        status=status_of(order.status, order.executed_qty),
        quantity=order.orig_qty,
        filled=order.executed_qty,
        at=at,
        price=order.price,
        stop_price=order.stop_price,
        quote_filled=order.cummulative_quote_qty,
        fills=fills,
        list_id=str(order.order_list_id) if order.order_list_id >= 0 else "",
        list_client_id=list_client_id,
        reason=order.expiry_reason,
    )


def status_of(native: str, filled: Decimal) -> OrderStatus:
    """Our status for theirs; an order that rests and has fills is partially filled, whatever it is called."""
    status = word(STATUSES, native, "status")
    return OrderStatus.PARTIALLY_FILLED if status is OrderStatus.OPEN and filled > ZERO else status


def has_ended(order: NativeOrder) -> bool:
    """Whether an order no longer rests."""
    return word(STATUSES, order.status, "status").is_final


def _fill_within(fill: NativeFill, symbol: Symbol, side: Side, at: datetime, exchange_id: str, client_id: str) -> Fill:
    check(fill.price, fill.qty)
    signed(fill.commission)
    return Fill(
        trade_id=str(fill.trade_id),
        symbol=symbol,
        side=side,
        price=fill.price,
        quantity=fill.qty,
        fee=fill.commission,
        fee_asset=fill.commission_asset,
        at=at,
        exchange_order_id=exchange_id,
        client_order_id=client_id,
    )


def signed(fee: Decimal) -> None:
    """Raise DataError unless a fee is finite; a rebate is negative."""
    if not (fee.is_finite() and -_BEYOND < fee < _BEYOND):
        raise DataError("impossible_amount", exchange=NAME, value=str(fee)[:60])


def fill_of(own: OwnFill, symbol: Symbol, client_order_id: str = "") -> Fill:
    """One of the account's executions."""
    check(own.price, own.qty)
    signed(own.commission)
    return Fill(
        trade_id=str(own.id),
        symbol=symbol,
        side=Side.BUY if own.is_buyer else Side.SELL,
        price=own.price,
        quantity=own.qty,
        fee=own.commission,
        fee_asset=own.commission_asset,
        at=moment(own.time),
        exchange_order_id=str(own.order_id),
        client_order_id=client_order_id,
        maker=own.is_maker,
    )


def legs_of(body: bytes | msgspec.Raw, symbol: Symbol) -> list[OrderReport]:
    """The legs of an order list, in the exchange's order."""
    native = decoded(ORDER_LIST, body)
    return [report_of(leg, symbol, list_client_id=native.list_client_order_id) for leg in native.order_reports]


def cancelled(body: bytes | msgspec.Raw, symbol: Symbol, client_order_id: str) -> OrderReport:
    """What became of the order we cancelled; cancelling one leg answers for the whole list."""
    if not decoded(CANCELLED, body).order_reports:
        return report_of(decoded(ORDER, body), symbol)
    return leg_named(legs_of(body, symbol), client_order_id)


def leg_named(legs: Sequence[OrderReport], client_order_id: str) -> OrderReport:
    """The leg with this client id; raise DataError when there is none."""
    for leg in legs:
        if leg.client_order_id == client_order_id:
            return leg
    raise DataError("missing_leg", exchange=NAME, client_order_id=client_order_id)


def ticker_of(native: NativeTicker, symbol: Symbol) -> Ticker:
    """Last price and the day's figures."""
    check(native.last_price, native.bid_price, native.ask_price, native.volume, native.quote_volume)
    signed(native.price_change_percent)
    return Ticker(
        symbol=symbol,
        last=native.last_price,
        bid=native.bid_price,
        ask=native.ask_price,
        at=moment(native.close_time),
        volume=native.volume,
        quote_volume=native.quote_volume,
        change_percent=native.price_change_percent,
    )


#: How Binance writes zero, at its longest: an amount that is more sorts behind it, one with fewer decimals of nothing before.
_NOTHING = "0.00000000"


def balances_of(account: Account) -> list[Balance]:
    """What is held, without the assets that are empty."""
    return [one for one in account.balances if one.free_text > _NOTHING or one.locked_text > _NOTHING or _is_garbled(one)]


def _is_garbled(one: Balance) -> bool:
    """Whether it must not be taken for nothing: it raises DataError where it is read."""
    return not one.free_text or not one.locked_text


def rights_of(restrictions: Restrictions, account: Account) -> KeyRights:
    """What a key may do; a right to move coins between accounts counts as one to withdraw."""
    until = restrictions.trading_authority_expiration_time
    return KeyRights(
        can_read=restrictions.enable_reading,
        can_trade=restrictions.enable_spot_and_margin_trading and account.can_trade,
        can_withdraw=(
            restrictions.enable_withdrawals or restrictions.enable_internal_transfer or restrictions.permits_universal_transfer
        ),
        ip_restricted=restrictions.ip_restrict,
        expires_at=moment(until) if until else None,
        created_at=moment(restrictions.create_time) if restrictions.create_time else None,
    )


def fees_of(commission: Commission) -> Fees:
    """What is paid at most, on whichever side of the market."""
    parts = (commission.standard_commission, commission.special_commission, commission.tax_commission)
    for one in parts:
        for rate in (one.maker, one.taker, one.buyer, one.seller):
            signed(rate)
    beside = max(sum((one.buyer for one in parts), ZERO), sum((one.seller for one in parts), ZERO))
    return Fees(sum((one.maker for one in parts), beside), sum((one.taker for one in parts), beside))
