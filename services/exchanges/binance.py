"""Binance spot: the exchange port, spoken natively."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from aristobot.clock import Clock
from aristobot.errors import ExchangeError, InvalidOrder
from aristobot.exchange import (
    AccountUpdate,
    Capabilities,
    CredentialField,
    Credentials,
    Endpoints,
    Fees,
    KeyRights,
    SendOrder,
    StreamReset,
)
from aristobot.market import Symbol, Timeframe
from aristobot.orders import Fill, OcoRequest, OrderReport, OrderRequest, OtocoRequest
from aristobot.portfolio import Balance
from services.exchanges import binance_orders as asked
from services.exchanges import binance_wire as wire
from services.exchanges.answers import AnswersDoubt, UnlistedSymbol
from services.exchanges.binance_calls import WINDOW_MS
from services.exchanges.binance_errors import NAME
from services.exchanges.binance_events import update_of
from services.exchanges.binance_history import BinanceHistory
from services.exchanges.binance_market import MOST_CANDLES, BinanceMarket
from services.exchanges.transport import Timeouts

OFFICIAL = Endpoints(
    rest="https://api.binance.com",
    stream="wss://stream.binance.com:9443",
    trading="wss://ws-api.binance.com:443/ws-api/v3",
)


class BinanceClient(BinanceMarket):
    """The whole port, order lists, amending, private stream and fills included. Keys are arguments of each call."""

    name = NAME
    title = "Binance"
    endpoints = OFFICIAL
    capabilities = Capabilities(
        credential_fields=(CredentialField("api_key", secret=False), CredentialField("api_secret", secret=True)),
        native_oco=True,
        native_otoco=True,
        edit_order=True,
        private_stream=True,
        trading_socket=True,
        tells_fees=True,
        prepares_orders=True,
        max_candles=MOST_CANDLES,
        timeframes=tuple(Timeframe),
        request_window=WINDOW_MS / 1000,
    )

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None, timeouts: Timeouts | None = None) -> None:
        super().__init__(clock, endpoints or OFFICIAL, timeouts)
        self._history = BinanceHistory(self._calls)

    async def key_rights(self, keys: Credentials) -> KeyRights:
        """What this key may do. A test network has no page of rights: there the account alone is asked."""
        account = wire.decoded(wire.ACCOUNT, await self._calls.signed("/api/v3/account", {"omitZeroBalances": True}, keys, 20))
        try:
            body = await self._calls.signed("/sapi/v1/account/apiRestrictions", {}, keys, 1)
        except ExchangeError as error:
            if error.facts.get("native_code") != 404:
                raise
            return KeyRights(can_read=True, can_trade=account.can_trade, can_withdraw=False)
        return wire.rights_of(wire.decoded(wire.RESTRICTIONS, body), account)

    async def balances(self, keys: Credentials) -> list[Balance]:
        """All non-zero balances."""
        body = await self._calls.signed("/api/v3/account", {"omitZeroBalances": True}, keys, 20)
        return wire.balances_of(wire.decoded(wire.ACCOUNT, body))

    async def fees(self, keys: Credentials, symbol: Symbol) -> Fees:
        """What this account pays on a symbol, without the discount for who pays in BNB."""
        params: asked.Params = {"symbol": self._catalogue.native_of(symbol)}
        body = await self._calls.signed("/api/v3/account/commission", params, keys, 20)
        return wire.fees_of(wire.decoded(wire.COMMISSION, body))

    async def open_orders(self, keys: Credentials, symbol: Symbol | None = None) -> list[OrderReport]:
        """Orders that rest at the exchange, legs of lists included."""
        params: asked.Params = {"symbol": self._catalogue.native_of(symbol)} if symbol else {}
        body = await self._calls.signed("/api/v3/openOrders", params, keys, 6 if symbol else 80)
        return [wire.report_of(one, symbol or await self._known(one.symbol)) for one in wire.decoded(wire.ORDERS, body)]

    async def closed_orders(self, keys: Credentials, since: datetime, symbol: Symbol, *, fills: bool = True) -> list[OrderReport]:
        """Orders of one symbol that ended after `since`, with their fills or without, oldest first."""
        return await self._history.closed_orders(keys, self._catalogue.native_of(symbol), symbol, since, fills=fills)

    async def fills(self, keys: Credentials, symbol: Symbol, since: datetime) -> list[Fill]:
        """Executions of one symbol from `since` on, oldest first."""
        return await self._history.fills(keys, self._catalogue.native_of(symbol), symbol, since)

    async def find_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """The order with this client id, with its fills; None only when the exchange says that it knows none.

        An order too old to be shown (cancelled or expired without fills, 90 days ago) raises UnknownOrder: it did exist.
        """
        return await self._history.find(keys, self._catalogue.native_of(symbol), symbol, client_order_id)

    async def place_order(self, keys: Credentials, request: OrderRequest) -> OrderReport:
        """Send one order, once."""
        answer = await self._calls.order(asked.PLACE, self._order_params(request), keys)
        with AnswersDoubt(NAME):
            return wire.report_of(wire.decoded(wire.ORDER, answer), request.symbol)

    def prepare_order(self, keys: Credentials, request: OrderRequest) -> SendOrder | None:
        """One order signed and written out for the key's open socket; None while there is none."""
        prepared = self._calls.prepared(asked.PLACE, self._order_params(request), keys)
        if prepared is None:
            return None

        async def send() -> OrderReport:
            answer = await self._calls.send(prepared)
            with AnswersDoubt(NAME):
                return wire.report_of(wire.decoded(wire.ORDER, answer), request.symbol)

        return send

    def _order_params(self, request: OrderRequest) -> asked.Params:
        return asked.order_params(request, self._catalogue.native_of(request.symbol), WINDOW_MS)

    async def cancel_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport:
        """Cancel; raises UnknownOrder when there is nothing to cancel. Cancelling one leg of a list cancels the list."""
        params = asked.cancel_params(self._catalogue.native_of(symbol), client_order_id, WINDOW_MS)
        answer = await self._calls.order(asked.CANCEL, params, keys)
        with AnswersDoubt(NAME):
            return wire.cancelled(answer, symbol, client_order_id)

    async def edit_order(self, keys: Credentials, symbol: Symbol, client_order_id: str, request: OrderRequest) -> OrderReport:
        """A request with the same client id makes the order smaller in place (Binance can do no more there).

        One with a new client id cancels the old order and places the new one; when only the cancel succeeded, Refused with
        the code `cancelled_not_replaced` is raised.
        """
        native = self._catalogue.native_of(symbol)
        if request.client_order_id == client_order_id:
            answer = await self._calls.order(asked.AMEND, asked.amend_params(native, request, WINDOW_MS), keys)
            with AnswersDoubt(NAME):
                return asked.amended(answer, symbol)
        params = asked.replace_params(native, client_order_id, request, WINDOW_MS)
        answer = await self._calls.order(asked.REPLACE, params, keys)
        with AnswersDoubt(NAME):
            return asked.replaced(answer, symbol)

    async def place_oco(self, keys: Credentials, request: OcoRequest) -> list[OrderReport]:
        """Place stop and target as one list; reports in the order stop, target."""
        native = self._catalogue.native_of(request.symbol)
        answer = await self._calls.order(asked.OCO, asked.oco_params(request, native, WINDOW_MS), keys)
        with AnswersDoubt(NAME):
            legs = wire.legs_of(answer, request.symbol)
            return [wire.leg_named(legs, one.client_order_id) for one in (request.stop, request.target)]

    async def place_otoco(self, keys: Credentials, request: OtocoRequest) -> list[OrderReport]:
        """Place a limit entry that brings its stop and target; reports in the order entry, stop, target.

        Without an `exit_quantity` the exchange sizes the exits (OPOCO): by all that was bought, when other coins of the
        account can pay the fee. Raises InvalidOrder where the symbol does not allow that.
        """
        symbol = request.entry.symbol
        sized = not request.exit_quantity
        if sized and symbol not in self._catalogue.opo_allowed:
            raise InvalidOrder("order_not_supported", exchange=NAME, detail="OPOCO")
        params = asked.otoco_params(request, self._catalogue.native_of(symbol), WINDOW_MS, sized_by_exchange=sized)
        answer = await self._calls.order(asked.OPOCO if sized else asked.OTOCO, params, keys)
        with AnswersDoubt(NAME):
            legs = wire.legs_of(answer, symbol)
            return [wire.leg_named(legs, one.client_order_id) for one in (request.entry, request.stop, request.target)]

    async def cancel_list(self, keys: Credentials, symbol: Symbol, list_client_id: str) -> list[OrderReport]:
        """Cancel a whole list; reports of its legs."""
        params = asked.cancel_list_params(self._catalogue.native_of(symbol), list_client_id, WINDOW_MS)
        answer = await self._calls.order(asked.CANCEL_LIST, params, keys)
        with AnswersDoubt(NAME):
            return wire.legs_of(answer, symbol)

    async def stream_account(self, keys: Credentials) -> AsyncIterator[AccountUpdate]:
        """Orders and balances as they change; StreamReset first, and again whenever something may have been missed."""
        async for event in self._calls.events(keys):
            if event is None:
                yield StreamReset()
                continue
            try:
                update = update_of(event, self._catalogue.symbol_of)
            except UnlistedSymbol:
                await self._load_catalogue()
                update = update_of(event, self._catalogue.symbol_of)
            if update is not None:
                yield update
