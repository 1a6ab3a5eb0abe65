"""Bitget spot: the exchange port, spoken natively, in whichever of its two protocols an account has."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from aristobot.clock import Clock
from aristobot.errors import DataError, ExchangeError, InvalidOrder, OutcomeUnknown, Refused, TryAgain, UnknownOrder
from aristobot.exchange import Capabilities, CredentialField, Credentials, Endpoints
from aristobot.market import Symbol
from aristobot.money import ZERO
from aristobot.orders import OrderReport, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from services.exchanges import bitget_candles as candles
from services.exchanges.bitget_account import BitgetAccount
from services.exchanges.bitget_calls import VALID_FOR
from services.exchanges.bitget_errors import NAME
from services.exchanges.bitget_market import MOST_CANDLES
from services.exchanges.bitget_placed import AmendRefused
from services.exchanges.bitget_sign import Signer
from services.exchanges.bitget_way import Way
from services.exchanges.bitget_wire import TRIGGERED_TYPES
from services.exchanges.transport import Timeouts

#: Seconds between two looks at an order whose cancel was taken: the answer does not say that it is over.
_LOOKS = (0.0, 0.1, 0.3, 0.6, 1.0)

OFFICIAL = Endpoints(
    rest="https://api.bitget.com",
    stream="wss://ws.bitget.com/v2/ws/public",
    trading="wss://ws.bitget.com/v2/ws/private",
)


class BitgetClient(BitgetAccount):
    """The port with amending, private stream and fills. Keys are arguments of each call."""

    name = NAME
    title = "Bitget"
    endpoints = OFFICIAL
    capabilities = Capabilities(
        credential_fields=(
            CredentialField("api_key", secret=False),
            CredentialField("api_secret", secret=True),
            CredentialField("passphrase", secret=True),
        ),
        native_oco=False,
        native_otoco=False,
        edit_order=True,
        amends_stops=True,
        stops_by_side=True,
        tells_fees=True,
        private_stream=True,
        trading_socket=True,
        max_candles=MOST_CANDLES,
        timeframes=tuple(candles.GRANULARITIES),
        request_window=VALID_FOR,
        exits_lock_funds=False,
    )

    def __init__(self, clock: Clock, endpoints: Endpoints | None = None, timeouts: Timeouts | None = None) -> None:
        super().__init__(clock, endpoints or OFFICIAL, timeouts)

    async def place_order(self, keys: Credentials, request: OrderRequest) -> OrderReport:
        """Send one order, once. The report says that it was taken; what became of it comes by stream or question.

        A market buy is sized in quote here. One sized in base becomes a limit order that takes what is offered within a
        percent or so of the best price, and no more than was asked for.
        """
        asked = request
        if request.type is OrderType.MARKET and request.side is Side.BUY and not request.quote_quantity:
            asked = await self._taking(request)

        async def send(way: Way, signer: Signer) -> OrderReport:
            report = await way.place(self._ask(signer, request.symbol), asked)
            plans = self._calls.record(signer).plans
            if request.type in TRIGGERED_TYPES:
                plans.note(request.client_order_id, report.exchange_order_id)
            else:
                plans.note_ordinary(report.exchange_order_id)
            return report if asked is request else replace(report, type=request.type, price=request.price)

        return await self._spoken(keys, send)

    async def cancel_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport:
        """Cancel, and look what it came to; raises UnknownOrder when there is nothing to cancel."""
        await self._about(keys, symbol, lambda history: history.cancel_wherever(client_order_id))
        report: OrderReport | None = None
        try:
            for pause in _LOOKS:
                await self._clock.sleep(pause)
                report = await self.find_order(keys, symbol, client_order_id)
                if report is not None and report.status.is_final:
                    return report
        except (ExchangeError, DataError) as problem:  # none of them may read as if nothing had been cancelled
            raise OutcomeUnknown("cancel_unconfirmed", exchange=NAME, detail=problem.code) from problem
        if report is None:
            raise OutcomeUnknown("cancel_unconfirmed", exchange=NAME)
        return report

    async def edit_order(self, keys: Credentials, symbol: Symbol, client_order_id: str, request: OrderRequest) -> OrderReport:
        """A request with the same client id changes a stop or target in place, and in unified accounts a limit order too.

        One with a new client id cancels the old order and places the new one; when only the cancel succeeded, Refused with
        the code `cancelled_not_replaced` is raised.
        """
        if request.client_order_id == client_order_id:
            return await self._spoken(keys, lambda way, signer: way.amend(self._ask(signer, symbol), request))
        try:
            replaced = await self._spoken(
                keys, lambda way, signer: way.replace(self._ask(signer, symbol), client_order_id, request)
            )
        except AmendRefused as refusal:
            raise await self._half_done(keys, symbol, client_order_id, refusal) from refusal
        return replaced or await self._replaced(keys, symbol, client_order_id, request)

    async def _taking(self, request: OrderRequest) -> OrderRequest:
        """The market buy as a limit order that takes what is offered at once, up to a price within the exchange's limit."""
        catalogue = await self._listed()
        offered = next((one.ask for one in await self.tickers([request.symbol])), ZERO)
        if not offered:
            raise InvalidOrder("market_buy_without_price", exchange=NAME, symbol=request.symbol)
        highest = catalogue.highest_buy(request.symbol, offered)
        return msgspec.structs.replace(request, type=OrderType.LIMIT, price=highest, time_in_force=TimeInForce.IOC)

    async def _replaced(self, keys: Credentials, symbol: Symbol, client_id: str, request: OrderRequest) -> OrderReport:
        """Cancel, then place."""
        old = await self.cancel_order(keys, symbol, client_id)
        if not old.status.is_final:
            raise OutcomeUnknown("cancel_unconfirmed", exchange=NAME)
        if old.status is OrderStatus.FILLED:
            raise UnknownOrder(exchange=NAME, detail=old.status.value)
        try:
            return await self.place_order(keys, request)
        except (Refused, TryAgain) as refusal:
            raise Refused("cancelled_not_replaced", exchange=NAME, reason=refusal.code) from refusal

    async def _half_done(self, keys: Credentials, symbol: Symbol, client_id: str, refusal: AmendRefused) -> Refused:
        """What a replacement that failed means: the old order tells which half did. Raises OutcomeUnknown when nobody can say."""
        try:
            old = await self.find_order(keys, symbol, client_id)
        except (ExchangeError, DataError) as problem:
            raise OutcomeUnknown(exchange=NAME, detail=problem.code) from problem
        if old is None or old.status is OrderStatus.FILLED:
            return UnknownOrder(exchange=NAME, detail=str(refusal.facts["detail"]))
        if old.status.is_final:
            return Refused("cancelled_not_replaced", exchange=NAME, reason=str(refusal.facts["detail"]))
        return refusal
