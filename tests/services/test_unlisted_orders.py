"""A market that its exchange lists no more is its orders' matter: they are named and left, and everything else is traded."""

from __future__ import annotations

from functools import partial

from aristobot.orders import OrderRequest, OrderStatus, OrderType, Side
from aristobot.store import strangers
from aristobot.store.monitor_tables import Stranger
from aristobot.store.tenancy import GuardedSession
from services.restart_report import UNLISTED
from services.simulator.binance import BinanceDialect
from services.simulator.binance_catalogue import BinanceSymbol
from tests.builders import MIDNIGHT
from tests.services.trading import D, Trader, TradingHouse

SILENT = ("BNB/USDT", "BTC/USDT", "DOGE/USDT", "ETH/USDT", "SOL/USDT")


def listed(house: TradingHouse) -> dict[str, BinanceSymbol]:
    """What Binance lists."""
    binance = house.simulator.dialects["binance"]
    assert isinstance(binance, BinanceDialect)
    return binance.market.symbols


def delist(house: TradingHouse) -> None:
    """Binance forgets ether, and whatever rested there."""
    for account in house.simulator.venue.accounts.values():
        for order in list(account.orders.values()):
            if order.symbol == "ETH/USDT" and order.is_open:
                house.simulator.venue.cancel(order)
    listed(house).pop("ETHUSDT")


async def told(house: TradingHouse, trader: Trader) -> list[tuple[str, str, str]]:
    """Kind, role and symbol of what the report of the last start says."""
    found = await house.app.monitor.reports.newest(trader.user_id)
    assert found is not None
    return sorted((one["kind"], one["role"], one["symbol"]) for one in found.row.items or ())


async def test_an_order_on_a_market_that_is_listed_no_more_is_named_and_its_broker_trades_on(
    house: TradingHouse, trader: Trader
) -> None:
    await house.alert(trader, action="BuyLimit", symbol="ETHUSDT", price=2900, percent=20)
    await house.restart(meanwhile=lambda: delist(house))
    assert await told(house, trader) == [(UNLISTED, "entry", "ETH/USDT")]
    assert trader.broker_id in house.app.floor.reconciled
    await house.buy(trader, stop_loss="59000")
    await house.guarded(trader, ("stop", "0.08324", "59000"))
    refused = await house.alert(trader, action="BuyMarket", symbol="ETHUSDT", percent=20)
    assert refused.outcome == "refused"
    assert [row.status for row in await house.rows(trader, symbol="ETH/USDT")] == [OrderStatus.OPEN]


async def test_what_is_listed_again_is_compared_again(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, action="BuyLimit", symbol="ETHUSDT", price=2900, percent=20)
    ether = listed(house)["ETHUSDT"]
    await house.restart(meanwhile=lambda: delist(house))
    listed(house)["ETHUSDT"] = ether
    await house.settled(trader, 1, status=OrderStatus.CANCELED)


async def test_strangers_of_whom_nothing_is_ever_said_keep_no_other_waiting(house: TradingHouse, trader: Trader) -> None:
    account = await house.app.floor.brokers.get(trader.broker_id)
    keys, client = await house.app.gateway.keys(account.broker), house.app.gateway.client("binance")
    price = house.simulator.world.feed.tapes["XRP/USDT"].last * D("0.9")
    waits = OrderRequest("by-hand", "XRP/USDT", Side.BUY, OrderType.LIMIT, quantity=D(100), price=price.quantize(D("0.001")))
    await client.place_order(keys, waits)

    async def known() -> list[Stranger]:
        return await house.read(lambda s: strangers.recent(s, broker_id=trader.broker_id, symbol="XRP/USDT"))

    await house.when(known)
    await house.app.db.write(trader.user_id, partial(never_heard_of, trader=trader))
    house.faults({"on": "user.message", "do": "drop_message", "times": 0})
    house.simulator.venue.cancel(trader.orders(symbol="XRP/USDT")[0])

    async def ended() -> bool:
        return [row.status for row in await known()] == [OrderStatus.CANCELED]

    await house.when(ended, within=200)


def never_heard_of(session: GuardedSession, trader: Trader) -> None:
    """Orders that rested once, of which the exchange shows nothing any more, on markets before that of the other one."""
    for symbol in SILENT:
        row = Stranger(
            user_id=trader.user_id,
            broker_id=trader.broker_id,
            symbol=symbol,
            side=Side.BUY,
            type=OrderType.LIMIT,
            status=OrderStatus.OPEN,
            exchange_order_id="1",
            created_at=MIDNIGHT,
            updated_at=MIDNIGHT,
            imported_at=MIDNIGHT,
        )
        session.add(row)


async def test_what_was_done_by_hand_while_the_house_was_down_is_read_on_every_market_one_round_after_the_other(
    house: TradingHouse,
) -> None:
    trader = await house.trader({"USDT": "10000", "USDC": "10000"})
    markets = sorted(one for one in house.simulator.world.feed.tapes if one.partition("/")[2] in ("USDT", "USDC"))[:12]

    def by_hand(kind: OrderType, price: str = "0") -> None:
        for market in markets:
            request = OrderRequest(f"{kind}-{market}", market, Side.BUY, kind, quantity=D("0.001"), price=D(price))
            house.simulator.venue.place(trader.account, request)

    async def known(status: OrderStatus) -> list[str]:
        return sorted(
            row.symbol for row in await house.read(lambda s: strangers.recent(s, broker_id=trader.broker_id, status=status))
        )

    async def all_are(status: OrderStatus) -> bool:
        return await known(status) == markets

    by_hand(OrderType.LIMIT, "0.01")
    await house.when(partial(all_are, OrderStatus.OPEN))
    await house.restart(meanwhile=lambda: by_hand(OrderType.MARKET))
    await house.when(partial(all_are, OrderStatus.FILLED))
