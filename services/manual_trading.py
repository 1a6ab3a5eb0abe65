"""Orders by hand: looked at, validated, executed within a window; positions closed, exits moved. All through the one door."""

from __future__ import annotations

import uuid
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from aristobot.errors import AristobotError, Conflict, InsufficientFunds, InvalidInput, InvalidOrder
from aristobot.market import Symbol
from aristobot.money import HUNDRED, ZERO, plain, round_up
from aristobot.orders import OrderStatus, Side
from aristobot.store import positions
from aristobot.store.trading_tables import Order
from services.bracket_keeper import BracketKeeper
from services.broker_book import Account
from services.execution_window import ExecutionWindows, Window
from services.order_desk import OrderDesk
from services.order_draft import Exits, PlaceOrder, PlacePair, collar_price
from services.order_ticket import OWNER, Market, Plan, Ticket, TicketKind, Way, check_ticket, closing_wish, exits_of, wish_of
from services.portfolio import Portfolio
from services.resting_orders import Outcome, RestingOrders, each
from services.rights import for_traders
from services.trading_floor import TradingFloor

#: A position of which an OCO covers at least this share, in per cent, is guarded as a whole: lots and fees leave crumbs.
_ALL_BUT_CRUMBS = Decimal(99)


@for_traders("market", "plan", memory="_floor.db")
class ManualTrading:
    """What a user's own hand may do. Every method is for one user, and answers NotFound for what is another's."""

    def __init__(self, floor: TradingFloor, desk: OrderDesk, keeper: BracketKeeper, portfolio: Portfolio) -> None:
        self._floor = floor
        self._desk = desk
        self._keeper = keeper
        self._portfolio = portfolio
        self.resting = RestingOrders(floor, desk, keeper)
        self.windows: ExecutionWindows[list[Order]] = ExecutionWindows(floor.clock)

    async def market(self, user_id: uuid.UUID, broker_id: uuid.UUID, symbol: Symbol) -> Market:
        """What sizes are counted from, now. Raises NotFound, UnknownSymbol, ExchangeError."""
        account = await self._floor.brokers.owned(user_id, broker_id)
        await self._floor.fees.learn(account, symbol)
        instrument = await self._floor.fees.instrument(account, symbol)
        client = self._floor.gateway.client_for(account.broker)
        reference = await self._floor.prices.price(client, symbol)
        held = (await self._floor.positions.of(account)).open_one(symbol, OWNER)
        return Market(
            instrument=instrument,
            reference=reference,
            worst_buy=collar_price(instrument, Side.BUY, reference, account.limits.collar_percent),
            free_base=await self._floor.accounts.free(account, instrument.base),
            free_quote=await self._floor.accounts.free(account, instrument.quote),
            equity=(await self._portfolio.of_account(account, instrument.quote)).total or ZERO,
            fee_on_top=instrument.taker_fee if client.capabilities.fees_in_quote else ZERO,
            native_oco=client.capabilities.native_oco and instrument.oco_allowed,
            held=held.quantity if held else ZERO,
        )

    async def plan(self, user_id: uuid.UUID, ticket: Ticket) -> Plan:
        """What a ticket becomes, to the digit. Raises InvalidInput naming the field, NotFound, ExchangeError."""
        market = await self.market(user_id, ticket.broker_id, ticket.symbol)
        check_ticket(ticket, market.reference)
        way, ticket = _way(ticket, market)
        seen = await self._desk.preview(user_id, wish_of(ticket, market.instrument, uuid.uuid4()))
        return Plan(
            ticket=replace(ticket, quantity=seen.request.quantity),
            instrument=market.instrument,
            request=seen.request,
            way=way,
            reference=seen.reference,
            notional=seen.notional,
            fee=seen.fee,
            own_fees=self._floor.fees.are_own(await self._floor.brokers.owned(user_id, ticket.broker_id), ticket.symbol),
            stop_price=market.instrument.price(ticket.stop_price),
            target_price=round_up(ticket.target_price, market.instrument.tick),
            refusal=seen.refusal or _beyond_funds(ticket, market, way),
        )

    async def validate(self, user_id: uuid.UUID, ticket: Ticket) -> tuple[Window, Plan]:
        """Look once more, and open a window on exactly this. Raises what `plan` raises, and its refusal."""
        plan = await self.plan(user_id, ticket)
        if plan.refusal is not None:
            raise plan.refusal

        async def send(cause: uuid.UUID) -> list[Order]:
            return await self._send(user_id, plan, cause)

        return self.windows.open(user_id, send), plan

    async def _send(self, user_id: uuid.UUID, plan: Plan, cause: uuid.UUID) -> list[Order]:
        if plan.ticket.kind is TicketKind.OCO:
            account = await self._floor.brokers.owned(user_id, plan.ticket.broker_id)
            if plan.ticket.side is Side.SELL:
                return await self._sell_oco(account, plan, cause)
            return [await self._buy_with_exits(account, plan, cause)]
        return [await self._desk.place(user_id, _frozen(plan, cause))]

    async def _buy_with_exits(self, account: Account, plan: Plan, cause: uuid.UUID) -> Order:
        """The exits go out with the entry where the exchange can do that, else they are asked for with its first fill."""
        exits = Exits(plan.stop_price, plan.target_price)
        wish = replace(_frozen(plan, cause), guard_with=exits)
        client = self._floor.gateway.client_for(account.broker)
        held = (await self._floor.positions.of(account)).open_one(wish.symbol, OWNER)
        listed = client.capabilities.native_otoco and plan.instrument.otoco_allowed and held is None
        row = await self._desk.place(account.user_id, wish, exits=exits if listed else None)
        if listed and row.status is OrderStatus.REJECTED and row.reason == InvalidOrder.default_code:
            row = await self._desk.place(account.user_id, replace(wish, attempt=2))
        row = await self._desk.settled(row)
        if row.position_id is not None and row.filled and not row.list_client_id:
            await self._keeper.resume(account.user_id, row.position_id)
        return row

    async def _sell_oco(self, account: Account, plan: Plan, cause: uuid.UUID) -> list[Order]:
        held = (await self._floor.positions.of(account)).open_one(plan.ticket.symbol, OWNER)
        if plan.way is Way.KEPT:
            if held is None:
                raise Conflict("position_gone", symbol=plan.ticket.symbol)
            return list((await self._keeper.guard(account.user_id, held.id, exits_of(plan))).resting)
        pair = PlacePair(
            broker_id=account.id,
            position_id=held.id if held else None,
            symbol=plan.ticket.symbol,
            quantity=plan.request.quantity,
            stop_price=plan.stop_price,
            target_price=plan.target_price,
            owner=OWNER,
            cause=cause,
            leg=OWNER,
            attempt=1,
        )
        return await self._desk.place_pair(account.user_id, pair)

    async def close_position(self, user_id: uuid.UUID, position_id: uuid.UUID, cause: uuid.UUID) -> Order:
        """Take the exits back and sell the whole at the market, once per cause. Raises NotFound, Conflict, ExchangeError."""
        row = await self._floor.db.read(user_id, lambda s: positions.get(s, position_id))
        account = await self._floor.brokers.owned(user_id, row.broker_id)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, row.symbol)
        price = await self._floor.prices.price(self._floor.gateway.client_for(account.broker), row.symbol)
        if row.closed_at is not None:
            raise Conflict("position_gone", symbol=row.symbol)
        if instrument.is_dust(row.quantity, price):
            raise Conflict("position_is_dust", symbol=row.symbol, quantity=plain(row.quantity))
        async with self._keeper.standing_down(user_id, position_id) as left:
            if left <= ZERO:
                raise Conflict("position_gone", symbol=row.symbol)
            return await self._desk.place(user_id, closing_wish(row, left, cause))

    async def close_all(self, user_id: uuid.UUID, broker_id: uuid.UUID | None, cause: uuid.UUID) -> list[Outcome]:
        """Close every open position of a broker, or of all; one that cannot be closed stops no other."""
        held = await self._floor.db.read(user_id, lambda s: positions.open_ones(s, broker_id))
        return await each([(row.symbol, partial(self.close_position, user_id, row.id, cause)) for row in held])


