"""What the venue writes down: accounts, orders, order lists, executions. No protocol, and no decision about money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from aristobot.market import Instrument, Symbol
from aristobot.money import ZERO
from aristobot.orders import OrderRequest, OrderStatus, OrderType, Side, TimeInForce

OPEN = frozenset({OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED})


class Reason(StrEnum):
    """Why the venue says no, or ended an order by itself."""

    UNKNOWN_ORDER = "unknown_order"
    DUPLICATE_ID = "duplicate_id"
    MARKET_CLOSED = "market_closed"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    WOULD_TRIGGER = "would_trigger"
    WOULD_MATCH = "would_match"
    BAD_PRICES = "bad_prices"
    RESTRICTED = "restricted"
    NO_LIQUIDITY = "no_liquidity"
    NOT_SMALLER = "not_smaller"
    NOT_REACHED = "not_reached"


class VenueRefusal(Exception):
    """The venue's no. Dialects give it a number and words."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(slots=True)
class Holding:
    """One asset of an account."""

    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(slots=True)
class Hold:
    """Money set aside for orders. The legs of a list share one; it is given back when the last user leaves."""

    asset: str
    amount: Decimal
    per_unit: Decimal
    users: int = 1


@dataclass(slots=True)
class Fill:
    """One execution of an order of ours. `at` in milliseconds of the exchange's clock."""

    order: Order
    trade_id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    at: int

    @property
    def value(self) -> Decimal:
        """Price times quantity, in quote."""
        return self.price * self.quantity


@dataclass(slots=True, eq=False)
class Order:
    """One order, as the venue knows it. Times in milliseconds of the exchange's clock; PENDING waits for its list."""

    id: int
    account: Account
    instrument: Instrument
    client_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: Decimal
    stop_price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    accepted_at: int
    updated_at: int
    status: OrderStatus = OrderStatus.OPEN
    awake: bool = False
    working_at: int = -1
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    fills: list[Fill] = field(default_factory=list)
    group: OrderList | None = None
    hold: Hold | None = None
    done_at: int = -1
    visible_at: int = 0
    reason: Reason | None = None
    amendments: int = 0
    #: What it was before each of them: until when, quantity, limit, trigger.
    former: list[tuple[int, Decimal, Decimal, Decimal]] = field(default_factory=list)
    former_id: str = ""  # before it was amended
    #: What its fees are paid in; empty for what it receives.
    fee_asset: str = ""
    #: It sleeps outside the book; a number there, and money, it gets when it is triggered (Plans).
    planned: bool = False
    book_id: int = 0
    tags: dict[str, object] = field(default_factory=dict)

    @property
    def symbol(self) -> Symbol:
        """Our spelling."""
        return self.instrument.symbol

    @property
    def remaining(self) -> Decimal:
        """What is not filled yet, in base."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it may still be filled or cancelled."""
        return self.status in OPEN


@dataclass(slots=True, eq=False)
class OrderList:
    """Orders bound to each other. `rivals` exclude one another; `pending` wait until `working` is filled.

    `received` collects what the working order buys, for the pending ones to sell (one pays the other).
    """

    id: int
    account: Account
    symbol: Symbol
    client_id: str
    accepted_at: int
    updated_at: int
    working: Order | None = None
    pending: list[Order] = field(default_factory=list)
    rivals: list[Order] = field(default_factory=list)
    received: Hold | None = None
    rejected: bool = False
    started: bool = False
    closing: bool = False

    @property
    def orders(self) -> list[Order]:
        """All its orders, in the order of their ids."""
        return ([self.working, *self.pending]) if self.working else list(self.rivals)

    @property
    def is_open(self) -> bool:
        """Whether one of its orders may still change."""
        return any(order.is_open for order in self.orders)


