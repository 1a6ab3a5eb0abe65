"""What a Bitget account answers, in whichever of the two protocols it speaks: rights, balances, orders, its stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from loguru import logger

from aristobot.clock import Clock
from aristobot.exchange import AccountUpdate, Credentials, Endpoints, Fees, KeyRights, StreamReset
from aristobot.market import Symbol
from aristobot.orders import Fill, OrderReport
from aristobot.portfolio import Balance
from services.exchanges.answers import UnlistedSymbol
from services.exchanges.bitget_calls import Mode
from services.exchanges.bitget_errors import NAME, OtherAccountMode
from services.exchanges.bitget_events import Follower, told
from services.exchanges.bitget_history import History
from services.exchanges.bitget_market import BitgetMarket
from services.exchanges.bitget_sign import Signer
from services.exchanges.bitget_v2 import Classic
from services.exchanges.bitget_v3 import Unified
from services.exchanges.bitget_way import Ask, Way
from services.exchanges.transport import Timeouts

T = TypeVar("T")


class BitgetAccount(BitgetMarket):
    """Which protocol a key's account speaks is asked at its first use and remembered; when the exchange says that it has
    changed (40084, 40085), the call is made once more in the other one.
    """

    def __init__(self, clock: Clock, endpoints: Endpoints, timeouts: Timeouts | None = None) -> None:
        super().__init__(clock, endpoints, timeouts)
        self._ways: dict[Mode, Way] = {Mode.CLASSIC: Classic(self._calls), Mode.UNIFIED: Unified(self._calls)}

    async def key_rights(self, keys: Credentials) -> KeyRights:
        """What this key may do; a right to move coins to another wallet counts as one to withdraw."""
        return await self._spoken(keys, lambda way, signer: way.rights(signer))

    async def balances(self, keys: Credentials) -> list[Balance]:
        """All non-zero balances."""
        return await self._spoken(keys, lambda way, signer: way.balances(signer))

    async def fees(self, keys: Credentials, symbol: Symbol) -> Fees:
        """What this account pays on a symbol."""
        return await self._spoken(keys, lambda way, signer: way.fees(self._ask(signer, symbol)))

    async def open_orders(self, keys: Credentials, symbol: Symbol | None = None) -> list[OrderReport]:
        """Orders that rest at the exchange, stops and targets included."""
        return await self._about(keys, symbol, lambda history: history.resting())

    async def closed_orders(self, keys: Credentials, since: datetime, symbol: Symbol, *, fills: bool = True) -> list[OrderReport]:
        """Orders of one symbol that ended after `since`, with their fills or without, oldest first; Bitget keeps 90 days."""
        return await self._about(keys, symbol, lambda history: history.ended(since, fills=fills))

    async def fills(self, keys: Credentials, symbol: Symbol, since: datetime) -> list[Fill]:
        """Executions of one symbol from `since` on, oldest first; Bitget keeps 90 days."""
        return await self._about(keys, symbol, lambda history: history.fills(since))

    async def find_order(self, keys: Credentials, symbol: Symbol, client_order_id: str) -> OrderReport | None:
        """The order with this client id, with its fills; None when the exchange lists it nowhere.

        A stop or target that was triggered is reported with what became of the order that it made.
        """
        return await self._about(keys, symbol, lambda history: history.find(client_order_id))

    async def stream_account(self, keys: Credentials) -> AsyncIterator[AccountUpdate]:
        """Orders and balances as they change; StreamReset first, and again whenever something may have been missed."""
        await self._listed()
        while True:
            try:
                async for update in self._followed(keys):
                    yield update
            except OtherAccountMode:
                logger.warning("{} account has changed its mode: its stream begins again", NAME)

    async def _followed(self, keys: Credentials) -> AsyncIterator[AccountUpdate]:
        """The stream in the protocol that the account has now."""
        signer = Signer(keys)
        mode, record = await self._calls.mode(signer), self._calls.record(signer)
        way, ask = self._ways[mode], Ask(signer, "", lambda native: self._catalogue.symbol_of(native))
        follower = Follower(History(way, ask, record.plans), record.plans)
        await self._calls.settle_clock()
        try:
            async for frame in record.sockets[mode].events(signer, way.subscriptions):
                if frame is None:
                    yield StreamReset()
                    continue
                try:
                    pushes = way.pushed(frame, self._catalogue.symbol_of)
                except UnlistedSymbol:
                    await self._load()
                    pushes = way.pushed(frame, self._catalogue.symbol_of)
                async for update in told(follower, pushes):
                    yield update
        except OtherAccountMode:
            record.mode = mode.other
            raise

    async def _spoken(self, keys: Credentials, call: Callable[[Way, Signer], Awaitable[T]]) -> T:
        """Make a call in the account's protocol; refused for its mode, which does nothing, once more in the other one."""
        signer = Signer(keys)
        mode = await self._calls.mode(signer)
        try:
            return await call(self._ways[mode], signer)
        except OtherAccountMode:
            record = self._calls.record(signer)
            record.mode = mode.other
            return await call(self._ways[mode.other], signer)

    async def _about(self, keys: Credentials, symbol: Symbol | None, read: Callable[[History], Awaitable[T]]) -> T:
        """Ask about orders; a symbol that the catalogue does not know has it loaded, once."""

        def call(way: Way, signer: Signer) -> Awaitable[T]:
            return read(History(way, self._ask(signer, symbol), self._calls.record(signer).plans))

        if symbol is None:
            await self._listed()
        try:
            return await self._spoken(keys, call)
        except UnlistedSymbol:
            await self._load()
            return await self._spoken(keys, call)

    def _ask(self, signer: Signer, symbol: Symbol | None) -> Ask:
        return Ask.about(signer, symbol, self._catalogue.symbol_of)
