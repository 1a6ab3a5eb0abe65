"""From what somebody wants to what can be sent: sized, priced at the collar, rounded by the instrument."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from aristobot.errors import InvalidInput
from aristobot.kinds import OrderOrigin, OrderRole
from aristobot.market import Instrument, Symbol
from aristobot.money import HUNDRED, ZERO, divided, percent_of, round_down, round_up, times
from aristobot.orders import OcoRequest, OrderRequest, OrderType, OtocoRequest, Side, TimeInForce, client_order_id

_STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
_SHARE_OF_BAND = Decimal("0.75")
_PRICED = (OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)


class PlaceOrder(msgspec.Struct, frozen=True):
    """A wish. `quantity` is base; a buy may give `quote_quantity` instead.

    `cause`, `leg` and `attempt` make its id: the same wish twice is one order. After `expires_at` it is not sent again.
    """

    broker_id: uuid.UUID
    symbol: Symbol
    side: Side
    type: OrderType
    quantity: Decimal = ZERO
    quote_quantity: Decimal = ZERO
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    #: Of a market entry: the price that was shown to whoever sends it, beyond which it shall not go.
    worst_price: Decimal = ZERO
    time_in_force: TimeInForce = TimeInForce.GTC
    origin: OrderOrigin = OrderOrigin.MANUAL
    role: OrderRole = OrderRole.ENTRY
    owner: str = "manual"
    cause: uuid.UUID = msgspec.field(default_factory=uuid.uuid4)
    leg: str = "order"
    attempt: int = 1
    webhook_id: uuid.UUID | None = None
    position_id: uuid.UUID | None = None
    expires_at: datetime | None = None
    replaces: bool = False
    #: Of a purchase: what guards its position from its first fill on, unless its exits came with it in one list.
    guard_with: Exits | None = None
    #: Of a purchase: rather buy what the funds allow than be refused.
    cut_to_funds: bool = False
    note: str = ""

    @property
    def reducing(self) -> bool:
        """Whether it can only make a position smaller."""
        return self.side is Side.SELL and self.role is not OrderRole.ENTRY


@dataclass(frozen=True, slots=True)
class EditOrder:
    """What shall be different about a resting order; None leaves a value as it is."""

    price: Decimal | None = None
    quantity: Decimal | None = None
    stop_price: Decimal | None = None


class Draft(msgspec.Struct, frozen=True):
    """An order ready to be checked: the request, what it may cost at worst, what it is worth, and the fee to expect."""

    request: OrderRequest
    notional: Decimal
    worst_price: Decimal
    reserve_asset: str
    reserve: Decimal
    fee: Decimal


def check_wish(wish: PlaceOrder) -> None:
    """Raise InvalidInput naming the field when the wish cannot be an order on any market."""
    for name in ("quantity", "quote_quantity", "price", "stop_price"):
        if getattr(wish, name) < ZERO:
            raise InvalidInput("negative_amount", field=name)
    if wish.quantity and wish.quote_quantity:
        raise InvalidInput("one_size_only", field="quote_quantity")
    if not wish.quantity and not wish.quote_quantity:
        raise InvalidInput("size_missing", field="quantity")
    if wish.quote_quantity and wish.side is Side.SELL:
        raise InvalidInput("sell_needs_quantity", field="quantity")
    if wish.type in _PRICED and not wish.price:
        raise InvalidInput("price_missing", field="price")
    if wish.type in _STOPS and not wish.stop_price:
        raise InvalidInput("stop_price_missing", field="stop_price")


def draft(
    wish: PlaceOrder, instrument: Instrument, reference: Decimal, free: Decimal, collar: Decimal, fee_on_top: Decimal = ZERO
) -> Draft:
    """Size, price and round a wish.

    `reference` is the market's price, `free` what can be spent (quote for a buy, base for a sell), `collar` in per cent,
    `fee_on_top` what the exchange takes in quote beside the price of a buy, as a fraction.
    A market entry becomes a limit order at the collar that lives an instant (reliability, 3.6); a reducing market order
    stays a market order, because an exit must come out, unless it is larger than the exchange takes at the market.
    Raises InvalidInput when the wish cannot be an order.
    """
    check_wish(wish)
    too_large = ZERO < instrument.max_market_quantity < wish.quantity
    if wish.type is OrderType.MARKET and (too_large or not wish.reducing):
        return _collared(wish, instrument, reference, free, collar, fee_on_top)
    market = wish.type in (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT)
    price = _toward_safety(wish.price, instrument, wish.side)
    stop = instrument.price(wish.stop_price)
    at = price or stop or reference
    quantity = wish.quantity or divided(wish.quote_quantity, with_fee(at, fee_on_top))
    if wish.cut_to_funds:
        quantity = min(quantity, divided(free, with_fee(at, fee_on_top)))
    quantity = instrument.quantity(quantity, market=market)
    request = OrderRequest(
        client_order_id="",
        symbol=instrument.symbol,
        side=wish.side,
        type=wish.type,
        quantity=quantity,
        price=price if wish.type in _PRICED else ZERO,
        stop_price=stop if wish.type in _STOPS else ZERO,
        time_in_force=wish.time_in_force,
    )
    return _draft_of(request, instrument, at, fee_on_top)


def with_fee(price: Decimal, fee: Decimal) -> Decimal:
    """What one coin costs at this price when the fee, a fraction, comes on top."""
    return times(price, 1 + fee)


def collar_price(instrument: Instrument, side: Side, reference: Decimal, collar: Decimal) -> Decimal:
    """The worst price at which a market entry may fill: `collar` per cent from the market, inside the exchange's band."""
    slip = percent_of(reference, collar)
    if instrument.price_band:  # the exchange refuses what lies farther away; the market moves while the order travels
        slip = min(slip, times(reference, instrument.price_band * _SHARE_OF_BAND))
    if side is Side.BUY:
        return round_down(reference + slip, instrument.tick)
    return round_up(reference - slip, instrument.tick)


