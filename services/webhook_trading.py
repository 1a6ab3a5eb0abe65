"""What a signal asks for: PING, buy, sell, move exits, cancel — each ends as one Verdict on the alert's one row."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from loguru import logger
from msgspec.structs import replace

from aristobot.errors import AristobotError, DataError, ExchangeError, InvalidOrder, RiskRefused
from aristobot.kinds import BracketStatus, OrderOrigin, OrderRole, WebhookOutcome, WebhookStatus
from aristobot.money import HUNDRED, ZERO, percent_of
from aristobot.orders import OrderStatus, OrderType, Side
from aristobot.signals import Action, Signal, staleness
from aristobot.store import brackets, orders, positions
from aristobot.store.trading_tables import Order, PositionRow
from services.alerts import NOTHING_DONE, OWNER, SOLD_TOO_LITTLE, Alert, Verdict, failed, longest_age, not_for_us, progress
from services.bracket_keeper import BracketKeeper
from services.broker_book import Account
from services.exit_plan import ExitPlan, from_specs, kept_plan, plan_of
from services.market_choice import MarketChoice
from services.order_desk import OrderDesk
from services.order_draft import Exits, PlaceOrder
from services.trading_floor import TradingFloor

#: An exit is tried again under a new attempt when the exchange certainly did nothing (reliability, 3.3).
_EXIT_ATTEMPTS = 4
#: Seconds between the rounds of an exit that the exchange does not take: an outage must not cost it.
_EXIT_PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 30.0)
_ENTRIES = frozenset({Action.BUY_MARKET, Action.BUY_LIMIT})
#: What these do first is to have an order written, which is refused while their alert is not stored.
_ORDERS_FIRST = _ENTRIES | {Action.SELL_MARKET}


class WebhookTrading:
    """Carries out signals through desk and keeper. Called by the lanes of the engine, one at a time per broker and symbol."""

    def __init__(self, floor: TradingFloor, desk: OrderDesk, keeper: BracketKeeper, markets: MarketChoice) -> None:
        self._floor = floor
        self._desk = desk
        self._keeper = keeper
        self._markets = markets
        self._handlers: dict[Action, Callable[[Alert, Signal, str, str], Awaitable[Verdict]]] = {
            Action.BUY_MARKET: self._buy,
            Action.BUY_LIMIT: self._buy,
            Action.SELL_MARKET: self._sell,
            Action.SELL_LIMIT: self._sell,
            Action.MOVE: self._move,
            Action.CANCEL: self._cancel,
        }

    def lane(self, account: Account, signal: Signal) -> str:
        """Where an alert waits its turn: one at a time per broker and market."""
        return self._markets.lane(account, signal)

    async def carry_out(self, alert: Alert, commands: Sequence[Signal]) -> list[Verdict]:
        """Do the commands of one alert in order, until one fails; what comes after a failure is not done.

        Raises AlertMissing, with nothing done, for an alert that turns out not to be stored.
        """
        if len(commands) > 1:
            await alert.durable()
        verdicts: list[Verdict] = []
        for position, signal in enumerate(commands):
            verdicts.append(await self._one(alert, signal, f"c{position}"))
            if verdicts[-1].status is WebhookStatus.ERROR:
                break
        return verdicts

    async def _one(self, alert: Alert, signal: Signal, leg: str) -> Verdict:
        if signal.action is Action.PING:
            return Verdict(WebhookOutcome.PING)
        if signal.action is Action.MISS:
            return Verdict(WebhookOutcome.NO_EFFECT, "reason.missed_alerts", missed=True)
        try:
            refusal = not_for_us(alert.account, signal)
            if refusal is not None:
                return refusal
            symbol = await self._markets.symbol(alert.account, signal)
            if alert.recovered and (finished := await self._finish_earlier(alert, signal, symbol, leg)) is not None:
                return finished
            all_known = await self._desk.fills_known(alert.account.id, symbol, OWNER)
            if not all_known and signal.action in _ENTRIES:
                raise RiskRefused("order_in_doubt", symbol=symbol)
            stale = staleness(signal, alert.received_at, self._floor.clock.now(), longest_age(alert.account, signal))
            if stale is not None:
                return Verdict(WebhookOutcome.STALE, stale.code, dict(stale.facts), symbol=symbol)
            if signal.action not in _ORDERS_FIRST:
                await alert.durable()
            priced = await self._markets.priced(alert.account, signal, symbol)
            return await self._handlers[signal.action](alert, priced, symbol, leg)
        except AristobotError as error:
            logger.warning("Alert {} cannot be carried out: {}", alert.id, error)
            return Verdict(WebhookOutcome.REFUSED, f"error.{error.code}", dict(error.facts))

    async def _finish_earlier(self, alert: Alert, signal: Signal, symbol: str, leg: str) -> Verdict | None:
        """After a restart: what was already sent for this command is finished, however old it has become, and not sent again."""
        user_id = alert.account.user_id
        mine = await self._sent_before(alert, leg)
        if not mine:
            return None
        row = await self._desk.settled(mine[-1])
        if row.side is Side.SELL:
            held = await self._position(alert.account, symbol)
            if row.status in SOLD_TOO_LITTLE and (not row.filled or (held is not None and held.id == row.position_id)):
                return None
            if row.position_id is not None:
                await self._keeper.resume(user_id, row.position_id)
        elif (position_id := row.position_id) is not None and row.filled:
            unheeded = await self._floor.db.read(user_id, lambda s: brackets.unheeded(s, position_id))
            if any(entry.id == row.id for entry in unheeded):
                await self.protect(alert, signal, position_id)
            else:
                await self._keeper.resume(user_id, position_id)
        return self._of_order(row, symbol)

    def _of_order(self, row: Order, symbol: str) -> Verdict:
        if row.status.is_refused or (row.status is OrderStatus.EXPIRED and not row.filled):
            return failed(row, symbol)
        return Verdict(WebhookOutcome.ORDERED, orders=(row,), symbol=symbol)

    async def _buy(self, alert: Alert, signal: Signal, symbol: str, leg: str) -> Verdict:
        account = alert.account
        if signal.covers_a_short:
            return Verdict(WebhookOutcome.NO_EFFECT, "reason.no_short_on_spot", symbol=symbol)
        held = await self._position(account, symbol)
        if held is not None and not account.limits.pyramiding:
            return Verdict(WebhookOutcome.NO_EFFECT, "reason.already_long", {"symbol": symbol}, symbol=symbol)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, symbol)
        free = await self._floor.accounts.free(account, instrument.quote)
        spend = percent_of(free, signal.percent)
        if spend <= ZERO:
            return Verdict(WebhookOutcome.REFUSED, "reason.nothing_free", {"asset": instrument.quote}, symbol=symbol)
        wish = self._wish(alert, signal, symbol, leg, spend)
        exits = await self._exits_in_one_list(account, signal, symbol)
        row = await self._desk.place(account.user_id, wish, progress(alert, symbol), exits)
        if exits is not None and row.status is OrderStatus.REJECTED and row.reason == InvalidOrder.default_code:
            # A list that this market does not take: the entry alone, its exits right after it.
            row = await self._desk.place(account.user_id, replace(wish, attempt=2), progress(alert, symbol))
        if row.position_id is not None and row.filled and not row.list_client_id:
            await self._guard(alert, signal, row.position_id)
        return self._of_order(row, symbol)

    async def _exits_in_one_list(self, account: Account, signal: Signal, symbol: str) -> Exits | None:
        """Stop and target that can go out with the entry itself, counted from the market's price; None when they cannot."""
        single = len(signal.take_profit) == 1 and signal.take_profit[0].share == HUNDRED
        if signal.is_limit or signal.stop_loss is None or not single:
            return None
        instrument = await self._floor.catalog.instrument(account.broker.exchange, symbol)
        client = self._floor.gateway.client_for(account.broker)
        able = client.capabilities.native_otoco and instrument.otoco_allowed
        if not able or await self._position(account, symbol):
            return None
        price = await self._floor.prices.price(client, symbol)
        stop, target = signal.stop_loss.at(price), signal.take_profit[0].price.at(price)
        return Exits(stop, target) if ZERO < stop < price < target else None

    async def protect(self, alert: Alert, signal: Signal, position_id: uuid.UUID) -> None:
        """Put up the exits that an entry asked for, in the prices of its alert, after a restart or a late fill."""
        position = await self._floor.db.read(alert.account.user_id, lambda s: positions.get(s, position_id))
        if signal.stop_loss is not None or signal.take_profit:
            priced = await self._markets.exits_for(alert.account, signal, position.symbol)
            await self._guard(alert, priced, position_id)

    async def _guard(self, alert: Alert, signal: Signal, position_id: uuid.UUID) -> None:
        """Put up the exits that an entry asked for, counted from the position's average entry."""
        if signal.stop_loss is None and not signal.take_profit:
            return
        user_id = alert.account.user_id
        position = await self._floor.db.read(user_id, lambda s: positions.get(s, position_id))
        instrument = await self._floor.catalog.instrument(alert.account.broker.exchange, position.symbol)
        keep = await self._kept(user_id, position_id)
        plan = from_specs(signal.stop_loss, signal.take_profit, position.entry, instrument, keep)
        if plan == keep:
            await self._keeper.resume(user_id, position_id)
            return
        await self._keeper.guard(user_id, position_id, plan)

    async def _sell(self, alert: Alert, signal: Signal, symbol: str, leg: str) -> Verdict:
        account = alert.account
        position = await self._position(account, symbol)
        if position is None:
            return Verdict(WebhookOutcome.NO_EFFECT, "reason.nothing_to_sell", {"symbol": symbol}, symbol=symbol)
        if signal.action is Action.SELL_LIMIT and signal.price is not None:
            return await self._sell_at(alert, signal, position, signal.price)
        return await self._sell_until_sold(alert, signal, position, leg)

    async def _sell_until_sold(self, alert: Alert, signal: Signal, position: PositionRow, leg: str) -> Verdict:
        """An exit that cannot be asked for, is not taken, or only in part, is gone on with; the stop rests in between."""
        user_id, symbol = alert.account.user_id, position.symbol
        sent = await self._sent_before(alert, leg) if alert.recovered else []
        sold, first = [row for row in sent if row.filled], max((row.attempt for row in sent), default=0) + 1
        for round_, pause in enumerate((*_EXIT_PAUSES, None)):
            try:
                async with self._keeper.standing_down(user_id, position.id, alert.durable) as sellable:
                    if sellable <= ZERO:
                        return self._of_sale(sold, None, symbol)
                    quantity = percent_of(sellable, signal.percent)
                    if sold and signal.percent < HUNDRED:
                        quantity = min(sold[-1].quantity - sold[-1].filled, sellable)
                    wish = self._wish(alert, signal, symbol, leg, quantity, position.id)
                    row = await self._exit(alert, wish, first + round_ * _EXIT_ATTEMPTS)
            except (ExchangeError, DataError) as error:
                if pause is None:
                    raise
                logger.error("The exit of {} cannot be carried out yet: {}", symbol, error)
            else:
                sold += [row] if row.filled else []
                if row.status not in SOLD_TOO_LITTLE or pause is None:
                    return self._of_sale(sold, row, symbol)
                logger.error("The exit of {} sold {} of {} and is tried again: {}", symbol, row.filled, row.quantity, row.reason)
            await self._floor.clock.sleep(pause)
        raise AssertionError("the last round returns")

    async def _exit(self, alert: Alert, wish: PlaceOrder, first: int) -> Order:
        """Sell, under a new attempt each time the exchange certainly did nothing; a refusal of ours is final."""
        account = alert.account
        for number in range(first, first + _EXIT_ATTEMPTS):
            tried = wish if number == wish.attempt else replace(wish, attempt=number)
            row = await self._desk.place(account.user_id, tried, progress(alert, wish.symbol))
            if row.status not in NOTHING_DONE:
                return row
            await self._floor.accounts.refresh(account)
        return row

    async def _sent_before(self, alert: Alert, leg: str) -> list[Order]:
        """The orders that an earlier run has sent for a command, oldest first."""
        caused = await self._floor.db.read(alert.account.user_id, lambda s: orders.of_webhook(s, alert.id))
        return [row for row in caused if row.leg == leg]

    def _of_sale(self, sold: Sequence[Order], last: Order | None, symbol: str) -> Verdict:
        """The end of an exit: what it sold, however much that is; else why it sold nothing."""
        if sold:
            return Verdict(WebhookOutcome.ORDERED, orders=tuple(sold), symbol=symbol)
        if last is None:
            return Verdict(WebhookOutcome.NO_EFFECT, "reason.exit_already_filled", {"symbol": symbol}, symbol=symbol)
        return failed(last, symbol)

    async def _sell_at(self, alert: Alert, signal: Signal, position: PositionRow, price: Decimal) -> Verdict:
        """A limit sell becomes the target of the position's bracket, beside its stop, in the place of the targets before."""
        user_id, symbol = alert.account.user_id, position.symbol
        bracket = await self._floor.db.read(user_id, lambda s: positions.bracket_of(s, position.id))
        stop = bracket.stop_price if bracket else ZERO
        guarded = await self._keeper.guard(user_id, position.id, ExitPlan(stop, ((min(signal.percent, HUNDRED), price),)))
        targets = tuple(order for order in guarded.resting if order.role is OrderRole.TARGET)
        watched = guarded.bracket is not None and guarded.bracket.status is BracketStatus.ACTIVE
        if not targets and not watched and guarded.position.quantity == position.quantity:
            return Verdict(WebhookOutcome.REFUSED, "reason.exits_not_placed", {"symbol": symbol}, symbol=symbol)
        return Verdict(WebhookOutcome.ORDERED, orders=targets, symbol=symbol)

    async def _move(self, alert: Alert, signal: Signal, symbol: str, leg: str) -> Verdict:
        user_id = alert.account.user_id
        position = await self._position(alert.account, symbol)
        if position is None:
            return Verdict(WebhookOutcome.NO_EFFECT, "reason.no_position", {"symbol": symbol}, symbol=symbol)
        instrument = await self._floor.catalog.instrument(alert.account.broker.exchange, symbol)
        keep = await self._kept(user_id, position.id)

        def moved(kept: ExitPlan | None) -> ExitPlan:
            return from_specs(signal.stop_loss, signal.take_profit, position.entry, instrument, kept)

        plan = moved(keep)
        if keep == plan:
            return Verdict(WebhookOutcome.NO_EFFECT, "reason.exits_unchanged", {"symbol": symbol}, symbol=symbol)
        guarded = await self._keeper.guard(user_id, position.id, lambda now: moved(kept_plan(now)))
        kept_old = guarded.bracket is not None and plan_of(guarded.bracket) != plan
        if kept_old and guarded.position.quantity == position.quantity:
            facts = {"symbol": symbol}
            return Verdict(WebhookOutcome.REFUSED, "reason.move_refused", facts, orders=guarded.resting, symbol=symbol)
        return Verdict(WebhookOutcome.UPDATED, orders=guarded.resting, symbol=symbol)

    async def _cancel(self, alert: Alert, signal: Signal, symbol: str, leg: str) -> Verdict:
        """Take back the resting entries of this symbol; exits that guard a position stay."""
        user_id = alert.account.user_id
        alive = await self._floor.db.read(user_id, lambda s: orders.alive(s, alert.account.id))
        mine = [row for row in alive if row.symbol == symbol and row.owner == OWNER and row.role is OrderRole.ENTRY]
        if not mine:
            return Verdict(WebhookOutcome.NO_EFFECT, "reason.nothing_to_cancel", {"symbol": symbol}, symbol=symbol)
        ended = [await self._desk.cancel(user_id, row.id) for row in mine]
        return Verdict(WebhookOutcome.UPDATED, orders=tuple(ended), symbol=symbol)

    async def _kept(self, user_id: uuid.UUID, position_id: uuid.UUID) -> ExitPlan | None:
        """What guards the position now, without the targets already reached; None when nothing was ever asked for."""
        guarded = await self._floor.db.read(user_id, lambda s: brackets.guarded(s, position_id))
        return kept_plan(guarded) if guarded.bracket else None

    async def _position(self, account: Account, symbol: str) -> PositionRow | None:
        return (await self._floor.positions.of(account)).open_one(symbol, OWNER)

    def _wish(
        self, alert: Alert, signal: Signal, symbol: str, leg: str, size: Decimal, position_id: uuid.UUID | None = None
    ) -> PlaceOrder:
        """An entry that spends `size` of the quote or, of a position, an exit that sells `size` of it."""
        fired_at = signal.sent_at or alert.received_at
        buying = position_id is None
        return PlaceOrder(
            broker_id=alert.account.id,
            symbol=symbol,
            side=Side.BUY if buying else Side.SELL,
            type=OrderType.LIMIT if signal.is_limit else OrderType.MARKET,
            quantity=ZERO if buying else size,
            quote_quantity=size if buying else ZERO,
            price=signal.price if signal.is_limit and signal.price else ZERO,
            origin=OrderOrigin.WEBHOOK,
            role=OrderRole.ENTRY if buying else OrderRole.EXIT,
            owner=OWNER,
            cause=alert.id,
            leg=leg,
            webhook_id=alert.id,
            position_id=position_id,
            expires_at=fired_at + longest_age(alert.account, signal) if buying else None,
        )
