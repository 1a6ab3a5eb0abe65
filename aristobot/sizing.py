"""How much to order: from a quantity, an amount of quote, a share of what is free, or what may be lost at the stop, and back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from aristobot.errors import InvalidInput
from aristobot.market import Instrument
from aristobot.money import HUNDRED, ZERO, divided, percent_of, times
from aristobot.orders import Side


class SizeBy(StrEnum):
    """Which of the four figures was given; the others follow from it."""

    QUANTITY = "quantity"
    AMOUNT = "amount"
    PERCENT = "percent"
    RISK = "risk"


@dataclass(frozen=True, slots=True)
class Basis:
    """What sizes are counted from.

    price       at which the order is valued, in quote
    worst       at which the exchange sets funds aside for it (a market buy: the price it may reach)
    free        what can be spent: quote for a buy, base for a sell
    equity      what the account is worth in quote: of it a share is put at risk
    fee_on_top  what is taken in quote beside the price of a buy, as a fraction
    market      whether the coarser lot of market orders applies
    """

    instrument: Instrument
    side: Side
    price: Decimal
    worst: Decimal
    free: Decimal
    equity: Decimal
    fee_on_top: Decimal = ZERO
    market: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """One size in all its figures: base, quote, per cent of what is free. The risk is None without a stop."""

    quantity: Decimal
    amount: Decimal
    percent: Decimal
    risk_amount: Decimal | None = None
    risk_percent: Decimal | None = None


def sized(by: SizeBy, value: Decimal, basis: Basis, stop: Decimal = ZERO) -> Size:
    """The size that `value` asks for, rounded DOWN to the lot, in all its figures. Raises InvalidInput naming the field.

    A share, or an amount that is there, is cut to what fits at the worst price: the exchange would refuse the whole order.
    """
    wanted = basis.instrument.quantity(_quantity(by, value, basis, stop), market=basis.market)
    amount = times(wanted, basis.price)
    spent = times(amount, 1 + basis.fee_on_top) if basis.side is Side.BUY else wanted
    percent = divided(times(spent, HUNDRED), basis.free, 4) if basis.free else ZERO
    if basis.side is Side.SELL or not stop or stop >= basis.price:
        return Size(wanted, amount, percent)
    risk = times(wanted, loss_per_unit(basis.price, stop, basis.instrument.taker_fee))
    return Size(wanted, amount, percent, risk, divided(times(risk, HUNDRED), basis.equity, 4) if basis.equity else None)


def loss_per_unit(entry: Decimal, stop: Decimal, fee: Decimal) -> Decimal:
    """What one unit bought at `entry` and sold at `stop` loses, in quote, with the fee of both ways."""
    return entry - stop + times(fee, entry + stop)


def _quantity(by: SizeBy, value: Decimal, basis: Basis, stop: Decimal) -> Decimal:
    if not basis.price:
        raise InvalidInput("price_missing", field="price")
    match by:
        case SizeBy.QUANTITY:
            return value
        case SizeBy.AMOUNT:
            return _of_amount(value, basis)
        case SizeBy.PERCENT:
            if value > HUNDRED:
                raise InvalidInput("more_than_all_of_it", field="percent")
            share = percent_of(basis.free, value)
            return share if basis.side is Side.SELL else _of_amount(share, basis)
        case SizeBy.RISK:
            return _of_risk(value, basis, stop)


def _of_amount(value: Decimal, basis: Basis) -> Decimal:
    if basis.side is Side.SELL:
        return divided(value, basis.price)
    wanted = divided(value, times(basis.price, 1 + basis.fee_on_top))
    affordable = divided(basis.free, times(basis.worst or basis.price, 1 + basis.fee_on_top))
    return min(wanted, affordable) if value <= basis.free else wanted


def _of_risk(value: Decimal, basis: Basis, stop: Decimal) -> Decimal:
    if basis.side is Side.SELL:
        raise InvalidInput("risk_needs_buy", field="risk")
    if not stop:
        raise InvalidInput("risk_needs_stop", field="risk_stop")
    if stop >= basis.price:
        raise InvalidInput("stop_above_price", field="risk_stop")
    if value > HUNDRED:
        raise InvalidInput("more_than_all_of_it", field="risk")
    return divided(percent_of(basis.equity, value), loss_per_unit(basis.price, stop, basis.instrument.taker_fee))
