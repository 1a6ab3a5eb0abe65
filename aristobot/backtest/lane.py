"""One strategy on one symbol inside a backtest: its orders, and what each candle does to them."""

from __future__ import annotations

from collections import Counter

from aristobot.backtest.account import Account
from aristobot.backtest.exits import NO_PLAN, after_sale, armed, guarding, measure, over, planned
from aristobot.backtest.fills import Bar, Order, at_open, in_order, inside, inside_after_purchase, market_price
from aristobot.backtest.ledger import ClosedRow, FillRow, Refusal, Table
from aristobot.backtest.settings import Costs, Mood
from aristobot.backtest.stand import LaneStand
from aristobot.backtest.tracks import Track
from aristobot.orders import OrderType, Side
from aristobot.strategy_driver import Driver
from aristobot.strategy_orders import NOTHING, Decision, Intent, Message, as_shares, exits_of
from aristobot.strategy_run import ClosedPosition, Event, PlacedOrder

#: Decisions that a run keeps whole.
MOST_WHOLE = 50_000
_BUY, _MARKET, _LIMIT = Side.BUY, OrderType.MARKET, OrderType.LIMIT  # an attribute of an enum costs as much as a call


class Lane(LaneStand):
    """Orders of one strategy. `waiting` says that the next candle must be looked at; `due` orders take the market's price."""

    __slots__ = (
        "after", "bar", "closed", "costs", "decisions", "driver", "fills", "first_stop", "fresh", "latency", "messages", "mood",
        "plain", "plan", "refusals", "rested", "run", "slips", "track", "units", "vetoes", "waiting",
    )  # fmt: skip

    def __init__(self, driver: Driver, track: Track, account: Account, costs: Costs, mood: Mood) -> None:
        super().__init__(account, driver.run.stand.allotted)
        self.driver, self.run, self.track, self.units = driver, driver.run, track, account.units
        self.run.stand = self
        self.costs, self.mood = costs, mood
        self.latency = round(costs.latency * 1000)
        self.slips = bool(costs.slippage_bps or costs.slippage_range)
        self.plain = not (self.slips or self.latency or track.has_detail or driver.listens)
        self.bar = self.after = 0
        self.first_stop = self.fresh = 0.0
        self.plan = NO_PLAN
        self.waiting = self.rested = False
        self.fills: Table[FillRow] = Table(10)
        self.closed: Table[ClosedRow] = Table(12)
        self.refusals: list[Refusal] = []
        self.decisions: list[tuple[int, Decision | int]] = []
        self.vetoes: Counter[str] = Counter()
        self.messages: list[Message] = []

    # ------------------------------------------------------------------ what the strategy wants

    def keep(self, decision: Decision) -> None:
        """Write a decision down: whole, and from the MOST_WHOLE-th on its hash, which is enough to compare runs.

        It belongs to the candle that closed, or to the later one in which an order was filled.
        """
        decisions, cursor = self.decisions, self.run.tape.cursor
        whole = len(decisions) < MOST_WHOLE
        decisions.append((cursor if cursor > self.bar else self.bar, decision if whole else hash(decision)))
        if decision.refused:
            self.vetoes.update(decision.refused)
        if decision.messages:
            self.messages += decision.messages

    def apply(self, decision: Decision, now: int) -> None:
        """Place what was decided at `now` (UTC ms); it reaches the market the latency later."""
        self.after = now + self.latency
        if decision.cancel_entries:
            self._cancel_entries("not_reached")
        if decision.close and not (self.due and any(one.lots < 0 for one in self.due)):
            self.due.append(Order(False, False, 0.0, -1, decision.close, self.after))
        for intent in decision.entries:
            self._enter(intent)
        if decision.exits:
            self.due += [self._resting(one) for one in decision.exits if one.type is _MARKET]
        if not self.account.lots:
            waiting = sum(one.lots for one in (*self.due, *self.entries) if one.buying)
            self.plan = planned(decision, self.plan, waiting / self.units.quantities)
        elif decision.exits or decision.stops is not None or decision.targets is not None:
            self._guard(decision)
        self._look_on()

    def _guard(self, decision: Decision) -> None:
        """Put up the exits of what is held, at once."""
        stops, targets = exits_of(decision)
        if stops is not None:
            self.guards = guarding(stops, self.after, self.units)
        if targets is not None:
            self.goals = armed(as_shares(targets, over(decision, self.held)), self.after, self.account)

    def _enter(self, intent: Intent) -> None:
        order = self._resting(intent)
        if intent.type is _MARKET:
            self.due.append(order)
            return
        account, units = self.account, self.units
        rate = units.maker if order.limit else units.taker
        price = units.price(order.price)
        lots = account.affordable(price, order.lots, rate)
        if self.account.too_small(lots, price):
            self._refuse(order, "insufficient_funds" if lots < order.lots else "below_minimum", price)
            return
        order.lots = lots
        order.reserved = account.cost(price, lots, rate)
        account.purse.reserved += order.reserved
        self.entries.append(order)

    def _resting(self, intent: Intent) -> Order:
        kind = intent.type
        price = intent.price if kind is _MARKET else self.units.on_tick(intent.price)
        return Order(intent.side is _BUY, kind is _LIMIT, price, self.units.lots(intent.quantity), intent.tag, self.after)

    def _cancel_entries(self, reason: str) -> None:
        cancelled, self.entries = self.entries, []
        for order in cancelled:
            self.account.purse.reserved -= order.reserved
            self._refuse(order, reason, self.units.price(order.price), told=False)
        if cancelled:
            self.driver.note("canceled")
            self._event("canceled", cancelled[0], cancelled[0].lots, cancelled[0].price)

    def at_next_open(self, decision: Decision, index: int, now: int) -> bool:
        """The short way of `apply` and `match` for a single market order when nothing else waits; False when it is not that."""
        if self.waiting or not self.plain or decision.exits is not None:
            return False
        if decision.stops is not None or decision.targets is not None or decision.cancel_entries:
            return False
        entries, track, units = decision.entries, self.track, self.units
        if entries and (len(entries) > 1 or entries[0].type is not _MARKET or self.account.lots):
            return False
        if not entries and not decision.close:
            return False
        self.bar = index
        steps, opened = round(track.opens[index] * units.prices), int(track.times[index])
        moment = opened if opened > now else now
        if entries:
            self.plan = NO_PLAN
            order = self._resting(entries[0])
            self.after = moment
            self._buy(order, steps, units.taker, moment, False)
        else:
            self.after = moment
            self._sell(Order(False, False, 0.0, -1, decision.close, now), steps, units.taker, moment, False)
        return True

    # ------------------------------------------------------------------ what a candle does

    def match(self, index: int) -> None:
        """What candle `index` of the strategy's timeframe does to the orders, smaller by smaller where there are."""
        self.bar = index
        for fine in self.track.inside(index):
            self.fresh = 0.0
            if self.due:
                self._take(fine)
            if self.entries or (self.account.lots and (self.guards or self.goals)):
                self._touch(fine)
        self._look_on()

    def _take(self, fine: int) -> None:
        track = self.track
        began = int(track.times[fine])
        due, self.due = self.due, []
        for order in due:
            late = order.after - began
            if late > 0 and (track.has_detail or late >= track.length):
                self.due.append(order)
                continue
            price = (
                track.opens[fine] if late <= 0 else market_price(order.buying, track.bar(fine), late / track.length, self.mood)
            )
            self._fill(order, price, fine, maker=False)

    def _touch(self, fine: int) -> None:
        bar, began, mood = self.track.bar(fine), self.track.times[fine], self.mood
        if not self.entries:
            stop, target = self.nearest()
            if bar.low > stop and bar.high < target:
                return
        if self.account.lots:
            self._exit(bar, fine, [one for one in self._resting_exits(began) if at_open(one, bar, mood)], gap=True)
        late: Order | None = None
        for order in [one for one in self.entries if one.after <= began]:
            gap = at_open(order, bar, mood)
            if not gap and order.limit and self.account.lots:  # what falls to this price has passed the stops above it
                above = [one for one in self.guards if one.price >= order.price and inside(one, bar, mood)]
                self._exit(bar, fine, above, gap=False)
            if order in self.entries and (gap or inside(order, bar, mood)):
                self.entries.remove(order)
                late = late if gap else order
                self._fill(order, bar.open if gap else order.price, fine, maker=order.limit)
        if not self.account.lots:
            return
        if late is None:
            reached = [one for one in self._resting_exits(began) if inside(one, bar, mood)]
        else:
            rises = not late.limit
            reached = [one for one in self._resting_exits(began) if inside_after_purchase(one, bar, mood, rises, self.fresh)]
        self._exit(bar, fine, reached, gap=False)

    def _exit(self, bar: Bar, fine: int, reached: list[Order], gap: bool) -> None:
        for order in reached:
            if not self.account.lots:
                return
            for orders in (self.guards, self.goals):
                if order in orders:
                    orders.remove(order)
                    at_once = self.fresh and (self.fresh > order.price) == order.limit  # it was beyond its price when it came
                    self._fill(order, bar.open if gap else self.fresh if at_once else order.price, fine, maker=order.limit)
                    break

    def _resting_exits(self, began: float) -> list[Order]:
        return in_order(self.guards, self.goals, self.mood, began, self.track.length)

    # ------------------------------------------------------------------ fills

    def _fill(self, order: Order, price: float, fine: int, maker: bool) -> None:
        units = self.units
        if self.slips and not maker:
            bar, costs = self.track.bar(fine), self.costs
            worse = price * costs.slippage_bps / 10_000 + costs.slippage_range * (bar.high - bar.low)
            steps = max(units.tick, units.worse(price + worse if order.buying else price - worse, order.buying))
        else:
            steps = round(price * units.prices)
        moment = self.after = max(int(self.track.times[fine]), order.after)
        if order.buying:
            self._buy(order, steps, units.maker if maker else units.taker, moment, maker)
        else:
            self._sell(order, steps, units.maker if maker else units.taker, moment, maker)

    def _buy(self, order: Order, steps: int, rate: int, moment: int, maker: bool) -> None:
        account, run = self.account, self.run
        if order.reserved:
            account.purse.reserved -= order.reserved
        lots = account.affordable(steps, order.lots, rate)
        if account.too_small(lots, steps) or account.brings_nothing(lots, rate):
            self._refuse(order, "insufficient_funds" if lots < order.lots else "below_minimum", steps)
            self._look_on()
            return
        first, driver, units = not account.lots, self.driver, self.units
        fee = account.buy(steps, lots, rate)
        self.fills.add((self.bar, moment, True, steps, lots, fee, maker, order.tag, account.total, account.held))
        if first:
            self.opened, self.first_stop = (moment, self.bar), 0.0
            (stops, targets), self.plan = self.plan, NO_PLAN
            self.guards = guarding(stops, moment, units)
            self.goals = armed(targets, moment, account) if targets else []
            if self.guards:
                self.first_stop = self.guards[0].price
        elif self.goals:
            measure(self.goals, account)
        self.fresh = steps / units.prices
        kind = "opened" if first else "increased"
        run.held = account.lots / units.quantities
        driver.note(kind)
        if driver.listens:
            self._event(kind, order, lots, self.fresh)

    def _sell(self, order: Order, steps: int, rate: int, moment: int, maker: bool) -> None:
        account = self.account
        lots = account.lots if order.lots < 0 or order.lots > account.lots else order.lots
        if not lots:
            return
        if self.account.too_small(lots, steps):
            self._refuse(order, "below_minimum", steps)
            return
        fee = account.sell(steps, lots, rate)
        self.fills.add((self.bar, moment, False, steps, lots, fee, maker, order.tag, account.total, account.held))
        if account.lots:
            after_sale(self.goals, order, account)
            self.run.held = account.lots / self.units.quantities
            self.driver.note("reduced")
            if self.driver.listens:
                self._event("reduced", order, lots, steps / self.units.prices)
        else:
            self._close(order, lots, steps, moment)

    def _close(self, order: Order, lots: int, steps: int, moment: int) -> None:
        account, driver, (opened, entered) = self.account, self.driver, self.opened
        self.closed.add((
            opened, entered, moment, self.bar, account.bought_value, account.bought_lots, account.sold_value, account.sold_lots,
            account.fees, account.flow, order.tag, self.first_stop,
        ))  # fmt: skip
        closed = self.seen(moment, order.tag) if driver.remembers else None
        account.begin()
        if self.entries:
            self._cancel_entries("position_closed")
        if self.guards or self.goals or self.due:
            self.guards, self.goals = [], []
            self.due = [one for one in self.due if one.buying]
        self.run.held = 0.0
        driver.note("closed", closed)
        if driver.listens:
            self._event("closed", order, lots, steps / self.units.prices, closed)

    def close_out(self, tag: str) -> None:
        """The end of the data: sell what is held at the last close, take back what rests."""
        last = len(self.track.closes) - 1
        self.bar = len(self.track.low_of) - 1
        self._cancel_entries(tag)
        if self.account.lots:
            self.after = int(self.track.times[last]) + self.track.length
            self._fill(Order(False, False, 0.0, -1, tag, self.after), self.track.closes[last], last, maker=False)

    # ------------------------------------------------------------------ what is told

    def _look_on(self) -> None:
        """Whether the next candle must be looked at, and whether an entry or a sell of its own waits."""
        due = self.due
        resting = self.entries or (self.account.lots and (self.guards or self.goals))
        self.rested = self.rested or bool(resting)
        self.waiting = bool(due or resting)
        self.run.pending = self.waiting and bool(self.entries or (due and (due[0].lots > 0 or due[-1].lots > 0)))

    def _refuse(self, order: Order, reason: str, steps: int, told: bool = True) -> None:
        self.refusals.append((self.after, order.buying, order.lots, steps, order.tag, reason))
        if told:
            self._event("rejected", order, max(order.lots, 0), steps / self.units.prices, reason=reason)

    def _event(
        self, kind: str, order: Order, lots: int, price: float, closed: ClosedPosition | None = None, reason: str = ""
    ) -> None:
        """Tell the strategy of an order at once, and place what it wants then."""
        if not self.driver.listens:
            return
        placed = self.placed(order, "filled" if not reason else "rejected")
        told = PlacedOrder(placed.side, placed.type, lots / self.units.quantities, price, placed.tag, placed.status)
        decision = self.driver.deliver(Event(kind, told, closed, reason))
        if decision is not NOTHING:
            self.keep(decision)
            self.apply(decision, self.after)