def _collared(
    wish: PlaceOrder, instrument: Instrument, reference: Decimal, free: Decimal, collar: Decimal, fee_on_top: Decimal
) -> Draft:
    limit = collar_price(instrument, wish.side, reference, collar)
    if wish.worst_price:
        limit = min(limit, wish.worst_price) if wish.side is Side.BUY else max(limit, wish.worst_price)
    if wish.side is Side.BUY:
        wanted = wish.quantity or divided(wish.quote_quantity, with_fee(reference, fee_on_top))
        affordable = divided(free, with_fee(limit, fee_on_top)) if limit else ZERO
        # A share of nearly everything must fit at the collar's price too, or the exchange refuses the whole order.
        quantity = min(wanted, affordable) if wish.quote_quantity or wish.cut_to_funds else wanted
    else:
        quantity = wish.quantity
    request = OrderRequest(
        client_order_id="",
        symbol=instrument.symbol,
        side=wish.side,
        type=OrderType.LIMIT,
        quantity=instrument.quantity(quantity, market=True),
        price=limit,
        time_in_force=TimeInForce.IOC,
    )
    return _draft_of(request, instrument, reference, fee_on_top)


def _toward_safety(price: Decimal, instrument: Instrument, side: Side) -> Decimal:
    """Never pay more, never ask less than was said: buys round down to the tick, sells up."""
    return round_down(price, instrument.tick) if side is Side.BUY else round_up(price, instrument.tick)


def _draft_of(request: OrderRequest, instrument: Instrument, at: Decimal, fee_on_top: Decimal) -> Draft:
    notional = times(request.quantity, at)
    worst = request.price or request.stop_price or at
    buying = request.side is Side.BUY
    return Draft(
        request=request,
        notional=notional,
        worst_price=worst,
        reserve_asset=instrument.quote if buying else instrument.base,
        reserve=times(request.quantity, with_fee(worst, fee_on_top)) if buying else request.quantity,
        fee=divided(times(notional, times(instrument.taker_fee, HUNDRED)), HUNDRED),
    )


@dataclass(frozen=True, slots=True)
class PlacePair:
    """A stop and a target over the same quantity of a position, one cancelling the other."""

    broker_id: uuid.UUID
    position_id: uuid.UUID | None
    symbol: Symbol
    quantity: Decimal
    stop_price: Decimal
    target_price: Decimal
    owner: str
    cause: uuid.UUID
    leg: str
    attempt: int

    def request(self, instrument: Instrument, installation: uuid.UUID) -> OcoRequest:
        """The pair as an exchange takes it, rounded: the stop down to the tick, the target up."""
        quantity = instrument.quantity(self.quantity)
        stop_type, stop_limit = stop_form(instrument, self.stop_price)

        def id_of(what: str) -> str:
            return client_order_id(installation, self.broker_id, self.cause, f"{self.leg}.{what}", self.attempt).hex

        return OcoRequest(
            list_client_id=id_of("list"),
            symbol=self.symbol,
            quantity=quantity,
            stop=OrderRequest(
                client_order_id=id_of("stop"),
                symbol=self.symbol,
                side=Side.SELL,
                type=stop_type,
                quantity=quantity,
                price=stop_limit,
                stop_price=instrument.price(self.stop_price),
            ),
            target=OrderRequest(
                client_order_id=id_of("target"),
                symbol=self.symbol,
                side=Side.SELL,
                type=OrderType.LIMIT_MAKER,
                quantity=quantity,
                price=round_up(self.target_price, instrument.tick),
            ),
        )


@dataclass(frozen=True, slots=True)
class Exits:
    """Where a new entry's stop and target shall rest."""

    stop_price: Decimal
    target_price: Decimal


def entry_with_exits(entry: OrderRequest, exits: Exits, instrument: Instrument, ids: tuple[str, str, str]) -> OtocoRequest:
    """An entry that fills wholly or not at all, bringing its exits (`ids`: list, stop, target).

    The exits are sized by what the entry leaves after the highest fee, for exchanges that do not size them themselves.
    """
    list_id, stop_id, target_id = ids
    left = instrument.quantity(times(entry.quantity, 1 - instrument.taker_fee))
    stop_type, stop_limit = stop_form(instrument, exits.stop_price)
    return OtocoRequest(
        list_client_id=list_id,
        entry=replace(entry, time_in_force=TimeInForce.FOK),
        exit_quantity=left,
        stop=OrderRequest(
            client_order_id=stop_id,
            symbol=entry.symbol,
            side=Side.SELL,
            type=stop_type,
            quantity=left,
            price=stop_limit,
            stop_price=instrument.price(exits.stop_price),
        ),
        target=OrderRequest(
            client_order_id=target_id,
            symbol=entry.symbol,
            side=Side.SELL,
            type=OrderType.LIMIT_MAKER,
            quantity=left,
            price=round_up(exits.target_price, instrument.tick),
        ),
    )


def stop_form(instrument: Instrument, stop_price: Decimal) -> tuple[OrderType, Decimal]:
    """How a stop can rest on this instrument (type, limit price): as a market stop, else as a limit 3 % below its trigger."""
    if not instrument.order_types or OrderType.STOP_LOSS in instrument.order_types:
        return OrderType.STOP_LOSS, ZERO
    return OrderType.STOP_LOSS_LIMIT, round_down(percent_of(stop_price, Decimal(97)), instrument.tick)
