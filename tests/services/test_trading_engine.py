"""Alerts and their lanes: none is left behind, none is done twice, none waits for another symbol's exchange."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest

from aristobot.errors import StoreError
from aristobot.events import SignalReceived, WebhookUpdated
from aristobot.kinds import WebhookOutcome, WebhookStatus
from aristobot.orders import OrderStatus, Side
from aristobot.store import webhooks
from aristobot.store.inbox import Alert, AlertInbox
from aristobot.store.trading_tables import Webhook
from services.broker_book import BrokerBook
from services.trading_engine import MOST_CLAIMS, MOST_CLAIMS_WITH_ORDERS
from tests.services.trading import HAND, Trader, TradingHouse

D = Decimal
S = OrderStatus
BUY: dict[str, Any] = {"action": "BuyMarket", "symbol": "BTCUSDT", "percent": 50, "stop_loss": "59000", "take_profit": "62000"}


async def stored(house: TradingHouse, trader: Trader, body: bytes, **changes: Any) -> uuid.UUID:
    """An alert that the ingress stored just before the house died: nobody rang the bell. The next one comes later."""
    await house.clock.sleep(0.001)
    alert = Alert(
        id=uuid.uuid4(),
        user_id=trader.user_id,
        broker_id=trader.broker_id,
        received_at=house.clock.now(),
        payload=body,
        token_hash="",
        identity=uuid.uuid4().hex,
    )
    kept = await AlertInbox(house.app.db).add(alert)
    if changes:
        await change(house, kept.id, **changes)
    return kept.id


async def change(house: TradingHouse, webhook_id: uuid.UUID, **values: Any) -> None:
    """Set columns of an alert's row."""

    def work(session: Any) -> None:
        row = webhooks.get(session, webhook_id)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)

    await house.app.db.write((await house.read(lambda s: webhooks.get(s, webhook_id))).user_id, work)


async def test_an_alert_that_was_only_stored_is_done_at_the_next_start(house: TradingHouse, trader: Trader) -> None:
    webhook_id = await stored(house, trader, json.dumps(BUY).encode())
    await house.restart()
    ended = await house.ended(webhook_id)
    assert (ended.outcome, ended.claims) == (WebhookOutcome.ORDERED, 1)
    await house.guarded(trader, ("stop", "0.08324", "59000"), ("target", "0.08324", "62000"))


async def test_alerts_left_behind_are_done_in_the_order_in_which_they_came(house: TradingHouse, trader: Trader) -> None:
    commands = [BUY, {"action": "SellMarket", "symbol": "BTCUSDT"}, {**BUY, "percent": 20}]
    ids = [await stored(house, trader, json.dumps(one).encode()) for one in commands]
    await house.restart()
    assert [(await house.ended(one)).outcome for one in ids] == ["ordered"] * 3
    assert [row.side for row in await house.rows(trader, status=S.FILLED)] == [Side.BUY, Side.SELL, Side.BUY]


async def test_an_alert_whose_order_was_sent_before_the_crash_is_finished_and_not_sent_again(
    house: TradingHouse, trader: Trader
) -> None:
    house.faults({"on": "list.place", "do": "slow_reply", "seconds": 0.6})
    webhook_id = await house.send(trader, BUY)
    await house.until(lambda: bool(house.asked("list.place")))
    await house.restart()
    ended = await house.ended(webhook_id)
    assert ended.outcome == WebhookOutcome.ORDERED
    assert len(trader.orders(side=Side.BUY)) == 1
    await house.guarded(trader, ("stop", "0.08324", "59000"), ("target", "0.08324", "62000"))


