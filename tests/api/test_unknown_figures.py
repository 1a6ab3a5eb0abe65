"""What nobody knows is null in an answer, never a zero that somebody would count with."""

from __future__ import annotations

import uuid
from decimal import Decimal

from aristobot.kinds import LotStatus
from aristobot.store import activations, holdings
from aristobot.store.tenancy import GuardedSession
from tests.builders import a_position, a_webhook_state, an_activation
from tests.street import Person, Street

D = Decimal


async def test_a_position_without_a_price_has_no_gain_anywhere(street: Street, bob: Person) -> None:
    row = await street.app.brokers.get(bob.id, uuid.UUID((await bob.broker())["id"]))
    written = await street.app.strategies.create(bob.id, "Mine", "mine = 1")
    version = await street.app.strategies.version(bob.id, written.id, 1)
    active = an_activation(row, version.id)
    unpriced = a_position(row, owner=activations.owner_of(active.id))
    priced = a_position(row, symbol="ETH/BTC", base="ETH", quote="BTC", quantity=D(2), cost=D(1), current_price=D("0.6"))
    closed = a_webhook_state(row, status=LotStatus.CLOSED, realised_pnl=D(7))
    opened = a_webhook_state(row, unrealised_pnl=D(-42))

    def write(session: GuardedSession) -> None:
        session.add_all([active, unpriced, priced, closed, opened])

    await street.app.db.write(bob.id, write)

    held = {one["symbol"]: one["current_price"] for one in (await bob.web.get("/api/positions/")).json()["items"]}
    assert held == {"BTC/USDT": None, "ETH/BTC": "0.6"}
    [shown] = (await bob.web.get("/api/activations/")).json()["items"]
    assert (shown["position"]["current_price"], shown["position"]["unrealised"]) == (None, None)
    sums = {one["quote"]: one["unrealised"] for one in (await bob.web.get("/api/statistics/")).json()["quotes"]}
    assert sums == {"USDT": None, "BTC": "0.2"}
    states = {one["status"]: one for one in (await bob.web.get("/api/webhook-states/")).json()["items"]}
    assert (states["open"]["unrealised_pnl"], states["open"]["current_price"]) == (None, None)
    assert states["closed"]["unrealised_pnl"] == "0"
    summary = (await bob.web.get("/api/webhook-states/summary/")).json()
    assert (summary["unrealised_pnl"], summary["realised_pnl"]) == ({"USDT": None}, {"USDT": "7"})


async def test_alerts_of_which_none_has_finished_have_no_rate_of_success(bob: Person) -> None:
    told = (await bob.web.get("/api/webhooks/stats/")).json()
    assert (told["total"], told["success_rate"]) == (0, None)


async def test_a_position_without_a_price_counts_against_the_limits_at_what_it_cost(street: Street, bob: Person) -> None:
    row = a_position(await street.app.brokers.get(bob.id, uuid.UUID((await bob.broker())["id"])))
    assert holdings.summed([row], "BTC/USDT").total_notional == D(42)


async def test_an_exchange_that_nobody_has_looked_at_yet_has_no_clock_and_no_speed(street: Street, bob: Person) -> None:
    for one in (await bob.web.get("/api/health/")).json()["exchanges"]:
        figures = ("reachable", "clock_offset_ms", "clock_uncertainty_ms", "success_percent", "mean_ms", "p99_ms")
        assert {one[name] for name in figures} == {None}, one
    samples = (await bob.web.get("/metrics")).text
    assert "aristobot_exchange_up{" not in samples
    assert "aristobot_exchange_mean_ms{" not in samples
    await bob.broker()
    assert (await bob.web.get("/api/health/")).json()["brokers"][0]["clock_offset_ms"] is None
    await street.recover()
    seen = {one["exchange"]: one for one in (await bob.web.get("/api/health/")).json()["exchanges"]}["binance"]
    assert (seen["reachable"], type(seen["clock_offset_ms"]), seen["success_percent"]) == (True, int, 100)
    assert 'aristobot_exchange_up{exchange="binance"} 1' in (await bob.web.get("/metrics")).text


async def test_a_broker_with_addresses_of_its_own_is_as_reachable_as_these(street: Street, alice: Person) -> None:
    await alice.broker(name="Main")
    nowhere = {"rest": "http://127.0.0.1:9"}
    await alice.broker(name="Elsewhere", endpoints=nowhere)
    street.app.gateway.health("binance", nowhere)
    await street.app.gateway.look()
    told = {one["name"]: one["reachable"] for one in (await alice.web.get("/api/health/")).json()["brokers"]}
    assert told == {"Main": True, "Elsewhere": False}


async def test_the_summary_of_alerts_adds_up_all_that_they_ever_closed(street: Street, bob: Person) -> None:
    row = await street.app.brokers.get(bob.id, uuid.UUID((await bob.broker())["id"]))
    closed = [a_webhook_state(row, status=LotStatus.CLOSED, realised_pnl=D("0.1")) for _ in range(10_050)]
    await street.app.db.write(bob.id, lambda s: s.add_all(closed))
    told = (await bob.web.get("/api/webhook-states/summary/")).json()
    assert (told["closed"], told["realised_pnl"]) == (10_050, {"USDT": "1005"})
