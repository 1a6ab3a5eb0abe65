"""What was earned, over the API: each user's own, by period, broker and strategy."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from aristobot.kinds import LotStatus
from aristobot.orders import Side
from aristobot.store import activations
from aristobot.store.tenancy import GuardedSession
from tests.builders import a_fill_row, a_position, an_activation, an_order
from tests.street import Person, Street

D = Decimal


async def _sold(street: Street, who: Person, broker_id: str, price: str, *, days_ago: int = 0, owner: str = "manual") -> None:
    """One coin bought at 100 a while ago and sold an hour later."""
    row = await street.app.brokers.get(who.id, uuid.UUID(broker_id))
    at = street.app.clock.now() - timedelta(days=days_ago, hours=2)
    flat = {"quantity": D(0), "cost": D(0), "entry": D(0), "realised": D(price) - 100, "bought": D(1), "sold": D(1)}
    closed = {"status": LotStatus.CLOSED, "opened_at": at, "closed_at": at + timedelta(hours=1)}
    position = a_position(row, owner=owner, **flat, **closed)

    def write(session: GuardedSession) -> None:
        session.add(position)
        session.flush()
        for side, paid, late in ((Side.BUY, "100", 0), (Side.SELL, price, 1)):
            order = an_order(row, position_id=position.id, side=side, quantity=D(1))
            session.add(order)
            session.flush()
            session.add(a_fill_row(order, price=D(paid), at=at + timedelta(hours=late)))

    await street.app.db.write(who.id, write)


async def _asked(who: Person, **params: str) -> dict[str, Any]:
    answer = await who.web.get("/api/statistics/", params=params)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_statistics_tell_what_was_earned_in_a_period_at_a_broker_by_a_strategy(street: Street, bob: Person) -> None:
    main, other = (await bob.broker())["id"], (await bob.broker(name="Other"))["id"]
    written = await street.app.strategies.create(bob.id, "Mine", "mine = 1")
    version = await street.app.strategies.version(bob.id, written.id, 1)
    active = an_activation(await street.app.brokers.get(bob.id, uuid.UUID(other)), version.id)
    await street.app.db.write(bob.id, lambda s: s.add(active))
    await _sold(street, bob, main, "130")
    await _sold(street, bob, main, "95", days_ago=40)
    await _sold(street, bob, other, "104", owner=activations.owner_of(active.id))

    told = await _asked(bob)
    [sums] = told["quotes"]
    assert (told["period"], sums["quote"], sums["realised"], sums["closed"], sums["hit_rate"]) == ("30d", "USDT", "34", 2, "100")
    assert (sums["mean_held_seconds"], sums["profit_factor"], sums["worst"]) == (3600, None, "4")
    assert sum(D(one["realised"]) for one in sums["days"]) == 34
    assert [(one["symbol"], one["realised"]) for one in told["symbols"]] == [("BTC/USDT", "34")]
    ever = (await _asked(bob, period="all"))["quotes"][0]
    assert (ever["realised"], ever["closed"], ever["lost"], ever["fills"]) == ("29", 3, 1, 6)
    assert (await _asked(bob, broker_id=main))["quotes"][0]["realised"] == "30"
    assert (await _asked(bob, strategy_id=str(written.id)))["quotes"][0]["realised"] == "4"
    assert (await _asked(bob, strategy_id=str(written.id), broker_id=main))["quotes"] == []
    assert (await bob.web.delete(f"/api/activations/{active.id}/")).status_code == 204
    assert (await _asked(bob, strategy_id=str(written.id)))["quotes"][0]["realised"] == "4"
    assert (await bob.web.get("/api/statistics/", params={"period": "1y"})).status_code == 422


async def test_statistics_show_nothing_of_anothers(street: Street, alice: Person, bob: Person) -> None:
    broker_id = (await alice.broker())["id"]
    written = await street.app.strategies.create(alice.id, "Hers", "hers = 1")
    await _sold(street, alice, broker_id, "130")
    nothing = (await _asked(bob))["quotes"]
    assert nothing == []
    for foreign in ({"broker_id": broker_id}, {"strategy_id": str(written.id)}):
        none = dict.fromkeys(foreign, str(uuid.uuid4()))
        theirs, unknown = await _asked(bob, **foreign), await _asked(bob, **none)
        assert theirs["quotes"] == unknown["quotes"] == theirs["symbols"] == []
    assert (await _asked(alice))["quotes"][0]["realised"] == "30"
    assert (await street.web().get("/api/statistics/")).status_code == 401