async def test_an_entry_that_was_filled_before_the_crash_gets_its_exits_however_old_the_alert_is(
    house: TradingHouse, trader: Trader
) -> None:
    ended = await house.alert(trader, **{**BUY, "stop_loss": None, "take_profit": None})
    await change(house, ended.id, status=WebhookStatus.PROCESSING, outcome=None, payload=json.dumps(BUY).encode())
    long_ago = house.clock.now().replace(year=2025)
    await change(house, ended.id, received_at=long_ago)
    await house.restart()
    assert (await house.ended(ended.id)).outcome == WebhookOutcome.ORDERED
    await house.guarded(trader, ("stop", "0.08324", "59000"), ("target", "0.08324", "62000"))


async def test_a_finished_alert_is_never_taken_up_again(house: TradingHouse, trader: Trader) -> None:
    await house.buy(trader, stop_loss="59000")
    orders = len(trader.orders())
    for _ in range(2):
        await house.restart()
    await house.guarded(trader, ("stop", "0.08324", "59000"))
    assert len(trader.orders()) == orders


@pytest.mark.parametrize(
    ("claims", "order_ids", "outcome"),
    [
        (MOST_CLAIMS - 1, None, "ordered"),
        (MOST_CLAIMS, None, "invalid"),
        (MOST_CLAIMS, ["0" * 32], "ordered"),
        (MOST_CLAIMS_WITH_ORDERS, ["0" * 32], "invalid"),
    ],
)
async def test_an_alert_that_brings_the_house_down_again_and_again_is_set_aside(
    house: TradingHouse, trader: Trader, claims: int, order_ids: list[str] | None, outcome: str
) -> None:
    poison = await stored(house, trader, json.dumps(BUY).encode(), claims=claims, order_ids=order_ids)
    harmless = await stored(house, trader, b'{"action": "PING"}')
    await house.restart()
    ended = await house.ended(poison)
    assert ended.outcome == outcome
    assert (ended.reason == "reason.poison") is (outcome == "invalid")
    assert (await house.ended(harmless)).outcome == "ping"


async def test_alerts_that_wait_behind_others_are_not_counted_as_begun(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "list.place", "do": "slow", "seconds": 0.8})
    first = await stored(house, trader, json.dumps(BUY).encode())
    behind = await stored(house, trader, b'{"action": "SellMarket", "symbol": "BTCUSDT"}')
    await house.restart()
    await house.until(lambda: bool(house.asked("list.place")))
    rows = [await house.read(lambda s, one=one: webhooks.get(s, one)) for one in (first, behind)]  # type: ignore[misc]  # binds one
    assert [row.claims for row in rows] == [1, 0]
    assert [(await house.ended(one)).outcome for one in (first, behind)] == ["ordered", "ordered"]


async def test_text_that_nobody_understands_ends_as_invalid_with_its_reason(house: TradingHouse, trader: Trader) -> None:
    webhook_id = await stored(house, trader, b"buy low, sell high")
    await house.restart()
    ended = await house.ended(webhook_id)
    assert (ended.status, ended.outcome) == (WebhookStatus.ERROR, WebhookOutcome.INVALID)
    assert ended.reason.startswith("reason.")


async def test_an_alert_for_a_broker_that_is_gone_ends_with_its_reason(house: TradingHouse, trader: Trader) -> None:
    webhook_id = await stored(house, trader, json.dumps(BUY).encode())
    await house.app.brokers.remove(trader.user_id, trader.broker_id, HAND)
    await house.restart()
    ended = await house.ended(webhook_id)
    assert (ended.outcome, ended.reason) == ("refused", "error.not_found")


async def test_a_lane_that_waits_for_its_exchange_holds_no_other_up(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "list.place", "do": "slow", "seconds": 1.0})
    slow = await house.send(trader, BUY)
    await house.until(lambda: bool(house.asked("list.place")))
    quick = await house.alert(trader, action="BuyMarket", symbol="ETHUSDT", percent=10, within=0.9)
    assert quick.outcome == WebhookOutcome.ORDERED
    assert (await house.ended(slow)).outcome == WebhookOutcome.ORDERED


