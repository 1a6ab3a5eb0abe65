"""The exchange port: the calls every native client answers, and what a client says of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from aristobot.clock import Clock
from aristobot.errors import DataError
from aristobot.market import Candle, Instrument, Symbol, Ticker, Timeframe
from aristobot.orders import Fill, OcoRequest, OrderReport, OrderRequest, OtocoRequest
from aristobot.portfolio import Balance


@dataclass(frozen=True, slots=True)
class Credentials:
    """Opened keys, for the length of one call. Nothing of them shows in `repr`."""

    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a client speaks: official addresses by default, others for testnet, proxy or simulator."""

    rest: str
    stream: str
    trading: str


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do, as the exchange itself says."""

    can_read: bool
    can_trade: bool
    can_withdraw: bool
    ip_restricted: bool | None = None
    expires_at: datetime | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fees:
    """What an account pays for its orders on one market, as fractions of their value. A maker's may be negative: a rebate."""

    maker: Decimal
    taker: Decimal

    def __post_init__(self) -> None:
        for rate in (self.maker, self.taker):
            if not (rate.is_finite() and abs(rate) < 1):
                raise DataError("impossible_amount", value=str(rate)[:60])


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing the user copies from the exchange's key page."""

    name: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is native on this exchange; where it is not, desk and keeper do it the long way."""

    credential_fields: tuple[CredentialField, ...]
    native_oco: bool
    native_otoco: bool
    edit_order: bool
    private_stream: bool
    trading_socket: bool
    max_candles: int
    timeframes: tuple[Timeframe, ...]
    #: Seconds after which a request that was not executed can no longer be: the fence is built on it (reliability, 3.3).
    request_window: float
    #: Whether a resting exit locks what it would sell, so that two of the full size cannot rest.
    exits_lock_funds: bool = True
    #: Whether `edit_order` under the same client id gives a resting stop another price and quantity in place, never naked.
    amends_stops: bool = False
    #: Whether the side of the price on which a stop is put up makes it one: put up (or moved) when the price has passed it
    #: already, it is taken for a target, and waits for the price to come back.
    stops_by_side: bool = False
    #: Whether a buy's fee is paid in quote, on top of its price.
    fees_in_quote: bool = False
    #: Whether `find_orders` tells of many orders in as few questions as of one, for exchanges that ration questions.
    finds_many: bool = False
    #: Whether `fees` tells what this account pays, which is another matter than what the catalogue lists.
    tells_fees: bool = False
    #: Whether last prices come as they change, of any number of symbols over one connection.
    streams_prices: bool = False
    #: Whether the exchange says by itself when the state or the rules of a pair change.
    streams_instruments: bool = False
    #: Whether an order can be signed and written out some moments before it is sent.
    prepares_orders: bool = False


@dataclass(frozen=True, slots=True)
class BalanceChanged:
    """From the private stream: the new free and locked amounts of the assets named."""

    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class StreamReset:
    """From the private stream: it was (re)connected, so anything may have been missed. Reconcile."""


AccountUpdate = OrderReport | BalanceChanged | StreamReset


@dataclass(frozen=True, slots=True)
class ClientStats:
    """Counters of one client since its start, for the health page. Times in milliseconds."""

    requests: int = 0
    failures: int = 0
    mean_ms: float = 0.0
    p99_ms: float = 0.0
    weight_used: int = 0
    weight_limit: int = 0
    reconnects: int = 0

    @property
    def success_percent(self) -> float:
        """How many requests in a hundred got an answer; 100 when none was made."""
        return 100.0 * (self.requests - self.failures) / self.requests if self.requests else 100.0

    @property
    def weight_left(self) -> int:
        """What may still be asked before the exchange says no; 0 too where it does not count (`weight_limit` 0)."""
        return max(self.weight_limit - self.weight_used, 0)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The exchange's clock minus ours, and how far off that may be, both in milliseconds."""

    offset_ms: int
    uncertainty_ms: int


class ExchangeClient(Protocol):
    """One exchange, spoken natively. Keys are arguments, never state.

    Reads raise TryAgain, Refused, and DataError for an answer that nobody understands; what changes an order also raises
    OutcomeUnknown. Nothing that places an order is ever repeated by the client.
    """

    name: str
    capabilities: Capabilities

    async def server_time(self) -> datetime:
        """The exchange's clock."""

    async def instruments(self) -> list[Instrument]:
        """Everything that can be traded on spot."""

    async def tickers(self, symbols: Sequence[Symbol]) -> list[Ticker]:
        """Last prices, in one batch call."""

    async def candles(self, symbol: Symbol, timeframe: Timeframe, *, limit: int, before: datetime | None = None) -> list[Candle]:
        """At most `limit` candles, oldest first, whose open time lies before `before` (default: now)."""

    def stream_candles(self, symbol: Symbol, timeframes: Sequence[Timeframe]) -> AsyncIterator[Candle]:
        """Candles as they form and close; reconnects by itself, for ever."""

    async def key_rights(self, keys: Credentials) -> KeyRights:
        """What this key may do."""

    async def balances(self, keys: Credentials) -> list[Balance]:
        """All non-zero balances."""

    async def open_orders(self, keys: Credentials, symbol: Symbol | None = None) -> list[OrderReport]:
        """Orders that rest at the exchange."""

    async def closed_orders(self, keys: Credentials, since: datetime, symbol: Symbol, *, fills: bool = True) -> list[OrderReport]:
        """Orders of one symbol that ended after `since`, with their fills unless nobody wants these: they cost questions."""

    async def find_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """The order with this client id, with its fills; None when the exchange says it knows none."""

    async def place_order(self, keys: Credentials, request: OrderRequest) -> OrderReport:
        """Send one order, once."""

    async def cancel_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport:
        """Cancel; raises UnknownOrder when there is nothing to cancel."""


