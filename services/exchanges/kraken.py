"""Kraken spot: the exchange port, spoken natively."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime

from aristobot.clock import Clock, from_milliseconds
from aristobot.errors import DataError, ExchangeError, OutcomeUnknown, Refused, TryAgain, UnknownOrder
from aristobot.exchange import AccountUpdate, Capabilities, CredentialField, Credentials, Endpoints, Fees, KeyRights
from aristobot.market import Symbol
from aristobot.orders import Fill, OrderReport, OrderRequest, OrderStatus, can_rest
from aristobot.portfolio import Balance
from services.exchanges.kraken_account import balances_of, fees_of
from services.exchanges.kraken_calls import WINDOW
from services.exchanges.kraken_candles import TIMEFRAMES
from services.exchanges.kraken_errors import NAME
from services.exchanges.kraken_history import KrakenHistory
from services.exchanges.kraken_market import MOST_CANDLES, KrakenMarket
from services.exchanges.kraken_orders import Amending, Cancelling, Placing, accepted_report
from services.exchanges.kraken_rights import rights
from services.exchanges.transport import Timeouts

OFFICIAL = Endpoints(
    rest="https://api.kraken.com",
    stream="wss://ws.kraken.com/v2",
    trading="wss://ws-auth.kraken.com/v2",
)
#: Seconds for which an answer waits for what the socket says of the order it is about.
_PATIENCE = 1.0


class KrakenClient(KrakenMarket):
    """The whole port, amending, private stream and fills included. Keys are arguments of each call."""

    name = NAME
    title = "Kraken"
    endpoints = OFFICIAL
    capabilities = Capabilities(
        credential_fields=(CredentialField("api_key", secret=False), CredentialField("api_secret", secret=True)),
        native_oco=False,
        native_otoco=False,
        edit_order=True,
        private_stream=True,
        trading_socket=True,
        max_candles=MOST_CANDLES,
        timeframes=TIMEFRAMES,
        request_window=WINDOW,
        exits_lock_funds=True,
        amends_stops=True,
        fees_in_quote=True,
        finds_many=True,
        tells_fees=True,
        streams_prices=True,
        streams_instruments=True,
    )

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None, timeouts: Timeouts | None = None) -> None:
        super().__init__(clock, endpoints or OFFICIAL, timeouts)
        self._history = KrakenHistory(self._calls, self._names)

    async def key_rights(self, keys: Credentials) -> KeyRights:
        """What this key may do: as the exchange says it, else found out by calls that change nothing."""
        return await rights(self._calls, keys)

    async def balances(self, keys: Credentials) -> list[Balance]:
        """All non-zero balances; free is without what orders hold."""
        if not self._catalogue.assets:
            await self._load()
        return balances_of(await self._calls.private("/0/private/BalanceEx", {}, keys), self._catalogue)

    async def fees(self, keys: Credentials, symbol: Symbol) -> Fees:
        """What this account pays on a pair: AssetPairs does not tell it."""
        form = {"pair": self._catalogue.native_of(symbol)}
        return fees_of(await self._calls.private("/0/private/TradeVolume", form, keys))

    async def open_orders(self, keys: Credentials, symbol: Symbol | None = None) -> list[OrderReport]:
        """Orders that rest at the exchange."""
        return await self._history.open_orders(keys, symbol)

    async def closed_orders(self, keys: Credentials, since: datetime, symbol: Symbol, *, fills: bool = True) -> list[OrderReport]:
        """Orders of one pair that ended after `since`, with their fills or without, oldest first."""
        return await self._history.closed_orders(keys, since, symbol, fills=fills)

    async def fills(self, keys: Credentials, symbol: Symbol, since: datetime) -> list[Fill]:
        """Executions of one pair from `since` on, oldest first."""
        return await self._history.fills(keys, symbol, since)

    async def find_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """The order with this client id, with its fills; None only when it neither rests nor is among those that ended.

        An order whose end and every execution the socket has told is not asked for again: that does not change.
        """
        told = self._calls.record_of(keys).socket.feed.known(client_order_id)
        if told is not None and told.is_whole:
            return told.report()
        return await self._history.find(keys, symbol, client_order_id)

    async def find_orders(
        self, keys: Credentials, wanted: Mapping[str, Symbol], since: datetime, until: datetime
    ) -> list[OrderReport]:
        """Of these orders those that the exchange knows, with their fills: two questions for all of them, and one more for fills.

        The times are ours; the exchange is asked by its own clock.
        """
        apart = self._now() - self._clock.now()
        return await self._history.find_several(keys, wanted, since + apart, until + apart)

    async def place_order(self, keys: Credentials, request: OrderRequest) -> OrderReport:
        """Send one order, once. One that cannot rest comes back with its fills, when the socket tells them within a second."""
        placing = Placing(request, self._catalogue.native_of(request.symbol))
        taken = await self._calls.change(placing, request.client_order_id, keys)
        rests = can_rest(request.type, request.time_in_force)
        ended = None if rests else await self._ended(keys, request.client_order_id)
        return ended or accepted_report(request, taken.exchange_id, self._now())

    async def cancel_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport:
        """Cancel; raises UnknownOrder when there is nothing to cancel. The answer says nothing of the order: it is looked at."""
        taken = await self._calls.change(Cancelling(symbol, client_order_id), client_order_id, keys)
        if not taken.count:
            raise UnknownOrder(exchange=NAME)
        try:  # from here on no failure may read as if nothing had been cancelled
            found = await self._ended(keys, client_order_id) or await self._history.find(keys, symbol, client_order_id)
        except (ExchangeError, DataError) as problem:
            raise OutcomeUnknown("cancel_unconfirmed", exchange=NAME, detail=problem.code) from problem
        if found is None:
            raise OutcomeUnknown("cancel_unconfirmed", exchange=NAME)
        return found

    async def edit_order(self, keys: Credentials, symbol: Symbol, client_order_id: str, request: OrderRequest) -> OrderReport:
        """A request with the same client id changes the order in place: quantity, limit and trigger, under the same ids.

        One with a new client id cancels the old order and places the new one; when only the cancel succeeded, Refused with
        the code `cancelled_not_replaced` is raised, and UnknownOrder when the old one was filled meanwhile. OutcomeUnknown,
        and no new order, while nobody can say whether the old one is gone.
        """
        if request.client_order_id != client_order_id:
            return await self._replace(keys, symbol, client_order_id, request)
        taken = await self._calls.change(Amending(request), client_order_id, keys)
        told = self._calls.record_of(keys).socket.feed.known(client_order_id)
        asked = accepted_report(request, taken.exchange_id, self._now())
        if told is None:
            return asked
        return replace(told.report(), quantity=asked.quantity, price=asked.price, stop_price=asked.stop_price)

    async def stream_account(self, keys: Credentials) -> AsyncIterator[AccountUpdate]:
        """Orders and balances as they change; StreamReset first, and again whenever something may have been missed."""
        async for update in self._calls.updates(keys):
            yield update

    async def _replace(self, keys: Credentials, symbol: Symbol, old: str, request: OrderRequest) -> OrderReport:
        cancelled = await self.cancel_order(keys, symbol, old)
        if not cancelled.status.is_final:  # both could be filled
            raise OutcomeUnknown("cancel_unconfirmed", exchange=NAME)
        if cancelled.status is OrderStatus.FILLED:
            raise UnknownOrder(exchange=NAME)
        try:
            return await self.place_order(keys, request)
        except (Refused, TryAgain) as error:
            native = error.facts.get("native_code", "")
            raise Refused("cancelled_not_replaced", exchange=NAME, reason=error.code, native_code=native) from error

    async def _ended(self, keys: Credentials, client_order_id: str) -> OrderReport | None:
        """The order as the socket tells its end; None when there is no socket, or it does not within a second."""
        socket = self._calls.record_of(keys).socket
        ended = await socket.feed.ended(client_order_id, _PATIENCE) if socket.is_open else None
        return ended.report() if ended is not None else None

    def _now(self) -> datetime:
        return from_milliseconds(self._calls.link.server_clock.timestamp())