async def test_alerts_of_one_symbol_are_done_one_after_the_other(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "list.place", "do": "slow", "seconds": 0.2})
    buying = await house.send(trader, BUY)
    selling = await house.send(trader, {"action": "SellMarket", "symbol": "BINANCE:BTCUSDT"})
    assert [(await house.ended(one)).outcome for one in (buying, selling)] == ["ordered", "ordered"]
    await house.closed(trader)


async def test_the_end_of_every_alert_is_told_once(house: TradingHouse, trader: Trader) -> None:
    told: list[WebhookUpdated] = []
    house.app.bus.listen(WebhookUpdated, do=told.append)
    ids = [(await house.alert(trader, action=action)).id for action in ("PING", "BuyMarket", "SellMarket")]
    assert [event.webhook_id for event in told if event.status == "processed"] == ids


async def test_an_alert_rung_while_its_row_is_swept_up_is_done_once(house: TradingHouse, trader: Trader) -> None:
    payload = json.dumps({**BUY, "percent": 20}).encode()
    webhook_id = await stored(house, trader, payload)
    await house.restart()
    row: Webhook = await house.ended(webhook_id)
    house.app.bus.publish(
        SignalReceived(
            at=row.received_at,
            trace_id=row.trace_id,
            user_id=row.user_id,
            webhook_id=row.id,
            broker_id=row.broker_id,
            payload=row.payload,
        )
    )
    await house.alert(trader, action="PING")
    assert len(trader.orders(side=Side.BUY)) == 1


async def test_an_alert_that_cannot_be_taken_up_now_stops_no_lane_and_is_done_once_before_those_behind_it(
    house: TradingHouse, trader: Trader
) -> None:
    other = await house.trader()
    house.faults({"on": "list.place", "do": "slow", "seconds": 0.4})
    slow = await house.send(trader, BUY)
    await house.until(lambda: bool(house.asked("list.place")))
    late = [await stored(house, other, json.dumps(BUY | {"action": action}).encode()) for action in ("BuyMarket", "SellMarket")]
    restarts = sum(state.restarts for state in house.app.supervisor.states())
    book = house.app.floor.brokers = ForgetfulBook(house.app.db, house.app.bus)
    for webhook_id in late:
        house.app.bus.publish(SignalReceived(at=house.clock.now(), webhook_id=webhook_id, broker_id=other.broker_id))
    await house.clock.sleep(0.2)
    assert other.orders() == []
    book.silent = False
    assert [(await house.ended(one)).outcome for one in (*late, slow)] == ["ordered", "ordered", "ordered"]
    assert [order.side for order in other.orders() if order.filled] == [Side.BUY, Side.SELL]
    assert len(trader.orders(side=Side.BUY)) == 1
    assert sum(state.restarts for state in house.app.supervisor.states()) == restarts


class ForgetfulBook(BrokerBook):
    """It has to look into a store that does not answer, as long as it is told so."""

    silent = True

    async def load(self) -> None:
        """As ever, or not at all."""
        if self.silent:
            raise StoreError("store_unreachable")
        await super().load()


async def test_an_entry_that_a_hand_changed_while_it_rested_still_brings_its_stop(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, action="BuyLimit", price=57000, percent=50, stop_loss="55000")
    (row,) = await house.rows(trader)
    edited = await house.app.hand.resting.edit(trader.user_id, row.id, D(57500), D(0))
    assert edited is not None
    house.price("57400")
    await house.guarded(trader, ("stop", str(edited.quantity - D("0.00009")), "55000"))


async def test_exits_that_could_not_be_written_down_are_asked_for_once_they_can(house: TradingHouse, trader: Trader) -> None:
    await house.alert(trader, action="BuyLimit", price=57000, percent=50, stop_loss="55000")
    with house.unwritable("brackets"):
        house.price("56900")
        await house.settled(trader, 1, status=OrderStatus.FILLED)
        await house.clock.sleep(60)
    await house.guarded(trader, ("stop", "0.08762", "55000"))
