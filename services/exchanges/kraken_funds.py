"""What of an account is free, moment by moment: its balances as they are pushed, minus what its resting orders hold.

The `balances` channel names totals alone. An execution is told on two channels, in either order: until its ledger entries
have come, what it moved is counted as moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from aristobot.exchange import BalanceChanged
from aristobot.money import WIDE, ZERO, times
from aristobot.orders import Fill, Side
from aristobot.portfolio import Balance
from services.exchanges.kraken_catalogue import TAKER_FEE
from services.exchanges.kraken_events import HeldOrder
from services.exchanges.kraken_wire import real, real_fee

#: Executions whose ledger entries came first are remembered so far back.
_REMEMBERED = 500
_TRADED_FROM = "spot"
#: A buy pays its fee in quote, too: at the highest rate, since nobody tells us the account's.
_WITH_FEE = 1 + TAKER_FEE


class Wallet(msgspec.Struct):
    """One of the places an asset lies in; orders take from the spot wallet alone."""

    type: str
    balance: Decimal


class Entry(msgspec.Struct):
    """An asset of a snapshot (with `wallets`), or a ledger entry (with `ref_id`, the execution it books)."""

    asset: str
    balance: Decimal
    wallets: list[Wallet] = []
    wallet_type: str = _TRADED_FROM
    ref_id: str = ""


ENTRIES = msgspec.json.Decoder(list[Entry])


class Funds:
    """Totals, and movements on their way."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[Decimal, Decimal]] = {}
        self._totals: dict[str, Decimal] = {}
        self._moving: dict[tuple[str, str], Decimal] = {}
        self._booked: dict[tuple[str, str], None] = {}

    def snapshot(self, entries: Iterable[Entry]) -> set[str]:
        """Begin anew with what is there; returns the assets."""
        self._told.clear()
        self._totals.clear()
        self._moving.clear()
        self._booked.clear()
        for one in entries:
            spot = [wallet.balance for wallet in one.wallets if wallet.type == _TRADED_FROM]
            total = sum(spot, ZERO) if one.wallets else one.balance
            real_fee(total)
            self._totals[one.asset] = total
        return set(self._totals)

    def entered(self, entries: Iterable[Entry]) -> set[str]:
        """Ledger entries came in; returns the assets whose total is another now."""
        touched: set[str] = set()
        for one in entries:
            if one.wallet_type != _TRADED_FROM:
                continue
            real_fee(one.balance)
            self._totals[one.asset] = one.balance
            touched.add(one.asset)
            if one.ref_id and self._moving.pop((one.ref_id, one.asset), None) is None:
                self._booked[one.ref_id, one.asset] = None
                if len(self._booked) > _REMEMBERED:
                    del self._booked[next(iter(self._booked))]
        return touched

    def executed(self, fill: Fill) -> None:
        """Coins changed hands: what has no ledger entry yet is on its way."""
        base, _, quote = fill.symbol.partition("/")
        sign = 1 if fill.side is Side.BUY else -1
        moved = {base: sign * fill.quantity, quote: -sign * fill.value}
        moved[fill.fee_asset] = WIDE.subtract(moved.get(fill.fee_asset, ZERO), fill.fee)
        for asset, delta in moved.items():
            key = (fill.trade_id, asset)
            if key in self._booked:
                del self._booked[key]
            else:
                self._moving[key] = delta

    def changed(self, assets: Iterable[str], resting: Iterable[HeldOrder]) -> BalanceChanged | None:
        """Free and held amounts of those of the assets that are others now than when they were last told; None for none."""
        held: dict[str, Decimal] = {}
        for order in resting:
            asset, amount = _hold(order)
            held[asset] = WIDE.add(held.get(asset, ZERO), amount)
        moving: dict[str, Decimal] = {}
        for (_, asset), delta in self._moving.items():
            moving[asset] = WIDE.add(moving.get(asset, ZERO), delta)
        news: list[Balance] = []
        for asset in sorted(assets):
            total = WIDE.add(self._totals.get(asset, ZERO), moving.get(asset, ZERO))
            locked = held.get(asset, ZERO)
            free = max(WIDE.subtract(total, locked), ZERO)
            if (free, locked) != self._told.get(asset):
                self._told[asset] = free, locked
                news.append(Balance.of(asset, free, locked))
        return BalanceChanged(tuple(news)) if news else None


def assets_of(symbol: str) -> set[str]:
    """Base and quote."""
    return set(symbol.split("/"))


def _hold(order: HeldOrder) -> tuple[str, Decimal]:
    """What an order keeps from being spent: a sell its coins, a buy its price or trigger, and the fee."""
    base, _, quote = order.symbol.partition("/")
    left = max(WIDE.subtract(order.quantity, order.filled), ZERO)
    if order.side is Side.SELL:
        return base, left
    price = order.limit or order.trigger
    real(price)
    return quote, times(times(left, price), _WITH_FEE)
