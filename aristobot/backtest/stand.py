"""How a strategy stands in a backtest: read out of the books when it asks."""

from __future__ import annotations

from aristobot.backtest.account import Account
from aristobot.backtest.exits import nearest
from aristobot.backtest.fills import Order
from aristobot.figures.record import StillOpen
from aristobot.orders import OrderType, Side
from aristobot.strategy_run import ClosedPosition, PlacedOrder


class LaneStand:
    """The money and the orders of one strategy, in the floats that it reckons in; the names are those of Standing."""

    __slots__ = ("account", "allotted", "due", "entries", "goals", "guards", "opened")

    def __init__(self, account: Account, allotted: float) -> None:
        self.account = account
        self.allotted = allotted
        self.opened = (0, 0)
        self.due: list[Order] = []
        self.entries: list[Order] = []
        self.guards: list[Order] = []
        self.goals: list[Order] = []

    @property
    def balance(self) -> float:
        """Free quote for this strategy."""
        return self.account.spendable() / self.account.purse.scale

    @property
    def held(self) -> float:
        """Base units it owns, in whole lots."""
        return self.account.lots / self.account.units.quantities

    @property
    def dust(self) -> float:
        """Base units less than a lot."""
        units = self.account.units
        return (self.account.held - self.account.lots * units.fees) / (units.quantities * units.fees)

    @property
    def entry(self) -> float:
        """Average price of what it holds; zero when flat."""
        account = self.account
        return account.open_value / account.open_lots / account.units.prices if account.open_lots else 0.0

    @property
    def opened_at(self) -> int:
        """When the position was opened, UTC ms."""
        return self.opened[0]

    @property
    def locked(self) -> float:
        """Quote that resting entries lock."""
        return sum(one.reserved for one in self.entries) / self.account.purse.scale

    @property
    def orders(self) -> tuple[PlacedOrder, ...]:
        """Entries that wait, and sells that are on their way."""
        sent = [self.placed(one, "sent") for one in self.due if one.lots > 0]
        return (*sent, *(self.placed(one, "open") for one in self.entries))

    @property
    def stops(self) -> tuple[PlacedOrder, ...]:
        """Stops that rest."""
        return tuple(self.placed(one, "open") for one in self.guards)

    @property
    def targets(self) -> tuple[PlacedOrder, ...]:
        """Targets that rest, each with its share of what is held."""
        held = self.held
        kind, sell = OrderType.LIMIT, Side.SELL
        return tuple(PlacedOrder(sell, kind, one.share * held, one.price, one.tag) for one in self.goals)

    def nearest(self) -> tuple[float, float]:
        """The highest stop and the lowest target: outside of them no candle matters."""
        return nearest([*self.guards, *self.goals])

    def still_open(self) -> StillOpen | None:
        """The position that is held; None when flat."""
        account = self.account
        return StillOpen(self.opened[0], account.fees / 10**account.units.money_places) if account.lots else None

    def seen(self, moment: int, tag: str) -> ClosedPosition:
        """The position that was just closed, as its strategy sees it."""
        account, units, quantity = self.account, self.account.units, self.account.bought_lots
        return ClosedPosition(
            self.opened[0],
            moment,
            account.bought_value / quantity / units.prices,
            account.sold_value / account.sold_lots / units.prices,
            quantity / units.quantities,
            account.flow * account.factor / account.purse.scale,
            tag,
        )

    def placed(self, order: Order, status: str) -> PlacedOrder:
        """An order as its strategy sees it."""
        kind = OrderType.LIMIT if order.limit else OrderType.MARKET if status == "sent" else OrderType.STOP_LOSS
        lots = self.account.lots if order.lots < 0 else order.lots
        side = Side.BUY if order.buying else Side.SELL
        return PlacedOrder(side, kind, lots / self.account.units.quantities, order.price, order.tag, status)
