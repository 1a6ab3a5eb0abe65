"""Orders that somebody placed elsewhere: written down as their exchange tells them, shown, and never touched."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from loguru import logger

from aristobot.errors import AristobotError, DataError, ExchangeError
from aristobot.events import StrangersChanged
from aristobot.exchange import Credentials, ExchangeClient
from aristobot.market import Symbol
from aristobot.orders import OrderReport
from aristobot.store import positions, strangers
from aristobot.store.monitor_tables import Stranger
from aristobot.store.strangers import Kept
from aristobot.store.tenancy import GuardedSession
from services.broker_book import Account
from services.order_records import OrderRecords
from services.returned_orders import ReturnedOrders
from services.trading_floor import TradingFloor
from services.unlisted_orders import UnlistedOrders, is_about_market
from services.vanished_orders import VanishedOrders

#: Seconds between two questions about strangers that rest no longer, while the exchange does not say what they became.
ASK_AGAIN = 60.0
#: Symbols whose ended orders are read in one round.
_MOST_SYMBOLS = 5
#: Orders of others whose last words are kept in memory.
_REMEMBERED = 5000
_Told = tuple[object, ...]


class StrangerImport:
    """Knows what it has written, so that a round in which nothing changed costs no transaction.

    `returned` looks after those that are no strangers but ours, and should not rest; `vanished` after those that should;
    `unlisted` after those of which nobody can tell.
    """

    def __init__(self, floor: TradingFloor, records: OrderRecords) -> None:
        self._floor = floor
        self.returned = ReturnedOrders(floor, records)
        self.vanished = VanishedOrders(floor, records)
        self.unlisted = UnlistedOrders(records)
        self._told: dict[tuple[uuid.UUID, str, str], _Told] = {}
        self._asked: dict[uuid.UUID, float] = {}
        self._turns: dict[tuple[uuid.UUID, Symbol], float] = {}
        self._owed: dict[uuid.UUID, dict[Symbol, datetime]] = {}

    def affordable(self, account: Account) -> bool:
        """Whether a question about the whole account keeps us under half of what all our questions may cost."""
        stats = self._floor.gateway.client_for(account.broker).stats()
        return not stats.weight_limit or stats.weight_used * 2 <= stats.weight_limit

    async def take(self, account: Account, reports: Iterable[OrderReport]) -> Kept:
        """Write down what is new of these; reports of our own orders are passed over."""
        fresh = [one for one in reports if self._told.get(_key(account, one)) != _said(one)]
        if not fresh:
            return Kept()
        now, owner = self._floor.clock.now(), (account.user_id, account.id)
        foreign = await self._floor.db.read(account.user_id, lambda s: strangers.foreign(s, account.id, fresh))
        kept = Kept()
        if foreign:  # what ended is ours as a rule: then nobody waits for a place among those who write
            kept = await self._floor.db.write(account.user_id, lambda s: strangers.keep(s, owner, foreign, now))
        if len(self._told) > _REMEMBERED:
            self._told.clear()
        self._told |= {_key(account, one): _said(one) for one in fresh}
        if kept.imported or kept.changed:
            logger.info("Broker {}: {} orders of others are new, {} changed", account.id, kept.imported, kept.changed)
            self._floor.bus.publish(StrangersChanged(at=now, user_id=account.user_id, broker_id=account.id))
        return kept

    async def follow_gone(
        self,
        account: Account,
        client: ExchangeClient,
        keys: Credentials,
        known: Sequence[Stranger],
        resting: Sequence[OrderReport],
    ) -> Kept:
        """Ask what became of the strangers that were `known` as open and are not among `resting`, which is the whole account."""
        seen = {(one.symbol, one.exchange_order_id) for one in resting}
        gone = [row for row in known if (row.symbol, row.exchange_order_id) not in seen]
        now = self._floor.clock.monotonic()
        if not gone or now - self._asked.get(account.id, float("-inf")) < ASK_AGAIN:
            return Kept()
        self._asked[account.id] = now
        ended: list[OrderReport] = []
        for symbol in self._longest_unasked(account, {row.symbol for row in gone}):
            since = min(row.created_at for row in gone if row.symbol == symbol) - timedelta(minutes=1)
            ids = {row.exchange_order_id for row in gone if row.symbol == symbol}
            ended += [one for one in await self._ended(account, client, keys, since, symbol) if one.exchange_order_id in ids]
        kept = await self.take(account, ended)
        if len(ended) == len(gone):
            del self._asked[account.id]
        return kept

    def _longest_unasked(self, account: Account, symbols: Iterable[Symbol]) -> list[Symbol]:
        """As many as one round may ask about: those first that nobody ever says anything of must not keep the others waiting."""
        now = self._floor.clock.monotonic()
        turns = sorted(symbols, key=lambda symbol: (self._turns.get((account.id, symbol), float("-inf")), symbol))[:_MOST_SYMBOLS]
        self._turns |= {(account.id, symbol): now for symbol in turns}
        return turns

    async def _ended(
        self, account: Account, client: ExchangeClient, keys: Credentials, since: datetime, symbol: Symbol
    ) -> list[OrderReport]:
        """What ended on a market; nothing is told of one that its exchange lists no more."""
        try:
            return await client.closed_orders(keys, since, symbol, fills=False)
        except AristobotError as error:
            if not is_about_market(error):
                raise
            logger.debug("What ended on {} at broker {} cannot be read: {}", symbol, account.id, error)
            return []

    async def look_back(self, account: Account, since: datetime) -> None:
        """After a gap: what ended meanwhile on the symbols that concern us, those that are held and those of strangers.

        As many as one round may ask about now, the others in the rounds that follow. A failure here stops nothing.
        """
        symbols = await self._floor.db.read(account.user_id, lambda s: _concerned(s, account.id))
        owed = self._owed.setdefault(account.id, {})
        self._owed[account.id] = {symbol: min(since, owed.get(symbol, since)) for symbol in (*owed, *symbols)}
        await self.go_on_looking_back(account)

    async def go_on_looking_back(self, account: Account) -> None:
        """What earlier rounds had to leave; a symbol that cannot be read lets the others go first."""
        owed = self._owed.get(account.id)
        if not owed or not self.affordable(account):
            return
        client = self._floor.gateway.client_for(account.broker)
        try:
            keys = await self._floor.gateway.keys(account.broker)
            for symbol, since in list(owed.items())[:_MOST_SYMBOLS]:
                owed.pop(symbol, None)
                owed[symbol] = since  # behind the others, until it is read
                await self.take(account, await self._ended(account, client, keys, since, symbol))
                owed.pop(symbol, None)  # a round and a look after a reconnection may come to it together
        except (ExchangeError, DataError) as error:
            logger.warning("What others did at broker {} meanwhile cannot be read yet: {}", account.id, error)


def _concerned(session: GuardedSession, broker_id: uuid.UUID) -> list[str]:
    held = {row.symbol for row in positions.open_ones(session, broker_id)}
    return sorted(held | {row.symbol for row in strangers.resting(session, broker_id)})


def _key(account: Account, report: OrderReport) -> tuple[uuid.UUID, str, str]:
    return account.id, report.symbol, report.exchange_order_id


def _said(report: OrderReport) -> _Told:
    return report.status, report.filled, report.quantity, report.price, report.stop_price
