"""Orders on Kraken: place, cancel, amend, edit. REST interface and socket ask the same."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, replace
from decimal import Decimal

from aristobot.matching import STOPS, on_arrival
from aristobot.money import ZERO
from aristobot.orders import OrderStatus, OrderType, Side
from services.simulator.amending import amend
from services.simulator.kraken_catalogue import Catalogue
from services.simulator.kraken_errors import UNKNOWN_ORDER, KrakenError, invalid, refused, used_client_id
from services.simulator.kraken_filters import check_order, check_price, check_room, check_volume
from services.simulator.kraken_json import Json, made_id, order_id, wanted_of
from services.simulator.kraken_limits import Limits
from services.simulator.kraken_requests import LIMITED_STOPS, Ask, Wanted, read_order
from services.simulator.records import Account, Fill, Manner, Order, OrderChanged, VenueEvent, VenueRefusal
from services.simulator.world import World


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a request for an order; no order when it was only to be checked."""

    wanted: Wanted
    order: Order | None

    @property
    def words(self) -> Json:
        """`descr` of the answer."""
        close = self.wanted.close_words()
        return {"order": self.wanted.words()} | ({"close": close} if close else {})


class KrakenOrders:
    """What changes orders, and finds them by the names they have here."""

    def __init__(self, world: World, catalogue: Catalogue, limits: Limits) -> None:
        self._world = world
        self._catalogue = catalogue
        self._limits = limits
        self._numbers = itertools.count(1)
        self._by_id: dict[Account, dict[str, Order]] = {}
        self._by_client: dict[Account, dict[str, Order]] = {}

    def place(self, ask: Ask) -> Placed:
        """AddOrder, add_order."""
        account = ask.sender
        wanted = read_order(ask.params, self._catalogue, self._world.clock.ms())
        ask.params.check_deadline(self._world.clock)
        self._check(account, wanted)
        if ask.params.flag("validate"):
            return Placed(wanted, None)
        self._limits.spend_order(account, wanted.pair.name)
        return Placed(wanted, self._submit(account, wanted))

    def _check(self, account: Account, wanted: Wanted) -> None:
        check_order(wanted, self._world.feed.tapes[wanted.pair.name])
        check_room(account, wanted.pair)
        other = self._by_client.get(account, {}).get(wanted.client_id)
        if wanted.client_id and other is not None and other.is_open:
            raise used_client_id()

    def _submit(self, account: Account, wanted: Wanted, refid: str | None = None) -> Order:
        txid = made_id("O", self._world.seed, next(self._numbers))
        request = wanted.request(wanted.client_id or txid)
        manner = Manner(fee_asset=wanted.fee_asset, late_stops=True)
        try:
            order = self._world.venue.place(account, request, manner, txid=txid, wanted=wanted, refid=refid)
        except VenueRefusal as refusal:
            raise refused(refusal) from None
        self._by_id.setdefault(account, {})[txid] = order
        if wanted.client_id:
            self._by_client.setdefault(account, {})[wanted.client_id] = order
        if wanted.close is not None:
            self._close_each(order)
        if wanted.expires_at and order.is_open:
            self._world.tasks.start(self._expire(order, wanted.expires_at))
        return order

    async def _expire(self, order: Order, at: int) -> None:
        while order.is_open and (left := at - self._world.clock.ms()) > 0:
            await self._world.clock.sleep(left / 1000)
        if order.is_open:
            self._world.venue.book.begin()
            self._world.venue.book.finish(order, OrderStatus.EXPIRED)
            self._world.venue.book.flush()

    def _close_each(self, order: Order) -> None:
        """Place what follows an order for each of its executions, those of now and those to come."""
        loop = asyncio.get_running_loop()

        def follow(event: VenueEvent) -> None:
            if not isinstance(event, OrderChanged) or event.order is not order:
                return
            if event.fill is not None:
                loop.call_soon(self._close, event.fill)
            if not order.is_open:
                loop.call_soon(order.account.listeners.remove, follow)

        for fill in order.fills:
            loop.call_soon(self._close, fill)
        if order.is_open:
            order.account.listeners.append(follow)

    def _close(self, fill: Fill) -> None:
        wanted = wanted_of(fill.order)
        close = wanted.close
        if close is None:
            return
        side = Side.SELL if fill.order.side is Side.BUY else Side.BUY
        follows = Wanted(wanted.pair, side, close.type, fill.quantity, close.price, close.stop_price, flags=["fciq"])
        try:
            check_order(follows, self._world.feed.tapes[wanted.pair.name])
            self._submit(fill.order.account, follows, refid=order_id(fill.order))
        except KrakenError:
            return  # as on the exchange: a part too small to be closed by an order of its own stays

    def find(self, account: Account, txid: str, client_id: str = "") -> Order | None:
        """An order of this account by its id, else the newest with this client id."""
        if txid:
            return self._by_id.get(account, {}).get(txid)
        return self._by_client.get(account, {}).get(client_id)

    def every(self, account: Account) -> list[Order]:
        """All orders of an account, newest first."""
        return list(reversed(self._by_id.get(account, {}).values()))

    def open_ones(self, account: Account, asked: Ask) -> list[Order]:
        """The open orders that a request to cancel means: one by its id or client id, or all of a `userref`."""
        txid, client_id = asked.params.text("txid"), asked.params.client_id()
        if not txid and not client_id:
            raise invalid("txid")
        if txid.removeprefix("-").isdecimal():
            same = [order for order in account.open_orders.values() if wanted_of(order).userref == int(txid)]
        else:
            found = self.find(account, txid, client_id)
            same = [found] if found is not None and found.is_open else []
        if not same:
            raise KrakenError(UNKNOWN_ORDER)
        return same

    def cancel(self, ask: Ask) -> list[Order]:
        """CancelOrder, and one order of cancel_order."""
        ask.params.check_deadline(self._world.clock)
        orders = self.open_ones(ask.sender, ask)
        for order in orders:
            self._limits.count_cancel(order)
            self._world.venue.cancel(order)
        return orders

    def cancel_all(self, ask: Ask) -> list[Order]:
        """CancelAll, cancel_all: whatever is open, of all pairs."""
        orders = list(ask.sender.open_orders.values())
        for order in orders:
            self._world.venue.cancel(order)
        return orders

    def amend(self, ask: Ask) -> Order:
        """AmendOrder, amend_order: quantity, limit and trigger, each as far as it is given."""
        ask.params.check_deadline(self._world.clock)
        order = self._amended(ask)
        pair = wanted_of(order).pair
        quantity = ask.params.decimal("order_qty") or order.quantity
        price, stop_price = self._new_prices(ask, order)
        for one in (price, stop_price):
            check_price(pair, one)
        if quantity > order.filled:
            check_volume(pair, quantity)
        self._check_post(ask, order, price)
        self._limits.spend_amend(order)
        try:
            amend(self._world.venue, order, (quantity, price, stop_price))
        except VenueRefusal as refusal:
            raise refused(refusal) from None
        return order

    @staticmethod
    def amend_id(order: Order) -> str:
        """The id of the last amendment of an order."""
        return made_id("T", "amend", order_id(order), order.amendments)

    def _amended(self, ask: Ask) -> Order:
        txid, client_id = ask.params.text("txid"), ask.params.client_id()
        if not txid and not client_id:
            raise invalid("txid")
        order = self.find(ask.sender, txid, client_id)
        if order is None or not order.is_open:
            raise KrakenError(UNKNOWN_ORDER)
        if not any(ask.params.has(name) for name in ("order_qty", "limit_price", "trigger_price")):
            raise invalid("order_qty")
        return order

    @staticmethod
    def _new_prices(ask: Ask, order: Order) -> tuple[Decimal, Decimal]:
        price, stop_price = ask.params.decimal("limit_price"), ask.params.decimal("trigger_price")
        if price is not None and not order.price:
            raise invalid("limit_price")
        if stop_price is not None and (order.type not in STOPS or order.awake):
            raise invalid("trigger_price")
        return price or order.price, stop_price or order.stop_price

    def _check_post(self, ask: Ask, order: Order, price: Decimal) -> None:
        """That an order may only make is said of every change anew."""
        post = ask.params.flag("post_only")
        resting = order.type in (OrderType.LIMIT, OrderType.LIMIT_MAKER) or (order.type in LIMITED_STOPS and order.awake)
        quote = self._world.feed.tapes[order.symbol].quote
        if post and resting and on_arrival(order.side, OrderType.LIMIT, price, quote) is not None:
            raise KrakenError("EOrder:Post only order")

    def edit(self, ask: Ask) -> Placed:
        """EditOrder, edit_order: cancelled, and placed anew under another id; not for orders with a client id."""
        ask.params.check_deadline(self._world.clock)
        old = self.find(ask.sender, ask.params.need("txid"))
        if old is None or not old.is_open or wanted_of(old).client_id:
            raise KrakenError(UNKNOWN_ORDER)
        before = wanted_of(old)
        stop = old.type in STOPS
        first, second = ask.params.decimal("price"), ask.params.decimal("price2")
        price, stop_price = (second, first) if stop else (first, ZERO)
        volume = ask.params.decimal("volume") or old.remaining
        wanted = replace(before, volume=volume, price=price or old.price, stop_price=stop_price or old.stop_price)
        check_order(wanted, self._world.feed.tapes[wanted.pair.name])
        if ask.params.flag("validate"):
            return Placed(wanted, None)
        self._limits.spend_edit(old)
        self._world.venue.cancel(old)
        return Placed(wanted, self._submit(ask.sender, wanted, refid=order_id(old)))