#: Sends one order that was made ready, once: to be called once, and it answers and raises as `place_order` does.
SendOrder = Callable[[], Awaitable[OrderReport]]


class SupportsPreparing(Protocol):
    """A client whose capabilities say `prepares_orders`."""

    def prepare_order(self, keys: Credentials, request: OrderRequest) -> SendOrder | None:
        """Make one order ready to leave, without sending anything; None when that cannot be done at this moment.

        Sent much later it is signed anew. What is never sent can simply be forgotten. Raises what it has against the request.
        """


class SupportsOrderLists(Protocol):
    """A client whose capabilities say `native_oco` / `native_otoco`."""

    async def place_oco(self, keys: Credentials, request: OcoRequest) -> list[OrderReport]:
        """Place stop and target as one list; reports in the order stop, target."""

    async def place_otoco(self, keys: Credentials, request: OtocoRequest) -> list[OrderReport]:
        """Place a limit entry that brings its own stop and target; reports in the order entry, stop, target."""

    async def cancel_list(self, keys: Credentials, symbol: Symbol, list_client_id: str) -> list[OrderReport]:
        """Cancel a whole list; reports of its legs."""


class SupportsAmend(Protocol):
    """A client whose capabilities say `edit_order`."""

    async def edit_order(self, keys: Credentials, symbol: Symbol, client_order_id: str, request: OrderRequest) -> OrderReport:
        """Change an order in place, or cancel and replace it where that is the exchange's way."""


class SupportsAccountStream(Protocol):
    """A client whose capabilities say `private_stream`."""

    def stream_account(self, keys: Credentials) -> AsyncIterator[AccountUpdate]:
        """Order and balance changes of one account; begins with, and after every reconnection repeats, StreamReset."""


class SupportsPriceStream(Protocol):
    """A client whose capabilities say `streams_prices`."""

    def stream_prices(self, wanted: Callable[[], Collection[Symbol]]) -> AsyncIterator[Ticker]:
        """Last prices as they change, the present ones first; reconnects by itself, for ever.

        `wanted` is asked again every moment: what it names is followed, and what it names no more is left. A symbol that the
        exchange does not have is passed over. `Ticker.at` is when the price was one, by the exchange's clock: what comes late
        shows its age.
        """


class SupportsInstrumentStream(Protocol):
    """A client whose capabilities say `streams_instruments`."""

    def stream_instruments(self) -> AsyncIterator[Sequence[Instrument]]:
        """Listed pairs as they are now, whenever some differ from what was last said of them; reconnects by itself, for ever.

        After a connection was lost, what changed meanwhile comes first. New pairs, and those that vanish, are `instruments`' to
        tell. Raises TryAgain while the list itself cannot be read.
        """


class SupportsSearch(Protocol):
    """A client whose capabilities say `finds_many`."""

    async def find_orders(
        self, keys: Credentials, wanted: Mapping[str, Symbol], since: datetime, until: datetime
    ) -> list[OrderReport]:
        """Of these orders (client id to symbol), taken between `since` and `until` if at all, those that the exchange knows.

        Read from the whole lists of what rests and of what ended: an order that is not in the answer is in neither of them.
        """


class SupportsFees(Protocol):
    """A client whose capabilities say `tells_fees`."""

    async def fees(self, keys: Credentials, symbol: Symbol) -> Fees:
        """What this account pays on a market now, at most."""


class SupportsFills(Protocol):
    """Fills since a moment, for reconciliation."""

    async def fills(self, keys: Credentials, symbol: Symbol, since: datetime) -> list[Fill]:
        """Executions of one symbol after `since`, oldest first."""


class NativeClient(ExchangeClient, Protocol):
    """What the gateway needs of a client besides the port: its clock, its figures, its end."""

    @property
    def clock_reading(self) -> ClockReading | None:
        """The last measurement; None before the first, and when it can no longer be trusted."""

    async def synchronise(self) -> ClockReading:
        """Measure the exchange's clock; requests are stamped with the result from then on."""

    def stats(self) -> ClientStats:
        """Requests, failures, response times, weight."""

    async def close(self) -> None:
        """Close every connection."""


class ClientFactory(Protocol):
    """A client's class: what it says of itself before there is one, and how one is made."""

    name: str
    title: str
    endpoints: Endpoints
    capabilities: Capabilities

    def __call__(self, clock: Clock, endpoints: Endpoints | None = None) -> NativeClient:
        """A client speaking to `endpoints`, the official ones by default."""
