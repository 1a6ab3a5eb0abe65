"""News reach those whom they concern, once each, also after a crash; a storm is one line; nobody hears of another's affairs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import StoreError
from aristobot.events import (
    BackupFailed,
    Event,
    ExchangeHealthChanged,
    NotificationAdded,
    OrderUpdated,
    PositionUpdated,
    ServiceStateChanged,
    StopMissing,
    WebhookUpdated,
)
from aristobot.kinds import HaltLevel, HaltScope, LotStatus, OrderOrigin, Role, WebhookOutcome, WebhookStatus
from aristobot.language import use_language
from aristobot.notices import USUAL, Notice, NoticeKind, Outlet, switched
from aristobot.orders import OrderStatus, Side
from aristobot.signals import parse
from aristobot.store.database import Database
from aristobot.store.tables import Broker, User
from aristobot.store.trading_tables import Order
from services.notice_book import NoticeBook
from services.notice_words import sentence_of
from services.notifier import Notifier
from tests.builders import MIDNIGHT, a_position, a_webhook, an_order
from tests.services.late import Outage
from tests.services.outside import Belfry, somebody
from tests.services.trading import Trader, TradingHouse

D = Decimal


@pytest.fixture
async def belfry(lite: Database, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Belfry]:
    """A notifier that listens."""
    opened = Belfry(lite, tmp_path, clock)
    opened.run(opened.notifier)
    yield opened
    await opened.stop()


async def _keep(belfry: Belfry, row: Any) -> Any:
    await belfry.db.write(row.user_id, lambda s: s.add(row))
    return row


async def _an_order(belfry: Belfry, broker: Broker, **differences: Any) -> Order:
    ended = {"status": OrderStatus.FILLED, "filled": D("0.001"), "quote_filled": D("42.5"), "done_at": MIDNIGHT}
    row: Order = await _keep(belfry, an_order(broker, **{**ended, **differences}))
    _about(belfry, row)
    return row


def _about(belfry: Belfry, row: Order) -> None:
    belfry.bus.publish(
        OrderUpdated(
            at=belfry.clock.now(),
            user_id=row.user_id,
            broker_id=row.broker_id,
            order_id=row.id,
            symbol=row.symbol,
            status=row.status.value,
        )
    )


def _french(row: Any) -> str:
    with use_language("fr"):
        return sentence_of(row).replace("\u00a0", " ").replace("\u202f", " ")


async def test_a_filled_order_is_told_to_its_owner_alone_in_words_with_price_and_broker(belfry: Belfry) -> None:
    alice, bob = await belfry.user(), await belfry.user()
    await _an_order(belfry, await belfry.broker(alice, name="Principal"))
    row = (await belfry.told(alice))[0]
    assert _french(row) == "Achat de 0,001 BTC à 42 500,00 USDT (Principal)."
    assert await belfry.book.unread(alice.id) == 1
    assert await belfry.book.recent(bob.id) == []


async def test_an_order_is_told_once_however_often_it_is_reported(belfry: Belfry) -> None:
    alice = await belfry.user()
    row = await _an_order(belfry, await belfry.broker(alice))
    for _report in range(3):
        _about(belfry, row)
    await belfry.told(alice)
    await belfry.clock.advance(1)  # what is told at one moment comes in no order
    await _an_order(belfry, await belfry.broker(alice, name="Other"), side=Side.SELL)
    assert [one.code for one in await belfry.told(alice, 2)] == ["reason.told_sold", "reason.told_bought"]


@pytest.mark.parametrize(
    ("differences", "kind"),
    [
        ({"status": OrderStatus.UNKNOWN, "filled": D(0)}, NoticeKind.ORDER_UNKNOWN),
        ({"status": OrderStatus.REJECTED, "filled": D(0), "reason": "insufficient_funds"}, NoticeKind.ORDER_REFUSED),
        ({"status": OrderStatus.CANCELED, "quantity": D("0.002")}, NoticeKind.ORDER_FILLED),
    ],
)
async def test_doubt_refusal_and_a_half_filled_order_are_news(belfry: Belfry, differences: Any, kind: NoticeKind) -> None:
    alice = await belfry.user()
    await _an_order(belfry, await belfry.broker(alice), **differences)
    assert (await belfry.told(alice))[0].kind is kind


@pytest.mark.parametrize(
    "differences",
    [
        {"status": OrderStatus.OPEN, "filled": D(0)},
        {"status": OrderStatus.CANCELED, "filled": D(0)},
        {"status": OrderStatus.DENIED, "filled": D(0), "dry_run": True},
        {"status": OrderStatus.REJECTED, "filled": D(0), "origin": OrderOrigin.KEEPER},
        {"origin": OrderOrigin.MONITOR, "done_at": MIDNIGHT - timedelta(hours=1)},
        {"done_at": MIDNIGHT - timedelta(days=2)},
    ],
    ids=["resting", "cancelled", "dry run", "the keeper's own", "an imported past", "long ago"],
)
async def test_what_is_no_news_is_not_told(belfry: Belfry, differences: Any) -> None:
    alice = await belfry.user()
    broker = await belfry.broker(alice)
    await _an_order(belfry, broker, **differences)
    await _an_order(belfry, broker)
    assert [row.code for row in await belfry.told(alice)] == ["reason.told_bought"]


async def test_a_position_is_told_when_it_opens_and_with_its_result_when_it_closes(belfry: Belfry) -> None:
    alice = await belfry.user()
    broker = await belfry.broker(alice, name="Principal")
    row = await _keep(belfry, a_position(broker))
    changed = PositionUpdated(at=MIDNIGHT, user_id=alice.id, position_id=row.id, broker_id=broker.id, symbol=row.symbol)
    belfry.bus.publish(changed)
    belfry.bus.publish(changed)
    assert (await belfry.told(alice))[0].code == "reason.told_opened"

    await belfry.clock.advance(60)

    def close(session: Any) -> None:
        kept = session.get(type(row), row.id)
        kept.status, kept.closed_at, kept.sold, kept.realised = LotStatus.CLOSED, MIDNIGHT, D("0.001"), D("-12.345")

    await belfry.db.write(alice.id, close)
    belfry.bus.publish(changed)
    assert _french((await belfry.told(alice, 2))[0]) == "BTC/USDT : perte, −12,34 USDT (Principal)."


async def test_many_alerts_refused_for_the_same_reason_are_one_line_that_counts(belfry: Belfry) -> None:
    alice = await belfry.user()
    broker = await belfry.broker(alice)
    refused = {"status": WebhookStatus.ERROR, "outcome": WebhookOutcome.REFUSED, "reason": "error.halted"}
    heard: list[NotificationAdded] = []
    belfry.bus.listen(NotificationAdded, do=heard.append)
    for _number in range(30):
        row = await _keep(belfry, a_webhook(broker, **refused))
        what = {"webhook_id": row.id, "broker_id": broker.id, "status": "error", "outcome": "refused"}
        belfry.bus.publish(WebhookUpdated(at=MIDNIGHT, user_id=alice.id, **what))
    await belfry.until(lambda: len(heard) == 30)
    assert [(row.count, row.kind) for row in await belfry.told(alice)] == [(30, NoticeKind.ALERT_REFUSED)]
    assert Outlet.SOUND not in heard[-1].outlets


async def test_an_alert_that_could_not_be_read_is_told_in_the_words_for_alerts_not_in_those_for_forms(belfry: Belfry) -> None:
    alice = await belfry.user()
    broker = await belfry.broker(alice, name="Principal")
    signal = parse(b'{"Action": "BuyLimit", "Symbol": "BTCUSDT", "Prix": "123456789012345678901"}')
    why = {"reason": signal.reason, "reason_facts": signal.facts}
    unread = {"status": WebhookStatus.ERROR, "outcome": WebhookOutcome.INVALID, **why}
    row = await _keep(belfry, a_webhook(broker, **unread, action="BuyLimit", symbol="BTC/USDT"))
    what = {"webhook_id": row.id, "broker_id": broker.id, "status": "error", "outcome": "invalid"}
    belfry.bus.publish(WebhookUpdated(at=MIDNIGHT, user_id=alice.id, **what))
    [told] = await belfry.told(alice)
    said = "Le champ « price » sort des limites (20 chiffres avant la virgule, 18 après) : 123456789012345678901"
    assert _french(told) == f"BuyLimit BTC/USDT (Principal) : {said}"


async def test_ten_minutes_later_the_same_news_is_a_new_line(belfry: Belfry) -> None:
    alice = await belfry.user()
    news = Notice(NoticeKind.SERVICE, "reason.told_service_fallen", {"service": "x", "detail": ""}, subject="service:x")
    assert await belfry.book.tell(alice.id, news)
    await belfry.clock.advance(599)
    await belfry.book.tell(alice.id, news)
    await belfry.clock.advance(601)
    await belfry.book.tell(alice.id, news)
    assert [row.count for row in await belfry.told(alice, 2)] == [1, 2]


async def test_a_fallen_service_and_a_failed_backup_are_told_to_administrators_alone(belfry: Belfry) -> None:
    trader, admin = await belfry.user(), await belfry.user(Role.ADMINISTRATOR)
    await belfry.user(Role.ADMINISTRATOR, is_active=False)
    for _fall in range(3):
        belfry.bus.publish(ServiceStateChanged(at=MIDNIGHT, service="heartbeat", state="fallen", detail="OSError"))
    belfry.bus.publish(ServiceStateChanged(at=MIDNIGHT, service="heartbeat", state="running"))
    belfry.bus.publish(BackupFailed(at=MIDNIGHT, detail="no room"))
    rows = await belfry.told(admin, 2)
    assert {row.kind: row.count for row in rows} == {NoticeKind.SERVICE: 3, NoticeKind.BACKUP: 1}
    assert await belfry.book.recent(trader.id) == []


async def test_an_exchange_that_goes_and_comes_is_told_to_those_who_trade_there(belfry: Belfry) -> None:
    alice, bob = await belfry.user(), await belfry.user()
    await belfry.broker(alice, exchange="kraken")
    await belfry.broker(bob)
    for reachable in (True, False, False, True, True):
        belfry.bus.publish(ExchangeHealthChanged(at=MIDNIGHT, exchange="kraken", reachable=reachable, detail="exchange_offline"))
    rows = await belfry.told(alice, 2)
    assert sorted(row.code for row in rows) == ["reason.told_exchange_away", "reason.told_exchange_back"]
    assert await belfry.book.recent(bob.id) == []


async def test_a_halt_is_told_to_whom_it_stops_and_everybody_hears_of_a_halt_of_everything(belfry: Belfry) -> None:
    alice, bob = await belfry.user(name="alice"), await belfry.user()
    broker = await belfry.broker(alice, name="Principal")
    await belfry.kill_switch.set(HaltScope.BROKER, broker.id, HaltLevel.REDUCE, by="bracket_keeper", reason="naked_position")
    halt = await belfry.kill_switch.set(HaltScope.ALL, None, HaltLevel.HALT, by="bob", reason="the market is mad")
    await belfry.kill_switch.release(halt.id, by="bob")
    assert {row.code for row in await belfry.told(bob, 2)} == {"reason.told_released", "reason.told_halt"}
    assert {_french(row) for row in await belfry.told(alice, 3)} == {
        "Trading arrêté – toute la maison : aucune nouvelle entrée, par bob. the market is mad",
        "Trading arrêté – Principal : réductions seulement, par Aristobot. Une position était sans stop.",
        "Le trading reprend – toute la maison, arrêt levé par bob.",
    }


async def test_a_position_without_its_stop_is_told_by_every_way(belfry: Belfry) -> None:
    alice = await belfry.user()
    broker = await belfry.broker(alice)
    heard: list[Event] = []
    belfry.bus.listen(NotificationAdded, do=heard.append)
    belfry.bus.publish(
        StopMissing(at=MIDNIGHT, user_id=alice.id, position_id=somebody(), broker_id=broker.id, symbol="BTC/USDT", seconds=15)
    )
    assert (await belfry.told(alice))[0].kind is NoticeKind.STOP_MISSING
    await belfry.until(lambda: len(heard) == 1)  # kept first, then told
    assert isinstance(heard[0], NotificationAdded)
    assert heard[0].outlets == {"toast", "sound", "browser"}


async def test_an_alarm_is_told_when_the_memory_that_was_away_is_back(lite: Database, tmp_path: Path, clock: ManualClock) -> None:
    store = Outage(lite.url)
    belfry = Belfry(store, tmp_path, clock)
    alice = await belfry.user()
    broker = await belfry.broker(alice)
    belfry.run(belfry.notifier)
    await clock.advance(0)
    store.answers = 1
    belfry.bus.publish(
        StopMissing(at=MIDNIGHT, user_id=alice.id, position_id=somebody(), broker_id=broker.id, symbol="BTC/USDT", seconds=15)
    )
    await belfry.until(lambda: store.refused >= 3, moving=5)
    store.answers = float("inf")
    await belfry.until(lambda: belfry.book.recent(alice.id), moving=5)
    assert [row.kind for row in await belfry.book.recent(alice.id)] == [NoticeKind.STOP_MISSING]
    await belfry.stop()
    await store.close()


async def test_what_was_told_once_is_not_even_written_again(lite: Database, tmp_path: Path, clock: ManualClock) -> None:
    store = Outage(lite.url)
    belfry = Belfry(store, tmp_path, clock)
    alice, bob = await belfry.user(), await belfry.user()
    opened = Notice(NoticeKind.POSITION_OPENED, "reason.told_opened", {}, subject="position:1:opened", once=True)
    assert await belfry.book.tell(alice.id, opened)
    store.answers = 0
    assert not await belfry.book.tell(alice.id, opened)
    with pytest.raises(StoreError):
        await belfry.book.tell(bob.id, opened)
    store.answers = float("inf")
    assert await belfry.book.tell(bob.id, opened)
    await belfry.stop()
    await store.close()


async def test_what_was_told_before_a_start_is_known_after_it_by_one_look(
    lite: Database, tmp_path: Path, clock: ManualClock
) -> None:
    store = Outage(lite.url)
    belfry = Belfry(store, tmp_path, clock)
    alice = await belfry.user()
    opened = Notice(NoticeKind.POSITION_OPENED, "reason.told_opened", {}, subject="position:1:opened", once=True)
    closed = Notice(NoticeKind.POSITION_CLOSED, "reason.told_closed_gain", {}, subject="position:1:closed", once=True)
    await belfry.book.tell(alice.id, opened)
    book = NoticeBook(store, belfry.bus, clock)
    await book.recall([(alice.id, opened), (alice.id, closed)])
    store.answers = 0
    assert not await book.tell(alice.id, opened)
    with pytest.raises(StoreError):
        await book.tell(alice.id, closed)
    await belfry.stop()
    await store.close()


async def test_what_happened_between_a_crash_and_the_start_is_told_at_the_start(
    db: Database, tmp_path: Path, clock: ManualClock
) -> None:
    belfry = Belfry(db, tmp_path, clock)
    alice = await belfry.user()
    broker = await belfry.broker(alice)
    await belfry.book.tell(alice.id, Notice(NoticeKind.BACKUP, "reason.told_backup_failed", {"detail": "before"}))
    await clock.advance(300)
    filled = {"status": OrderStatus.FILLED, "filled": D("0.001"), "quote_filled": D(42)}
    await _keep(belfry, an_order(broker, done_at=clock.now(), **{**filled, "updated_at": clock.now()}))
    for _start in range(2):
        belfry.run(Notifier(db, belfry.bus, clock, NoticeBook(db, belfry.bus, clock)))
        assert [row.code for row in await belfry.told(alice, 2)] == ["reason.told_bought", "reason.told_backup_failed"]
        await belfry.stop()


async def test_a_user_switches_a_kind_off_and_the_list_keeps_it_all_the_same(belfry: Belfry) -> None:
    alice = await belfry.user()
    await belfry.settings.switch(alice.id, NoticeKind.ORDER_FILLED, frozenset())
    heard: list[NotificationAdded] = []
    belfry.bus.listen(NotificationAdded, do=heard.append)
    await _an_order(belfry, await belfry.broker(alice))
    await belfry.told(alice)
    await belfry.until(lambda: len(heard) == 1)  # kept first, then told
    assert heard[0].outlets == frozenset()
    chosen = await belfry.settings.switches(alice.id)
    assert chosen[NoticeKind.ORDER_FILLED] == frozenset()
    assert chosen[NoticeKind.HALT] == USUAL[NoticeKind.HALT]


def test_a_way_that_is_no_longer_offered_counts_for_nothing() -> None:
    assert switched({"halt": ["toast", "pigeon"]}, NoticeKind.HALT) == {Outlet.TOAST}


async def test_reading_is_ones_own_and_ids_of_others_change_nothing(belfry: Belfry) -> None:
    alice, bob = await belfry.user(), await belfry.user()
    for owner in (alice, bob):
        await belfry.book.tell(owner.id, Notice(NoticeKind.BACKUP, "reason.told_backup_failed", {"detail": "x"}))
    theirs = (await belfry.book.recent(bob.id))[0]
    assert await belfry.book.mark_read(alice.id, [theirs.id]) == 1
    assert await belfry.book.mark_read(alice.id) == 0
    assert await belfry.book.unread(bob.id) == 1


async def test_a_login_from_a_device_never_seen_is_told_and_an_update_of_the_browser_is_not(
    house: TradingHouse, trader: Trader
) -> None:
    user: User = await house.app.accounts.household.get(trader.user_id)
    firefox, later, chrome = ("Mozilla (X11; Linux) Firefox/140.0", "Mozilla (X11; Linux) Firefox/141.0.2", "Chrome/150 Windows")
    for agent in (firefox, later, chrome):
        await house.app.accounts.sessions.open(user, address="192.0.2.7", user_agent=agent)

    async def look() -> list[Any]:
        rows = await house.app.news.book.recent(trader.user_id)
        return [row for row in rows if row.kind is NoticeKind.NEW_DEVICE]

    rows = await house.when(look)
    assert [_french(row)[:41] for row in rows] == ["Chrome · Windows, adresse 192.0.2.7. Si c"]


async def test_a_real_fill_and_its_position_ring_the_bell_of_their_owner(house: TradingHouse, trader: Trader) -> None:
    neighbour = await house.trader()
    await house.buy(trader)
    await house.alert(trader, action="SellMarket")

    async def look() -> list[str]:
        codes = [row.code for row in await house.app.news.book.recent(trader.user_id)]
        return codes if len(codes) == 4 else []

    codes = await house.when(look)
    assert set(codes[:2]) == {"reason.told_sold", "reason.told_closed_loss"}
    assert set(codes[2:]) == {"reason.told_bought", "reason.told_opened"}
    assert await house.app.news.book.recent(neighbour.user_id) == []
