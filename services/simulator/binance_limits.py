"""How much may be asked: weight per minute and address, orders per account; and what happens to those who go on."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.simulator.binance_errors import BinanceError, banned, too_many_orders, too_much_weight
from services.simulator.binance_json import Json
from services.simulator.records import Account, Order
from services.simulator.times import ExchangeClock

MINUTE, TEN_SECONDS, DAY = 60_000, 10_000, 86_400_000
#: Requests that an address may send inside its Retry-After before it is banned.
PATIENCE = 10
BAN_SECONDS = 120


@dataclass(slots=True)
class _Address:
    minute: int = -1
    used: int = 0
    unheard: int = 0
    banned_until: int = 0
    bans: int = 0


@dataclass(slots=True)
class _Orders:
    recent: dict[Order, int] = field(default_factory=dict)
    today: dict[Order, int] = field(default_factory=dict)


class Limits:
    """The budgets. The numbers may be changed while it runs."""

    def __init__(self, clock: ExchangeClock) -> None:
        self._clock = clock
        #: Whether anything counts at all; a test of something else may do without.
        self.counting = True
        self.weight = 6000
        self.orders_10s = 100
        self.orders_1d = 200_000
        self._addresses: dict[str, _Address] = {}
        self._orders: dict[str, _Orders] = {}

    def _address(self, peer: str) -> _Address:
        address = self._addresses.get(peer)
        if address is None:
            address = self._addresses[peer] = _Address()
        minute = self._clock.ms() // MINUTE
        if address.minute != minute:
            address.minute, address.used, address.unheard = minute, 0, 0
        return address

    def used(self, peer: str) -> int:
        """Weight used in the minute of the last request that was admitted."""
        address = self._addresses.get(peer)
        return address.used if address is not None else 0

    def admit(self, peer: str) -> None:
        """Refuse who is banned, and warn (then ban) who has used up the minute."""
        address = self._address(peer)
        now = self._clock.ms()
        if now < address.banned_until:
            raise banned(address.banned_until)
        if address.used < self.weight:
            return
        address.unheard += 1
        if address.unheard > PATIENCE:
            address.bans += 1
            address.unheard = 0
            address.banned_until = now + BAN_SECONDS * 1000 * 2 ** (address.bans - 1)
            raise banned(address.banned_until)
        raise too_much_weight(self.weight)

    def spend(self, peer: str, weight: int) -> None:
        """Use weight."""
        if weight and self.counting:
            self._address(peer).used += weight

    def retry_after(self, peer: str) -> int:
        """Seconds until requests are heard again."""
        address = self._address(peer)
        now = self._clock.ms()
        until = max(address.banned_until, (address.minute + 1) * MINUTE)
        return max(1, -(-(until - now) // 1000))

    def check_orders(self, account: Account, count: int) -> None:
        """Refuse when too many orders of this account rest unfilled; a fill gives the slot back."""
        recent, today = self.counts(account)
        if recent + count > self.orders_10s:
            raise too_many_orders(self.orders_10s, "10 SECOND")
        if today + count > self.orders_1d:
            raise too_many_orders(self.orders_1d, "1 DAY")

    def count(self, account: Account, orders: list[Order]) -> None:
        """New orders that were not filled at once."""
        unfilled = [order for order in orders if not order.filled]
        if unfilled and self.counting:
            book = self._orders.setdefault(account.key, _Orders())
            now = self._clock.ms()
            book.recent.update(dict.fromkeys(unfilled, now))
            book.today.update(dict.fromkeys(unfilled, now))

    def counts(self, account: Account) -> tuple[int, int]:
        """Orders that count, in the last ten seconds and the last day."""
        book = self._orders.get(account.key)
        if book is None:
            return 0, 0
        now = self._clock.ms()
        book.recent = {order: at for order, at in book.recent.items() if at > now - TEN_SECONDS and not order.filled}
        if len(book.today) > self.orders_1d or len(book.today) < 1000:
            book.today = {order: at for order, at in book.today.items() if at > now - DAY and not order.filled}
        return len(book.recent), len(book.today)

    def rules(self) -> list[Json]:
        """`rateLimits` of exchangeInfo."""
        raw = {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000}
        return [_rule("REQUEST_WEIGHT", "MINUTE", 1, self.weight), *self._order_rules(), raw]

    def _order_rules(self) -> list[Json]:
        return [_rule("ORDERS", "SECOND", 10, self.orders_10s), _rule("ORDERS", "DAY", 1, self.orders_1d)]

    def order_status(self, account: Account) -> list[Json]:
        """The order limits with their counts."""
        rules = self._order_rules()
        rules[0]["count"], rules[1]["count"] = self.counts(account)
        return rules

    def socket_status(self, peer: str, account: Account | None) -> list[Json]:
        """`rateLimits` of an answer over the WebSocket API; with those of orders when one was placed."""
        weight = _rule("REQUEST_WEIGHT", "MINUTE", 1, self.weight)
        weight["count"] = self.used(peer)
        return [weight] if account is None else [*self.order_status(account), weight]


def _rule(kind: str, interval: str, number: int, limit: int) -> Json:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def is_limit(error: BinanceError) -> bool:
    """Whether an answer asks for silence."""
    return error.status in (418, 429)