def _way(ticket: Ticket, market: Market) -> tuple[Way, Ticket]:
    """How an OCO comes to rest, and over how much: what the keeper guards is the whole position."""
    if ticket.kind is not TicketKind.OCO or ticket.side is Side.BUY:
        return Way.ALONE, ticket
    whole = market.held and ticket.quantity * HUNDRED >= market.held * _ALL_BUT_CRUMBS and ticket.quantity <= market.held
    if whole or (market.held and not market.native_oco):
        return Way.KEPT, replace(ticket, quantity=market.held)
    if not market.native_oco:
        raise InvalidInput("oco_needs_position", field="kind", symbol=ticket.symbol)
    return Way.LIST, ticket


def _beyond_funds(ticket: Ticket, market: Market, way: Way) -> AristobotError | None:
    """A sale is not looked at by the desk's own check of funds: an exit must come out. A hand may be told."""
    if ticket.side is Side.SELL and way is not Way.KEPT and ticket.quantity > market.free_base:
        asset = market.instrument.base
        return InsufficientFunds(asset=asset, needed=plain(ticket.quantity), free=plain(market.free_base))
    return None


def _frozen(plan: Plan, cause: uuid.UUID) -> PlaceOrder:
    """The wish, with the very figures that were shown."""
    bound = (
        plan.request.price if plan.request.side is Side.BUY and plan.ticket.kind in (TicketKind.MARKET, TicketKind.OCO) else ZERO
    )
    return replace(wish_of(plan.ticket, plan.instrument, cause, bound), quantity=plan.request.quantity)
