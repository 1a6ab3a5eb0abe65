"""The private channels of Bitget's sockets: orders, plans, executions, balances, as they happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from services.simulator import bitget_unified_json as unified_json
from services.simulator.bitget_classic_json import pushed_fill, pushed_order, pushed_plan, told_balance
from services.simulator.bitget_errors import Json
from services.simulator.bitget_json import is_in_book, legs_of, native
from services.simulator.bitget_sockets import Session, SocketError
from services.simulator.bitget_unified import UnifiedAccount
from services.simulator.misfortune import say
from services.simulator.records import Account, BalancesChanged, OrderChanged, VenueEvent
from services.simulator.world import World

#: What a channel says of an event, as rows; nothing when the event does not concern it.
Rows = Callable[[VenueEvent, Mapping[str, str]], list[Json]]


def _orders(event: VenueEvent, arg: Mapping[str, str]) -> list[Json]:
    if not isinstance(event, OrderChanged) or not is_in_book(event.order) or not concerns(event, arg):
        return []
    return [pushed_order(event.order, event.fill)]


def _plans(event: VenueEvent, arg: Mapping[str, str]) -> list[Json]:
    if not isinstance(event, OrderChanged) or not event.order.planned or event.fill is not None or not concerns(event, arg):
        return []
    return [pushed_plan(event.order)]


def _fills(event: VenueEvent, arg: Mapping[str, str]) -> list[Json]:
    if not isinstance(event, OrderChanged) or event.fill is None or not concerns(event, arg):
        return []
    return [pushed_fill(event.fill)]


def _balances(event: VenueEvent, arg: Mapping[str, str]) -> list[Json]:
    if not isinstance(event, BalancesChanged):
        return []
    wanted = arg.get("coin", "default")
    return [told_balance(event.account, asset) for asset in event.assets if wanted in ("default", asset)]


def concerns(event: OrderChanged, arg: Mapping[str, str]) -> bool:
    """Whether the event is about the symbol that was subscribed to; `default` is all."""
    return arg.get("instId", "default") in ("default", native(event.order.symbol))


#: Channel, what it says, and whether it begins with what there is.
CLASSIC: Mapping[str, Rows] = {"orders": _orders, "orders-algo": _plans, "fill": _fills, "account": _balances}


def unified_topics(account: UnifiedAccount) -> Mapping[str, Rows]:
    """The unified topics, and what each says."""

    def orders(event: VenueEvent, arg: Mapping[str, str]) -> list[Json]:
        if not isinstance(event, OrderChanged) or not is_in_book(event.order):
            return []
        return [unified_json.pushed_order(event.order)]

    def strategies(event: VenueEvent, arg: Mapping[str, str]) -> list[Json]:
        if not isinstance(event, OrderChanged) or not event.order.planned or event.fill is not None:
            return []
        first = legs_of(event.order)[0]
        return [unified_json.pushed_strategy(first)]

    def fills(event: VenueEvent, arg: Mapping[str, str]) -> list[Json]:
        filled = event.fill if isinstance(event, OrderChanged) else None
        return [unified_json.pushed_fill(filled)] if filled is not None else []

    def balances(event: VenueEvent, arg: Mapping[str, str]) -> list[Json]:
        if not isinstance(event, BalancesChanged):
            return []
        owner = event.account
        coins = [unified_json.pushed_balance(owner, asset, account.value(owner, asset)) for asset in event.assets]
        whole = account.totals(owner)
        named = {"unrealisedPnL": "unrealisedPnl", "totalEquity": "accountEquity"}
        same = ("positionMgnRatio", "mmr", "effEquity", "imr", "mgnRatio")
        return [{name: whole[known] for name, known in named.items()} | {name: whole[name] for name in same} | {"coin": coins}]

    return {"order": orders, "strategy-order": strategies, "fill": fills, "account": balances}


#: What the classic socket calls a channel, and the unified one.
CHANNEL, TOPIC = "channel", "topic"


class PrivateChannels:
    """Who listens to which of his own channels. `family` is what `instType` has to be."""

    def __init__(self, world: World, channels: Mapping[str, Rows], name: str, family: str) -> None:
        self._world = world
        self._channels = channels
        self._name = name
        self._family = family
        self._subscribed: dict[Session, list[Mapping[str, str]]] = {}
        self._listening: dict[Session, tuple[Account, Callable[[VenueEvent], None]]] = {}

    def add(self, session: Session, arg: Mapping[str, str]) -> Callable[[], None]:
        """Subscribe; balances begin with those that are held."""
        account = session.account
        if account is None:
            raise SocketError(30004, "User needs to log in")
        name = arg.get(self._name, "")
        if name not in self._channels or arg.get("instType", "").upper() != self._family:
            kind = arg.get("instType", "")
            raise SocketError(30001, f"instType:{kind},{self._name}:{name},instId:{arg.get('instId', '')} doesn't exist")
        if "read" not in account.permissions:
            raise SocketError(40014, "Incorrect permissions, need read")
        if session not in self._listening:
            listener = self._listener(session)
            self._listening[session] = account, listener
            account.listeners.append(listener)
        subscribed = self._subscribed.setdefault(session, [])
        if arg not in subscribed:
            subscribed.append(arg)
        held = tuple(asset for asset, holding in account.holdings.items() if holding.free or holding.locked)
        return lambda: self._push(session, arg, BalancesChanged(account, held))

    def remove(self, session: Session, arg: Mapping[str, str]) -> None:
        """Do not tell any more."""
        subscribed = self._subscribed.get(session, [])
        if arg in subscribed:
            subscribed.remove(arg)

    def close(self, session: Session) -> None:
        """The connection is gone."""
        self._subscribed.pop(session, None)
        account, listener = self._listening.pop(session, (None, None))
        if account is not None and listener is not None:
            account.listeners.remove(listener)

    def _listener(self, session: Session) -> Callable[[VenueEvent], None]:
        def tell(event: VenueEvent) -> None:
            for arg in self._subscribed.get(session, ()):
                self._push(session, arg, event)

        return tell

    def _push(self, session: Session, arg: Mapping[str, str], event: VenueEvent) -> None:
        account = session.account
        rows = self._channels[arg[self._name]](event, arg)
        if not rows or account is None:
            return
        message = {"action": "snapshot", "arg": arg, "data": rows, "ts": self._world.clock.ms()}
        say(self._world, session.socket, "user.message", account.key, msgspec.json.encode(message).decode())
