"""The exchange's side against ours: once before trading, on every private-stream event, and every ten seconds.

A failed query never means empty; one broker that fails stops no other, and stays closed to entries until it answers.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta

from loguru import logger

from aristobot.errors import AristobotError, DataError, ExchangeError, UnknownOrder
from aristobot.events import BalancesChanged, BrokerUpdated
from aristobot.exchange import BalanceChanged, Credentials, ExchangeClient, StreamReset
from aristobot.logs import log_context
from aristobot.orders import OrderReport, OrderStatus
from aristobot.store import orders, strangers
from aristobot.store.trading_tables import Order
from services.broker_book import Account
from services.monitor_rounds import Difference, MonitorRounds, Tally
from services.order_records import OrderRecords
from services.order_resolver import OrderResolver
from services.position_pricer import PositionPricer
from services.recalled_activity import recall_activity
from services.restart_report import RestartReports
from services.stranger_import import StrangerImport
from services.trading_floor import TradingFloor

ROUND = 10.0
_RETRY = 5.0
#: Seconds after which balances are asked for although the stream pushes them: a push may get lost.
BALANCES_EVERY = 60.0


class OrderMonitor:
    """Compares, follows, and prices what is held. One private stream per broker with keys."""

    name = "order_monitor"

    def __init__(self, floor: TradingFloor, records: OrderRecords, resolver: OrderResolver) -> None:
        self._floor = floor
        self._records = records
        self._resolver = resolver
        self.rounds = MonitorRounds(floor.bus, floor.clock, floor.gateway)
        self.reports = RestartReports(floor)
        self._strangers = StrangerImport(floor, records)
        self._pricer = PositionPricer(floor)
        self._streams: dict[uuid.UUID, tuple[str, asyncio.Task[None]]] = {}
        self._brokers_changed = asyncio.Event()
        self._failing: set[uuid.UUID] = set()
        self._ended_by: dict[uuid.UUID, str] = {}
        self._reconciling: dict[uuid.UUID, asyncio.Lock] = {}
        floor.bus.listen(BrokerUpdated, do=lambda _: self._brokers_changed.set())

    async def recover(self) -> None:
        """Compare every broker once, side by side, before trading. What cannot be reached stays closed and is tried again."""
        await self.reports.note()
        accounts = self._with_keys()
        await asyncio.gather(*(self._reconcile_safely(account) for account in accounts))
        await self.reports.write(self._strangers.unlisted.apart)

    async def run(self) -> None:
        """Keep the streams up and compare every round."""
        try:
            while True:
                self._keep_streams()
                await self._price()
                await asyncio.gather(*(self._look_at(account) for account in self._with_keys()))
                await self._pause()
        finally:
            tasks = [task for _, task in self._streams.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._streams.clear()

    async def _price(self) -> None:
        try:
            await self._pricer.price()
        except AristobotError as error:  # what is shown may wait; what is compared and followed does not
            logger.warning("What is held cannot be priced now: {}", error)

    async def _look_at(self, account: Account) -> None:
        if account.id in self._floor.reconciled:
            if not self._resolver.is_held_up(account.id):
                await self._compare_safely(account)
        else:
            await self._reconcile_safely(account)

    async def _pause(self) -> None:
        """Until the next round, or until a broker was added or changed: a new one should not wait to be of use."""
        changed = asyncio.ensure_future(self._brokers_changed.wait())
        timer = asyncio.ensure_future(self._floor.clock.sleep(ROUND if not self._failing else _RETRY))
        try:
            await asyncio.wait({changed, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            timer.cancel()
        if self._brokers_changed.is_set():
            self._brokers_changed.clear()
            await self._floor.brokers.load()

    async def reconcile(self, user_id: uuid.UUID | None = None) -> dict[uuid.UUID, list[Difference] | AristobotError]:
        """Compare every order that may still change with its exchange, now: what differed at each broker, or why nobody knows."""
        answers: dict[uuid.UUID, list[Difference] | AristobotError] = {}
        for account in self._with_keys():
            if user_id is None or account.user_id == user_id:
                try:
                    answers[account.id] = await self.compare(account)
                except AristobotError as error:
                    answers[account.id] = error
        return answers

    async def compare(self, account: Account) -> list[Difference]:
        """Compare one broker as one counted round. Raises ExchangeError."""
        with self.rounds.counted(account) as tally:
            return await self._compare(account, tally)

    async def _compare(self, account: Account, tally: Tally) -> list[Difference]:
        """Resting orders in one call, then each order of ours that rests no longer; what is not ours is written down besides.

        Where the whole account is too dear for now, the symbols of our own orders are looked at, and strangers wait.
        """
        ours, theirs = await self._floor.db.read(
            account.user_id, lambda s: (orders.alive(s, account.id), strangers.resting(s, account.id))
        )
        client = self._floor.gateway.client_for(account.broker)
        keys = await self._floor.gateway.keys(account.broker)
        reports, whole = await self._strangers.unlisted.resting(client, keys, ours, whole=self._strangers.affordable(account))
        resting = {one.client_order_id: one for one in reports}

        async def look(row: Order) -> list[Difference]:
            report = resting.get(row.client_order_id)
            if report is None and row.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN):
                self._resolver.take_up(row)
                return []
            try:
                report = report or await _found(client, keys, row)
                differences = await self._believe(account, row, report)
            except AristobotError as error:
                self._strangers.unlisted.set_apart(row, error)
                return []
            self._strangers.unlisted.compared(row)
            return differences

        found = [one for some in await asyncio.gather(*(look(row) for row in ours)) for one in some]
        known = {row.client_order_id for row in ours}
        others = [one for one in reports if one.client_order_id not in known]
        for row, report in await self._strangers.returned.look_at(account, client, keys, others):
            found.append(Difference(account.id, row.id, row.symbol, row.status.value, report.status.value))
        kept = [await self._strangers.take(account, others)]
        if whole:
            kept.append(await self._strangers.follow_gone(account, client, keys, theirs, reports))
        tally.looked_at = len(ours) + len(others)
        tally.changed = len(found) + sum(one.changed for one in kept)
        tally.imported = sum(one.imported for one in kept)
        return found

    async def _believe(self, account: Account, row: Order, report: OrderReport | None) -> list[Difference]:
        if report is None:
            became = await self._strangers.vanished.not_seen(account, row)
            return [Difference(account.id, row.id, row.symbol, row.status.value, became.value if became else "")]
        self._strangers.vanished.seen(row)
        if (report.status, report.filled) == (row.status, row.filled):
            return []
        recorded = await self._records.apply(account, report)
        if recorded is not None and recorded.missing:
            self._resolver.complete(account, recorded.order)
        return [Difference(account.id, row.id, row.symbol, row.status.value, report.status.value)]

    async def _reconcile_safely(self, account: Account) -> None:
        """Once at a time per broker: start-up and the first round come to it together."""
        lock = self._reconciling.setdefault(account.id, asyncio.Lock())
        async with lock:
            if account.id in self._floor.reconciled:
                return
            with log_context(user_id=account.user_id):
                await self._try_to_reconcile(account)

    async def _try_to_reconcile(self, account: Account) -> None:
        try:
            await self._reconcile(account)
        except AristobotError as error:
            if account.id not in self._failing:
                logger.error("Broker {} cannot be compared with its exchange; its entries wait: {}", account.id, error)
            self._failing.add(account.id)
            self.rounds.asked(account, error)

    async def _reconcile(self, account: Account) -> None:
        """Orders in doubt first, then resting ones, then balances; only then may the broker trade."""
        since = self._yesterday()
        lately, pending, untold = await self._floor.db.read(
            account.user_id,
            lambda s: (
                orders.lately(s, account.id, since),
                orders.alive(s, account.id),
                orders.without_all_fills(s, account.id, since),
            ),
        )
        recall_activity(self._records, account.id, lately)
        doubtful = [row for row in pending if row.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN)]
        for row in doubtful:
            # Whether it was sent nobody can say any more: until that is known, entries on its symbol wait.
            self._resolver.take_up(await self._records.settle(row, OrderStatus.UNKNOWN))
        for row in untold:
            self._resolver.complete(account, row)
        await self.compare(account)
        await self._strangers.look_back(account, since)
        await self._floor.accounts.refresh(account)
        await self._ask_conversions(account)
        self._floor.reconciled.add(account.id)
        self._failing.discard(account.id)
        await self.reports.complete(account, self._strangers.unlisted.apart)
        self.rounds.asked(account)
        logger.info("Broker {} is reconciled; {} orders were in doubt", account.id, len(doubtful))

    async def _ask_conversions(self, account: Account) -> None:
        try:
            await self._pricer.ask_conversions(account)
        except (DataError, ExchangeError) as error:  # they are watched; until they come, an entry that needs them is refused
            logger.warning("Prices by which the limits of broker {} are told cannot be read yet: {}", account.id, error)

    def _yesterday(self) -> datetime:
        return self._floor.clock.now() - timedelta(days=1)

    async def _compare_safely(self, account: Account) -> None:
        try:
            await self.compare(account)
            await self._strangers.go_on_looking_back(account)
            await self._pricer.value_fees(account)
            if self._floor.accounts.age(account.id) > BALANCES_EVERY:
                await self._floor.accounts.refresh(account)
            if account.id in self._failing:
                logger.info("Broker {} answers again", account.id)
            self._failing.discard(account.id)
            self.rounds.asked(account)
        except AristobotError as error:  # an answer that nobody understands is this broker's matter too, and stops no other
            if account.id not in self._failing:
                logger.warning("Broker {} could not be compared: {}", account.id, error)
            self._failing.add(account.id)
            self.rounds.asked(account, error)

    def _tell_balances(self, account: Account) -> None:
        now = self._floor.clock.now()
        self._floor.bus.publish(BalancesChanged(at=now, user_id=account.user_id, broker_id=account.id))

    def _with_keys(self) -> list[Account]:
        return [account for account in self._floor.brokers.all() if account.broker.api_key_sealed]

    def _keep_streams(self) -> None:
        """One stream per broker with keys; changed keys end the old one, and the broker is compared anew with the new ones."""
        wanted = {account.id: account for account in self._with_keys()}
        for broker_id, (keys, task) in list(self._streams.items()):
            account = wanted.get(broker_id)
            if account is None or task.done() or account.broker.api_key_sealed != keys:
                del self._streams[broker_id]
                task.cancel()
                if account is None or account.broker.api_key_sealed != keys:
                    self._floor.reconciled.discard(broker_id)
        for broker_id, account in wanted.items():
            client = self._floor.gateway.client_for(account.broker)
            if broker_id not in self._streams and client.capabilities.private_stream:
                self._streams[broker_id] = (account.broker.api_key_sealed, asyncio.ensure_future(self._follow(account)))

    async def _follow(self, account: Account) -> None:
        """The private stream of one account, for as long as its keys are the same."""
        book = self._floor.accounts
        with log_context(service=self.name, user_id=account.user_id):
            try:
                stream = self._floor.gateway.account_stream(account.broker)
                keys = await self._floor.gateway.keys(account.broker)
                async for update in stream.stream_account(keys):
                    match update:
                        case StreamReset():
                            book.streaming(account.id, True)
                            self._ended_by.pop(account.id, None)
                            await self._compare_safely(account)
                        case BalanceChanged(balances=changed):
                            book.pushed(account.id, changed)
                            self._tell_balances(account)
                        case OrderReport():
                            await self._on_report(account, update)
            except AristobotError as error:
                if self._ended_by.get(account.id) != str(error):  # told once: it is tried again every round
                    logger.warning("The private stream of broker {} ended: {}", account.id, error)
                self._ended_by[account.id] = str(error)
            finally:
                book.streaming(account.id, False)

    async def _on_report(self, account: Account, report: OrderReport) -> None:
        recorded = await self._records.apply(account, report)
        if recorded is None:
            await self._strangers.take(account, [report])
        elif recorded.missing:
            self._resolver.complete(account, recorded.order)


async def _found(client: ExchangeClient, keys: Credentials, row: Order) -> OrderReport | None:
    """The order by its client id; an exchange that shows it no more for its age has nothing to say of it either."""
    try:
        return await client.find_order(keys, row.symbol, row.client_order_id)
    except UnknownOrder:
        return None
