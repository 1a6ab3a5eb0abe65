"""THE door through which orders leave: check, round, remember, send, remember.

Nothing is sent before its row is committed with `sent_at`; nothing is sent twice; a doubtful answer becomes UNKNOWN and
belongs to the resolver (reliability, 3.3).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from decimal import Decimal

import msgspec

from aristobot.errors import AristobotError, InvalidInput
from aristobot.exchange import Credentials, ExchangeClient
from aristobot.kinds import OrderRole
from aristobot.orders import OrderReport, OrderRequest, OrderStatus, OtocoRequest, client_order_id
from aristobot.store import orders
from aristobot.store.intents import Intent, IntentLog, Progress
from aristobot.store.trading_tables import Order
from aristobot.store.webhooks import AlertMissing
from services.broker_book import Account
from services.order_checks import OrderChecks, Priced, mark_refused
from services.order_draft import EditOrder, Exits, PlaceOrder, PlacePair, entry_with_exits
from services.order_resolver import fence
from services.order_rows import Sent, edited, exit_rows, held_by, next_change, protective_row, row_of
from services.order_sender import Ask, Departure, OrderSender
from services.trading_floor import TradingFloor


class Preview(msgspec.Struct, frozen=True):
    """What an order would become, before anything is sent; `refusal` says why it would not go."""

    request: OrderRequest
    notional: Decimal
    fee: Decimal
    reference: Decimal
    refusal: AristobotError | None


class OrderDesk:
    """Places and cancels. Methods return the order's row; a refusal is in its status and reason, not an exception."""

    def __init__(self, floor: TradingFloor, checks: OrderChecks, sender: OrderSender) -> None:
        self._floor = floor
        self._db = floor.db
        self._clock = floor.clock
        self._gateway = floor.gateway
        self._checks = checks
        self._sender = sender
        self._intents = IntentLog(lambda: floor.epoch, floor.urgent)
        self._locks: dict[uuid.UUID, asyncio.Lock] = {}

    async def settled(self, row: Order) -> Order:
        """The order's row once nothing about it is in doubt any more."""
        return await self._sender.settled(row)

    async def fills_known(self, broker_id: uuid.UUID, symbol: str, owner: str) -> bool:
        """Whether all that an owner of lots traded on a market is known; waits for it, though not for ever."""
        return await self._sender.fills_known(broker_id, symbol, owner)

    async def preview(self, user_id: uuid.UUID, wish: PlaceOrder) -> Preview:
        """Rounded values, fee and refusal of a wish. Raises InvalidInput, NotFound, ExchangeError."""
        account = await self._checks.account(user_id, wish.broker_id)
        priced = await self._checks.draft(account, wish)
        refusal = self._checks.refusal(account, wish, priced)
        made = priced.draft
        return Preview(made.request, made.notional, made.fee, priced.reference, refusal)

    async def place(
        self,
        user_id: uuid.UUID,
        wish: PlaceOrder,
        progress: Callable[[Order], Progress] | None = None,
        exits: Exits | None = None,
    ) -> Order:
        """Check, write, send, and return the row as the exchange's answer leaves it.

        `progress` says what the written order means for the alert behind it; both are one transaction. With `exits` a market
        entry brings its stop and target in one list and fills wholly or not at all (needs `native_otoco`). The same
        cause, leg and attempt asked again returns the row of the first time and sends nothing. Raises InvalidInput, NotFound,
        and ExchangeError when no price could be had; AlertMissing, and nothing is sent, when the alert is not stored.
        """
        account = await self._checks.account(user_id, wish.broker_id)
        async with self._lock(account.id):
            priced = await self._checks.draft(account, wish)
            listed = self._listed(wish, exits, priced) if exits is not None else None
            intent = self._intent(account, wish, priced, progress, listed)
            self._checks.set_aside(account, intent.rows[0], priced)  # before the next wish of this broker is looked at
        request = msgspec.structs.replace(priced.draft.request, client_order_id=intent.rows[0].client_order_id)
        departure = Departure(self._floor, account, request)
        goes_alone = listed is None and intent.rows[0].status is OrderStatus.PENDING
        try:
            rows, is_new = await self._written(account.user_id, intent, departure.preparation if goes_alone else None)
        except (AristobotError, AlertMissing):
            self._checks.withdraw(account, intent.rows[0], free=True)
            raise
        if not is_new:
            self._checks.withdraw(account, intent.rows[0], free=orders.is_settled(rows[0]))
            return await self._sender.settled(rows[0])
        if rows[0].status is not OrderStatus.PENDING:
            self._sender.announce(rows[0])
            await self._checks.act_on_refusal(account, rows[0])
            return rows[0]
        # the order leaves with the next turn of the loop; everybody else hears of it in the one after that
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._sender.announce, rows[0])
        ask = departure.ask if listed is None else self._asking_for_list(account, listed, request.client_order_id)
        sent = await self._sender.send(account, rows, ask, wish.expires_at)
        return sent[0]

    def _asking_for_list(self, account: Account, listed: OtocoRequest, entry_id: str) -> Ask:
        whole = msgspec.structs.replace(listed, entry=msgspec.structs.replace(listed.entry, client_order_id=entry_id))

        async def ask(client: ExchangeClient, keys: Credentials) -> list[OrderReport]:
            answered: list[OrderReport] = await self._gateway.order_lists(account.broker).place_otoco(keys, whole)
            return answered

        return ask

    def _lock(self, broker_id: uuid.UUID) -> asyncio.Lock:
        lock = self._locks.get(broker_id)
        if lock is None:
            lock = self._locks[broker_id] = asyncio.Lock()
        return lock

    def _listed(self, wish: PlaceOrder, exits: Exits, priced: Priced) -> OtocoRequest:
        def id_of(what: str) -> str:
            leg = f"{wish.leg}.{what}"
            return client_order_id(self._floor.installation, wish.broker_id, wish.cause, leg, wish.attempt).hex

        ids = (id_of("list"), id_of("stop"), id_of("target"))
        return entry_with_exits(priced.draft.request, exits, priced.instrument, ids)

    async def edit(self, user_id: uuid.UUID, order_id: uuid.UUID, change: EditOrder) -> Order:
        """Replace a resting order by one with other values; returns the new one's row, the old one ends as canceled.

        A refusal is in the new row's status, and the old order rests on. Raises NotFound, InvalidInput for an order that
        does not rest or belongs to a pair (its bracket moves both), ExchangeError.
        """
        old = await self._db.read(user_id, lambda s: orders.get(s, order_id))
        if not old.status.is_working:
            raise InvalidInput("order_not_open", field="order", status=old.status.value)
        if old.list_client_id:
            raise InvalidInput("order_in_pair", field="order")
        account = await self._checks.account(user_id, old.broker_id)
        wish = edited(old, change)
        attempt = await self._db.read(user_id, lambda s: next_change(s, self._floor.installation, wish))
        wish = msgspec.structs.replace(wish, attempt=attempt)
        async with self._lock(account.id):
            priced = await self._checks.draft(account, wish)
            priced = msgspec.structs.replace(priced, free=priced.free + held_by(old))
            intent = self._intent(account, wish, priced)
        (row,), is_new = await self._written(user_id, intent)
        if not is_new or row.status is not OrderStatus.PENDING:
            return await self._sender.settled(row)
        request = msgspec.structs.replace(priced.draft.request, client_order_id=row.client_order_id)

        async def ask(client: ExchangeClient, keys: Credentials) -> list[OrderReport]:
            amending = self._gateway.amending(account.broker)
            return [await amending.edit_order(keys, old.symbol, old.client_order_id, request)]

        (sent,) = await self._sender.send(account, [row], ask)
        await self._sender.look(account, [old])
        return sent

    def _intent(
        self,
        account: Account,
        wish: PlaceOrder,
        priced: Priced,
        progress: Callable[[Order], Progress] | None = None,
        listed: OtocoRequest | None = None,
    ) -> Intent:
        now = self._clock.now()
        order_id = client_order_id(self._floor.installation, account.id, wish.cause, wish.leg, wish.attempt)
        refusal = self._checks.refusal(account, wish, priced)
        fence_at = fence(now, self._gateway.client_for(account.broker).capabilities.request_window)
        row = row_of(account, wish, priced.draft, order_id, Sent(now, None if refusal is not None else fence_at))
        rows = [row]
        if refusal is not None:
            mark_refused(row, refusal, now)
        elif listed is not None:
            row.time_in_force, row.list_client_id = listed.entry.time_in_force, listed.list_client_id
            rows += exit_rows(account, wish, listed, row)
        return Intent(rows, progress(row) if progress is not None else None)

    async def _written(
        self, user_id: uuid.UUID, intent: Intent, meanwhile: Callable[[], None] | None = None
    ) -> tuple[list[Order], bool]:
        """The rows of a new intent, or those that were written the first time; whether they are new."""
        with self._floor.positions.touching(intent.rows[0].position_id, intent.rows[0].broker_id):
            is_new = await self._intents.write(intent, meanwhile)
        if is_new:
            return list(intent.rows), True
        ids = [row.id for row in intent.rows]
        known = await self._db.read(user_id, lambda s: [orders.find(s, one) for one in ids])
        return [row for row in known if row is not None], False

    async def place_pair(self, user_id: uuid.UUID, pair: PlacePair) -> list[Order]:
        """Place a stop and a target that cancel each other, natively; rows in the order stop, target.

        Needs an exchange whose capabilities say `native_oco`. The same cause, leg and attempt asked again returns the first rows.
        """
        account = await self._checks.account(user_id, pair.broker_id)
        instrument = await self._floor.catalog.instrument(account.broker.exchange, pair.symbol)
        request = pair.request(instrument, self._floor.installation)
        now = self._clock.now()
        fence_at = fence(now, self._gateway.client_for(account.broker).capabilities.request_window)

        rows = [
            protective_row(account, pair, request.stop, OrderRole.STOP, now),
            protective_row(account, pair, request.target, OrderRole.TARGET, now),
        ]
        for row in rows:
            row.list_client_id, row.sent_at, row.fence_at = request.list_client_id, now, fence_at
        rows, is_new = await self._written(user_id, Intent(rows))
        if not is_new:
            return [await self._sender.settled(row) for row in rows]

        async def ask(client: ExchangeClient, keys: Credentials) -> list[OrderReport]:
            answered: list[OrderReport] = await self._gateway.order_lists(account.broker).place_oco(keys, request)
            return answered

        return await self._sender.send(account, rows, ask)

    async def cancel(self, user_id: uuid.UUID, order_id: uuid.UUID) -> Order:
        """Cancel and return the row as it ends; an order that already ended is returned as it is.

        A cancel is safe to repeat: doubt is answered by asking again, then by looking at the order. Raises NotFound,
        and ExchangeError when the exchange cannot be reached at all.
        """
        row = await self._db.read(user_id, lambda s: orders.get(s, order_id))
        if row.status.is_final:
            return row
        account = await self._checks.account(user_id, row.broker_id)

        async def ask(client: ExchangeClient, keys: Credentials) -> list[OrderReport]:
            if row.list_client_id:
                lists = self._gateway.order_lists(account.broker)
                ended: list[OrderReport] = await lists.cancel_list(keys, row.symbol, row.list_client_id)
                return ended
            return [await client.cancel_order(keys, row.symbol, row.client_order_id)]

        await self._sender.insist(account, [row], ask)
        return await self._db.read(user_id, lambda s: orders.get(s, order_id))
