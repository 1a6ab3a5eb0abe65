"""Orders, fills, positions and their protection through the API, against the simulated exchange."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import uuid
from decimal import Decimal
from typing import Any

import httpx
import pytest

from aristobot.orders import OrderStatus
from aristobot.store import orders
from aristobot.store.ground import weaknesses
from aristobot.store.tenancy import GuardedSession
from tests.builders import a_webhook, a_webhook_state
from tests.street import Person, Street

#: What these tests show does not depend on the database; the others of the API run on both.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _ready(street: Street, who: Person, **limits: Any) -> str:
    """A broker with money, a catalogue, and trading allowed."""
    broker = await who.broker(**street.account(USDT="1000", BTC="1"), mode="WEBHOOKS", limits=limits or None)
    await who.web.post(f"/api/brokers/{broker['id']}/load-markets/")
    await street.recover()
    broker_id: str = broker["id"]
    return broker_id


async def _place(who: Person, broker_id: str, key: str = "first", **differences: Any) -> httpx.Response:
    form = {"broker_id": broker_id, "symbol": "BTCUSDT", "side": "buy", "type": "limit", "quantity": "0.01", "price": "20000"}
    return await who.web.post("/api/orders/", json=form | differences, headers={"Idempotency-Key": key})


async def test_the_same_key_is_the_same_order_however_often_it_comes(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    first = await _place(bob, broker_id)
    assert first.status_code == 201, first.text
    again = await asyncio.gather(*(_place(bob, broker_id) for _ in range(5)))
    assert {one.json()["id"] for one in again} == {first.json()["id"]}
    assert len((await bob.web.get("/api/orders/")).json()["items"]) == 1
    other = await _place(bob, broker_id, price="21000")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert (await _place(bob, broker_id, "second", quantity="0.02")).json()["id"] != first.json()["id"]


async def test_a_key_that_ordered_at_one_broker_orders_nothing_at_another(street: Street, bob: Person) -> None:
    first, second = await _ready(street, bob), await _ready(street, bob)
    placed = await _place(bob, first)
    assert placed.status_code == 201, placed.text
    elsewhere = await _place(bob, second)
    assert (elsewhere.status_code, elsewhere.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert (await _place(bob, first)).json()["id"] == placed.json()["id"]
    assert [one["id"] for one in (await bob.web.get("/api/orders/")).json()["items"]] == [placed.json()["id"]]


async def test_a_key_that_comes_to_two_brokers_at_the_same_moment_is_one_order(street: Street, bob: Person) -> None:
    first, second = await _ready(street, bob), await _ready(street, bob)
    answers = await asyncio.gather(*(_place(bob, one) for one in (first, second, first, second)))
    placed = [one.json() for one in answers if one.status_code == 201]
    refused = [one.json()["error"]["code"] for one in answers if one.status_code == 409]
    assert (len({one["id"] for one in placed}), refused) == (1, ["idempotency_key_reused"] * 2)
    assert [one["id"] for one in (await bob.web.get("/api/orders/")).json()["items"]] == [placed[0]["id"]]


@pytest.mark.parametrize("form", [{}, {"price": None}, {"price": "20000.00", "quantity": "0.01", "stop_price": "0"}])
async def test_a_change_that_changes_nothing_leaves_the_order_in_its_place(
    street: Street, bob: Person, form: dict[str, Any]
) -> None:
    placed = (await _place(bob, await _ready(street, bob))).json()
    answer = await bob.web.patch(f"/api/orders/{placed['id']}/", json=form)
    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (200, placed["id"], "OPEN")
    assert [one["id"] for one in (await bob.web.get("/api/orders/")).json()["items"]] == [placed["id"]]
    await bob.web.delete(f"/api/orders/{placed['id']}/")
    late = await bob.web.patch(f"/api/orders/{placed['id']}/", json=form)
    assert (late.status_code, late.json()["error"]["code"]) == (422, "order_not_open")


async def test_an_order_lives_changes_and_is_cancelled(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    placed = (await _place(bob, broker_id)).json()
    assert (placed["status"], placed["symbol"], placed["price"]) == ("OPEN", "BTC/USDT", "20000")
    assert placed["created_at"].endswith("Z")
    changed = await bob.web.patch(f"/api/orders/{placed['id']}/", json={"price": "19000", "quantity": "0.02"})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["status"], changed.json()["price"]) == ("OPEN", "19000")
    assert (await bob.web.get(f"/api/orders/{placed['id']}/")).json()["status"] == "CANCELED"
    cancelled = await bob.web.delete(f"/api/orders/{changed.json()['id']}/")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "CANCELED")
    again = await bob.web.delete(f"/api/orders/{changed.json()['id']}/")
    assert (again.status_code, again.json()["status"]) == (200, "CANCELED")


async def test_a_refused_order_says_why_and_keeps_its_row(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    poor = await _place(bob, broker_id, quantity="0.9", price="20000")
    assert poor.status_code == 409, poor.text
    assert poor.json()["order"]["status"] in ("DENIED", "REJECTED")
    assert poor.json()["error"]["message"] not in ("", poor.json()["error"]["code"])
    await bob.web.post("/api/kill-switch/", json={})
    halted = await _place(bob, broker_id, "second")
    assert (halted.status_code, halted.json()["error"]["code"]) == (409, "halted")


async def test_a_preview_rounds_and_sends_nothing(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    form = {"broker_id": broker_id, "symbol": "BTC/USDT", "side": "buy", "quantity": "0.0123456789", "price": "20000.123456"}
    seen = await bob.web.post("/api/orders/preview/", json=form)
    assert seen.status_code == 200, seen.text
    assert (seen.json()["quantity"], seen.json()["price"], seen.json()["refusal"]) == ("0.01234", "20000.12", None)
    assert (await bob.web.get("/api/orders/")).json()["items"] == []


async def test_a_buy_becomes_a_fill_a_position_and_can_be_protected(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    bought = await _place(bob, broker_id, type="market", quantity="0.01", price="0")
    assert bought.status_code in (201, 202), bought.text
    (position,) = (await bob.web.get("/api/positions/?status=open")).json()["items"]
    fills = (await bob.web.get("/api/fills/")).json()["items"]
    assert {fill["order_id"] for fill in fills} == {bought.json()["id"]}
    assert sum(Decimal(fill["quantity"]) for fill in fills) == Decimal(bought.json()["filled"])
    path, entry = f"/api/positions/{position['id']}/protection/", Decimal(position["entry"])
    assert [(await bob.web.get(path)).json()[name] for name in ("status", "protection")] == [None, None]
    wanted = {
        "stop_loss": str((entry * Decimal("0.9")).quantize(Decimal(1))),
        "take_profit": str((entry * 2).quantize(Decimal(1))),
    }
    guarded = await bob.web.put(path, json=wanted)
    assert guarded.status_code == 200, guarded.text
    assert guarded.json()["stop_loss"] == wanted["stop_loss"]
    assert [one["price"] for one in guarded.json()["take_profit"]] == [wanted["take_profit"]]
    assert guarded.json()["order_ids"]
    assert guarded.json()["protection"] == "exchange"
    assert (await bob.web.get(path)).json()["order_ids"] == guarded.json()["order_ids"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"stop_loss": "-1"}, "stop_loss"),
        ({"take_profit": "0"}, "take_profit"),
        ({"take_profit": [{"percent": "60", "price": "9"}, {"percent": "60", "price": "9"}]}, "take_profit"),
        ({"stop_loss": "10", "take_profit": "9"}, "stop_loss"),
        ({"stop_loss": "99999999"}, "stop_loss"),  # above the market it would sell at once
    ],
)
async def test_a_protection_that_cannot_be_names_its_field(street: Street, bob: Person, form: dict[str, Any], field: str) -> None:
    broker_id = await _ready(street, bob)
    await _place(bob, broker_id, type="market", quantity="0.01", price="0")
    (position,) = (await bob.web.get("/api/positions/?status=open")).json()["items"]
    refused = await bob.web.put(f"/api/positions/{position['id']}/protection/", json=form)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, field), refused.text


async def test_an_exit_that_guards_a_position_is_moved_and_taken_back_through_the_protection(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    await _place(bob, broker_id, type="market", quantity="0.01", price="0")
    (position,) = (await bob.web.get("/api/positions/?status=open")).json()["items"]
    path, entry = f"/api/positions/{position['id']}/protection/", Decimal(position["entry"])
    stop, moved, target = (str((entry * Decimal(part)).quantize(Decimal(1))) for part in ("0.8", "0.9", "2"))
    await bob.web.put(path, json={"stop_loss": stop, "take_profit": target})

    async def resting(role: str) -> list[dict[str, Any]]:
        found = (await bob.web.get("/api/orders/?status=OPEN")).json()["items"]
        return [one for one in found if one["role"] == role]

    (old,) = await resting("stop")
    for form, field in (({"quantity": "0.001"}, "quantity"), ({"price": "1"}, "price"), ({"stop_price": "0"}, "stop_price")):
        refused = await bob.web.patch(f"/api/orders/{old['id']}/", json=form)
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, field), refused.text
    answer = await bob.web.patch(f"/api/orders/{old['id']}/", json={"stop_price": moved})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["role"], answer.json()["stop_price"], answer.json()["status"]) == ("stop", moved, "OPEN")
    assert [one["stop_price"] for one in await resting("stop")] == [moved]
    assert (await bob.web.get(path)).json()["stop_loss"] == moved
    (goal,) = await resting("target")
    taken = await bob.web.delete(f"/api/orders/{goal['id']}/")
    assert (taken.status_code, taken.json()["status"]) in ((200, "CANCELED"), (202, "OPEN")), taken.text
    stands = (await bob.web.get(path)).json()
    assert (stands["stop_loss"], stands["take_profit"]) == (moved, [])


async def test_pages_of_a_list_hold_every_order_once(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob, entries_per_minute=100)
    ids = [(await _place(bob, broker_id, f"key {number}", quantity=f"0.00{number + 1}")).json()["id"] for number in range(5)]
    seen: list[str] = []
    cursor: str | None = ""
    for _ in range(3):
        page = (await bob.web.get("/api/orders/", params={"limit": 2, "cursor": cursor})).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == ids[::-1]
    assert cursor is None
    since = (await bob.web.get(f"/api/orders/{ids[3]}/")).json()["created_at"]
    late = (await bob.web.get("/api/orders/", params={"since": since})).json()
    assert [one["id"] for one in late["items"]] == [ids[4], ids[3]]
    assert (await bob.web.get("/api/orders/", params={"since": "2026-01-01"})).status_code == 422


async def test_balances_and_portfolio_are_the_exchanges(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    held = (await bob.web.get(f"/api/brokers/{broker_id}/balances/")).json()["items"]
    assert {one["asset"]: one["free"] for one in held} == {"USDT": "1000", "BTC": "1"}
    worth = (await bob.web.get("/api/portfolio/")).json()
    values = {one["asset"]: Decimal(one["value"]) for one in worth["brokers"][0]["assets"]}
    assert values["USDT"] == 1000
    assert Decimal(worth["total"]) == sum(values.values()) > 1000
    await street.simulator.stop()
    gone = (await bob.web.get("/api/portfolio/")).json()
    assert gone["brokers"][0]["error"]
    assert [gone["brokers"][0][name] for name in ("total", "total_eur")] == [None, None]
    assert (gone["total"], gone["total_eur"]) == (None, None)


async def test_a_portfolio_of_which_a_part_is_unknown_has_no_total(street: Street, bob: Person) -> None:
    await _ready(street, bob)
    mute = await bob.broker(name="Mute", **street.account(USDT="1000"))
    wrong = {"api_key": "key-of-nobody", "api_secret": "secret-of-nobody"}
    assert (await bob.web.patch(f"/api/brokers/{mute['id']}/", json=wrong)).status_code == 200
    await street.app.floor.brokers.load()
    worth = (await bob.web.get("/api/portfolio/")).json()
    told = {one["broker_id"]: one for one in worth["brokers"]}
    assert (worth["total"], worth["total_eur"]) == (None, None)
    assert told[mute["id"]]["total"] is None
    assert told[mute["id"]]["error"]
    assert [Decimal(one["total"]) > 1000 for one in worth["brokers"] if one["error"] is None] == [True]


async def test_reconcile_tells_what_differed(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    placed = (await _place(bob, broker_id)).json()
    assert (await bob.web.post("/api/reconcile/")).json()["items"] == []
    await street.app.db.write(bob.id, lambda s: _forget(s, placed["id"]))
    found = (await bob.web.post("/api/reconcile/")).json()["items"]
    assert [(one["order_id"], one["theirs"]) for one in found] == [(placed["id"], "OPEN")]


async def test_a_broker_that_cannot_be_asked_hides_no_difference_of_another(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    placed = (await _place(bob, broker_id)).json()
    await street.app.db.write(bob.id, lambda s: _forget(s, placed["id"]))
    mute = await bob.broker(name="Mute", **street.account(USDT="1000"))
    wrong = {"api_key": "key-of-nobody", "api_secret": "secret-of-nobody"}
    assert (await bob.web.patch(f"/api/brokers/{mute['id']}/", json=wrong)).status_code == 200
    await street.app.floor.brokers.load()
    answer = await bob.web.post("/api/reconcile/")
    assert answer.status_code == 207, answer.text
    assert [(one["order_id"], one["theirs"]) for one in answer.json()["items"]] == [(placed["id"], "OPEN")]
    [failed] = answer.json()["failed"]
    assert failed["broker_id"] == mute["id"]
    assert failed["message"]
    assert (await bob.web.delete(f"/api/orders/{placed['id']}/")).status_code == 200
    assert (await bob.web.patch(f"/api/brokers/{broker_id}/", json=wrong)).status_code == 200
    await street.app.floor.brokers.load()
    assert (await bob.web.post("/api/reconcile/")).json()["error"]["code"] == failed["code"]


def _forget(session: GuardedSession, order_id: str) -> None:
    orders.get(session, uuid.UUID(order_id)).status = OrderStatus.UNKNOWN


async def test_symbols_and_exchanges_say_what_can_be_done(street: Street, bob: Person) -> None:
    await _ready(street, bob)
    (exchange,) = [one for one in (await bob.web.get("/api/exchanges/")).json()["items"] if one["name"] == "binance"]
    assert [one["name"] for one in exchange["credential_fields"]] == ["api_key", "api_secret"]
    found = (await bob.web.get("/api/symbols/", params={"exchange": "binance", "quote": "usdt", "search": "btc"})).json()["items"]
    assert found[0]["symbol"] == "BTC/USDT"
    assert {one["quote"] for one in found} == {"USDT"}


async def test_health_shows_services_exchanges_and_own_brokers(street: Street, bob: Person) -> None:
    broker_id = await _ready(street, bob)
    await _place(bob, broker_id)
    seen = (await bob.web.get("/api/health/")).json()
    assert [(one["id"], one["open_orders"], one["reachable"]) for one in seen["brokers"]] == [(broker_id, 1, True)]
    assert {one["name"] for one in seen["services"]} >= {"trading_engine", "webhook_receiver", "heartbeat"}
    assert seen["database"] in ("sqlite", "postgresql")
    expected = weaknesses(street.app.settings.database_url)
    assert [one["code"] for one in seen["database_weaknesses"]] == [one.code for one in expected]
    assert all(sqlite3.sqlite_version in one["message"] for one in seen["database_weaknesses"] if "wal_reset" in one["code"])
    figures = (await bob.web.get("/metrics")).text
    assert 'aristobot_exchange_up{exchange="binance"} 1' in figures
    assert all(line.startswith("#") or len(line.rsplit(" ", 1)) == 2 for line in figures.splitlines())
    assert (await street.web().get("/ready")).status_code in (200, 503)


async def test_alerts_and_what_they_opened_name_their_orders_and_the_key_says_its_times_as_everything_does(
    street: Street, bob: Person
) -> None:
    row = await street.app.brokers.get(bob.id, uuid.UUID(await _ready(street, bob)))
    ids = [uuid.uuid4() for _ in range(3)]
    alert = a_webhook(row, order_ids=[ids[0].hex])
    state = a_webhook_state(row, opening_webhook_id=alert.id, stop_order_id=ids[1], target_order_id=ids[2])
    await street.app.db.write(bob.id, lambda s: s.add(alert))
    await street.app.db.write(bob.id, lambda s: s.add(state))

    (told,) = (await bob.web.get("/api/webhooks/")).json()["items"]
    (opened,) = (await bob.web.get("/api/webhook-states/")).json()["items"]
    rights = (await bob.web.get(f"/api/brokers/{row.id}/")).json()["key_rights"]

    assert (told["order_ids"], opened["stop_order_id"], opened["target_order_id"]) == ([str(ids[0])], str(ids[1]), str(ids[2]))
    assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z", rights["known_since"])