class Change(StrEnum):
    """What happened to an order."""

    NEW = "new"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    AMENDED = "amended"


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order changed; `fill` is the execution that did it, `cancel_id` the client id of a request to cancel."""

    order: Order
    change: Change
    fill: Fill | None = None
    cancel_id: str = ""


class ListStage(StrEnum):
    """Where an order list stands."""

    STARTED = "started"
    UPDATED = "updated"
    DONE = "done"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ListChanged:
    """An order list changed."""

    group: OrderList
    stage: ListStage


@dataclass(frozen=True, slots=True)
class BalancesChanged:
    """These assets of the account changed."""

    account: Account
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transferred:
    """Money came from or went outside."""

    account: Account
    asset: str
    amount: Decimal


VenueEvent = OrderChanged | ListChanged | BalancesChanged | Transferred
Listener = Callable[[VenueEvent], None]


class Account:
    """One account with its key, money and orders. `permissions`: read, trade, withdraw."""

    def __init__(self, exchange: str, key: str, secret: str, number: int, opened_at: int) -> None:
        self.exchange = exchange
        self.key = key
        self.secret = secret
        self.passphrase: str | None = None
        self.number = number
        self.opened_at = opened_at
        self.permissions = frozenset({"read", "trade"})
        self.ip_restricted = False
        self.mode = "classic"
        self.fees_in_bnb = False
        #: What it pays as maker and as taker, as fractions; None: what the catalogue says.
        self.own_rates: tuple[Decimal, Decimal] | None = None
        #: By how much a nonce may lie below the highest, where requests have one.
        self.nonce_window = 0
        self.updated_at = opened_at
        self.holdings: dict[str, Holding] = {}
        self.deposited: dict[str, Decimal] = {}
        self.orders: dict[tuple[Symbol, int], Order] = {}
        self.open_orders: dict[tuple[Symbol, int], Order] = {}
        self.latest: dict[tuple[Symbol, str], Order] = {}
        #: Of any symbol, for exchanges whose numbers are their own (Book.numbers): by id, and the newest with a client id.
        self.numbered: dict[int, Order] = {}
        self.named: dict[str, Order] = {}
        self.lists: dict[int, OrderList] = {}
        self.fills: list[Fill] = []
        self.listeners: list[Listener] = []

    def holding(self, asset: str) -> Holding:
        """The holding of an asset, made when there is none."""
        holding = self.holdings.get(asset)
        if holding is None:
            holding = self.holdings[asset] = Holding()
        return holding

    def rates(self, instrument: Instrument) -> tuple[Decimal, Decimal]:
        """What it pays on a market, as maker and as taker."""
        return self.own_rates or (instrument.maker_fee, instrument.taker_fee)

    def free(self, asset: str) -> Decimal:
        """What may be spent of an asset."""
        holding = self.holdings.get(asset)
        return holding.free if holding else ZERO

    def open_with(self, symbol: Symbol, client_id: str) -> Order | None:
        """The open order with this client id."""
        order = self.latest.get((symbol, client_id))
        return order if order is not None and order.is_open else None

    def open_list(self, client_id: str) -> OrderList | None:
        """The open order list with this client id."""
        found = (one for one in reversed(self.lists.values()) if one.client_id == client_id and one.is_open)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Liquidity:
    """How much of an order the book takes now: executions of these sizes. `rest`: stays, expires."""

    parts: tuple[Decimal, ...]
    expires: bool = False


@dataclass(frozen=True, slots=True)
class Manner:
    """How an exchange takes an order: what its fees are paid in (empty: what it receives), and whether a stop may be late.

    A late stop, one whose price is reached already, is refused unless `late_stops`; then it wakes up at once.
    """

    fee_asset: str = ""
    late_stops: bool = False


USUAL = Manner()


@dataclass(frozen=True, slots=True)
class Names:
    """How an exchange calls its orders and executions."""

    order: Callable[[Order], str] = lambda order: str(order.id)
    fill: Callable[[Fill], str] = lambda fill: str(fill.trade_id)


def order_of(request: OrderRequest, account: Account, instrument: Instrument, number: int, now: int) -> Order:
    """The order that a request asks for."""
    return Order(
        id=number,
        account=account,
        instrument=instrument,
        client_id=request.client_order_id,
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force,
        price=request.price,
        stop_price=request.stop_price,
        quantity=request.quantity,
        quote_quantity=request.quote_quantity,
        accepted_at=now,
        updated_at=now,
    )
