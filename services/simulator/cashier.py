"""Money of the venue: what orders set aside, what executions move, what they cost. Every amount is exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from aristobot.market import Symbol
from aristobot.money import ZERO
from aristobot.orders import Side
from services.simulator.records import Account, Fill, Hold, Order, Reason, VenueRefusal

#: Balances are kept to eight decimals, as Binance and Bitget do.
CENT = Decimal("0.00000001")
#: Part of the fee that is left when it is paid in BNB.
BNB_SHARE = Decimal("0.75")


@dataclass(frozen=True, slots=True)
class Fee:
    """What an execution costs."""

    amount: Decimal
    asset: str


class Cashier:
    """Moves money between free and locked, and in and out of accounts. Notes every asset it touches."""

    def __init__(self, last_price: Callable[[Symbol], Decimal | None]) -> None:
        self._last_price = last_price
        self.touched: dict[Account, dict[str, None]] = {}

    def _touch(self, account: Account, *assets: str) -> None:
        touched = self.touched.get(account)
        if touched is None:
            touched = self.touched[account] = {}
        for asset in assets:
            touched[asset] = None

    def deposit(self, account: Account, asset: str, amount: Decimal) -> None:
        """Money from outside; negative: to outside."""
        holding = account.holding(asset)
        if holding.free + amount < ZERO:
            raise VenueRefusal(Reason.INSUFFICIENT_FUNDS)
        holding.free += amount
        account.deposited[asset] = account.deposited.get(asset, ZERO) + amount
        self._touch(account, asset)

    def reserve(self, account: Account, asset: str, quantity: Decimal, per_unit: Decimal) -> Hold:
        """Set `quantity` times `per_unit` of an asset aside; raise VenueRefusal when there is not enough."""
        amount = quantity * per_unit
        holding = account.holding(asset)
        if holding.free < amount:
            raise VenueRefusal(Reason.INSUFFICIENT_FUNDS)
        holding.free -= amount
        holding.locked += amount
        self._touch(account, asset)
        return Hold(asset, amount, per_unit)

    def trim(self, account: Account, hold: Hold, keep: Decimal) -> None:
        """Give back what the hold has beyond `keep`."""
        excess = hold.amount - keep
        if excess > ZERO:
            hold.amount = keep
            holding = account.holding(hold.asset)
            holding.locked -= excess
            holding.free += excess
            self._touch(account, hold.asset)

    def leave(self, order: Order) -> None:
        """An order needs its hold no more."""
        hold, order.hold = order.hold, None
        if hold is not None:
            hold.users -= 1
            if hold.users == 0:
                self.trim(order.account, hold, ZERO)

    def fee(self, order: Order, quantity: Decimal, price: Decimal, *, maker: bool) -> Fee:
        """The fee of an execution: in what is received, or as the order says, or in BNB when the account wants and has it."""
        instrument = order.instrument
        as_maker, as_taker = order.account.rates(instrument)
        rate = as_maker if maker else as_taker
        if order.fee_asset:
            amount = quantity if order.fee_asset == instrument.base else quantity * price
            return Fee((amount * rate).quantize(CENT, rounding=ROUND_DOWN), order.fee_asset)
        if order.account.fees_in_bnb:
            bnb = self._last_price(f"BNB/{instrument.quote}")
            if bnb:
                amount = (quantity * price * rate * BNB_SHARE / bnb).quantize(CENT, rounding=ROUND_DOWN)
                if order.account.free("BNB") >= amount:
                    return Fee(amount, "BNB")
        if order.side is Side.BUY:
            return Fee((quantity * rate).quantize(CENT, rounding=ROUND_DOWN), instrument.base)
        return Fee((quantity * price * rate).quantize(CENT, rounding=ROUND_DOWN), instrument.quote)

    def settle(self, fill: Fill) -> None:
        """Move the money of one execution; raise VenueRefusal when a buy costs more than was set aside and is free."""
        order, account = fill.order, fill.order.account
        instrument = order.instrument
        value = fill.value
        buying = order.side is Side.BUY
        pays, gets = (instrument.quote, instrument.base) if buying else (instrument.base, instrument.quote)
        paid, got = (value, fill.quantity) if buying else (fill.quantity, value)
        together = fill.fee_asset == order.fee_asset == pays
        self._pay(account, order.hold, pays, paid + fill.fee if together else paid)
        self._receive(account, order, gets, got)
        if fill.fee and not together:
            self._charge(account, order, fill)
        if order.hold is not None and order.quantity:
            self.trim(account, order.hold, max(ZERO, order.remaining - fill.quantity) * order.hold.per_unit)
        self._touch(account, pays, gets)

    def _pay(self, account: Account, hold: Hold | None, asset: str, amount: Decimal) -> None:
        holding = account.holding(asset)
        held = min(amount, hold.amount) if hold is not None else ZERO
        if holding.free < amount - held:
            raise VenueRefusal(Reason.INSUFFICIENT_FUNDS)
        if hold is not None:
            hold.amount -= held
            holding.locked -= held
        holding.free -= amount - held

    def _receive(self, account: Account, order: Order, asset: str, amount: Decimal) -> None:
        holding = account.holding(asset)
        group = order.group
        if group is not None and group.received is not None and group.working is order:
            group.received.amount += amount
            holding.locked += amount
        else:
            holding.free += amount

    def _charge(self, account: Account, order: Order, fill: Fill) -> None:
        holding = account.holding(fill.fee_asset)
        group = order.group
        received = group.received if group is not None and group.working is order else None
        if received is not None and received.asset == fill.fee_asset and (holding.free < fill.fee or fill.fee_asset == "BNB"):
            received.amount -= fill.fee
            holding.locked -= fill.fee
        else:
            holding.free -= fill.fee
        self._touch(account, fill.fee_asset)
