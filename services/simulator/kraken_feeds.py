"""The private channels of one connection: a snapshot first, then every change, each message with the next number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.simulator.kraken_errors import KrakenError, invalid
from services.simulator.kraken_executions import TURNS, entries, execution, holdings, snapshot, told
from services.simulator.kraken_json import Json
from services.simulator.kraken_limits import Limits
from services.simulator.kraken_session import Line
from services.simulator.records import Account, Order, OrderChanged, Transferred, VenueEvent
from services.simulator.world import World

#: Executions in a snapshot.
SNAPPED = 50


@dataclass(slots=True)
class _Feed:
    """One channel that is subscribed to, by its own count of messages."""

    channel: str
    account: Account
    wishes: Mapping[str, Any]
    sequence: int = 0
    listener: Callable[[VenueEvent], None] | None = None

    def wants(self, name: str, *, otherwise: bool) -> bool:
        """A yes or no of the subscription."""
        return bool(self.wishes.get(name, otherwise))

    def message(self, kind: str, data: list[Json]) -> Json:
        """The next message."""
        self.sequence += 1
        return {"channel": self.channel, "type": kind, "sequence": self.sequence, "data": data}


class Feeds:
    """What one connection has subscribed to."""

    def __init__(self, world: World, limits: Limits, line: Line) -> None:
        self._world = world
        self._limits = limits
        self._line = line
        self._feeds: dict[str, _Feed] = {}

    def subscribe(self, channel: str, account: Account, wishes: Mapping[str, Any]) -> Json:
        """Open a channel; nothing is told before `start`. The result is that of the acknowledgement."""
        if channel not in ("executions", "balances"):
            raise invalid("channel")
        if channel in self._feeds:
            raise KrakenError("Already subscribed")
        self._feeds[channel] = _Feed(channel, account, wishes)
        result: Json = {"channel": channel, "snapshot": bool(wishes.get("snapshot", True))}
        if channel == "executions":
            words = ["cancel_reason is deprecated, use reason"]
            result |= {"maxratecount": int(self._limits.orders), "warnings": words}
        return result

    def start(self, channel: str) -> None:
        """Tell what there is, and from now on what happens."""
        feed = self._feeds.get(channel)
        if feed is None or feed.listener is not None:
            return
        self._line.enliven()
        if feed.wants("snapshot", otherwise=True):
            self._push(feed, "snapshot", self._executions(feed) if channel == "executions" else holdings(feed.account))
        feed.listener = lambda event: self._tell(feed, event)
        feed.account.listeners.append(feed.listener)

    def end(self, channel: str) -> None:
        """Close a channel."""
        feed = self._feeds.pop(channel, None)
        if feed is None:
            raise KrakenError("Subscription Not Found")
        if feed.listener is not None:
            feed.account.listeners.remove(feed.listener)

    def close(self) -> None:
        """Close them all."""
        for channel in list(self._feeds):
            self.end(channel)

    def _executions(self, feed: _Feed) -> list[Json]:
        data: list[Json] = []
        if feed.wants("snap_trades", otherwise=False):
            data += [execution(fill) for fill in reversed(feed.account.fills[-SNAPPED:])]
        if feed.wants("snap_orders", otherwise=True):
            waiting = feed.account.open_orders.values()
            data += [self._counted(feed, order, snapshot(order, self._last(order))) for order in waiting]
        return data

    def _counted(self, feed: _Feed, order: Order, data: Json) -> Json:
        """With the counter of orders, where that is wanted."""
        if not feed.wants("ratecounter", otherwise=False):
            return data
        return data | {"ratecount": self._limits.count(feed.account, order.symbol)}

    def _last(self, order: Order) -> Decimal:
        return self._world.feed.tapes[order.symbol].last

    def _tell(self, feed: _Feed, event: VenueEvent) -> None:
        if feed.channel == "balances":
            if isinstance(event, OrderChanged | Transferred):
                data = entries(event, self._world.clock.us())
                if data:
                    self._push(feed, "update", data)
        elif isinstance(event, OrderChanged):
            for one in told(event, self._last(event.order)):
                if feed.wants("order_status", otherwise=True) or one["exec_type"] in TURNS:
                    self._push(feed, "update", [self._counted(feed, event.order, one)])

    def _push(self, feed: _Feed, kind: str, data: list[Json]) -> None:
        self._line.push("user.message", feed.message(kind, data))
