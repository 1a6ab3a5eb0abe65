"""What a private socket says, message by message, made into news of the account; it notices when one is missing."""

from __future__ import annotations

import asyncio

import msgspec

from aristobot.exchange import AccountUpdate
from services.exchanges.kraken_events import EXECUTIONS, HeldOrder, HeldOrders
from services.exchanges.kraken_funds import ENTRIES, Funds, assets_of
from services.exchanges.kraken_wire import read

_SNAPSHOT = "snapshot"


class Frame(msgspec.Struct, rename={"id": "req_id", "kind": "type"}):
    """A frame of the private socket: the answer to a question, or news on a channel."""

    id: int | None = None
    success: bool | None = None
    error: str = ""
    result: msgspec.Raw = msgspec.Raw(b"{}")
    channel: str = ""
    kind: str = ""
    sequence: int | None = None
    data: msgspec.Raw = msgspec.Raw(b"[]")


class AccountFeed:
    """Orders and funds of one account, as far as its connection tells them."""

    def __init__(self) -> None:
        self._orders = HeldOrders()
        self._funds = Funds()
        self._sequences: dict[str, int] = {}
        self._ends: dict[str, set[asyncio.Future[None]]] = {}

    def begin(self) -> None:
        """A new connection: its snapshots come first."""
        self._sequences.clear()

    def heard(self, frame: Frame) -> list[AccountUpdate] | None:
        """The news in a frame; None when one before it is missing. Raise DataError for one that cannot be."""
        if frame.channel not in ("executions", "balances"):
            return []
        last = self._sequences.get(frame.channel)
        if frame.sequence is not None:
            if frame.kind != _SNAPSHOT and last is not None and frame.sequence <= last:
                return []  # told twice
            if frame.kind != _SNAPSHOT and last is not None and frame.sequence > last + 1:
                return None
            self._sequences[frame.channel] = frame.sequence
        return self._executions(frame) if frame.channel == "executions" else self._balances(frame)

    def known(self, client_order_id: str) -> HeldOrder | None:
        """What was heard of an order."""
        return self._orders.find(client_order_id)

    async def ended(self, client_order_id: str, patience: float) -> HeldOrder | None:
        """The order once it has ended; None when that is not heard within `patience` seconds."""
        order = self.known(client_order_id)
        if order is not None and not order.rests:
            return order
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._ends.setdefault(client_order_id, set())
        waiting.add(over)
        try:
            async with asyncio.timeout(patience):
                await over
        except TimeoutError:
            return None
        finally:
            waiting.discard(over)
            if not waiting:
                self._ends.pop(client_order_id, None)
        return self.known(client_order_id)

    def _executions(self, frame: Frame) -> list[AccountUpdate]:
        events = read(EXECUTIONS, frame.data)
        if frame.kind == _SNAPSHOT:
            self._orders.forget_resting()
        updates: list[AccountUpdate] = []
        touched: set[str] = set()
        for event in events:
            heard = self._orders.heard(event)
            if heard is None:
                continue
            order, fill = heard
            if fill is not None:
                self._funds.executed(fill)
            touched |= assets_of(order.symbol)
            updates.append(order.report())
            self._note_end(order)
        return updates + self._money(touched)

    def _balances(self, frame: Frame) -> list[AccountUpdate]:
        entries = read(ENTRIES, frame.data)
        return self._money(self._funds.snapshot(entries) if frame.kind == _SNAPSHOT else self._funds.entered(entries))

    def _money(self, assets: set[str]) -> list[AccountUpdate]:
        changed = self._funds.changed(assets, self._orders.resting()) if assets else None
        return [changed] if changed is not None else []

    def _note_end(self, order: HeldOrder) -> None:
        if not order.rests:
            for over in self._ends.get(order.client_order_id, ()):
                if not over.done():
                    over.set_result(None)
