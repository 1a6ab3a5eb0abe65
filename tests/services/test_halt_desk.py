"""Who may stop and release what, and what stopping would do."""

from __future__ import annotations

import uuid
from decimal import Decimal
from pathlib import Path

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import AccessDenied, InvalidInput, NotFound
from aristobot.events import TradingHalted
from aristobot.kinds import HaltLevel, HaltScope, OrderOrigin, OrderRole, Role
from aristobot.orders import OrderStatus
from aristobot.store import audit
from aristobot.store.database import Database
from aristobot.store.tables import User
from aristobot.store.tenancy import SYSTEM
from services.audit_trail import Actor
from services.halt_desk import Hand, Wish
from services.kill_switch import FILE_HALT_ID, HALT_FILE
from tests.builders import a_position, an_order
from tests.services.outside import Belfry, somebody

D = Decimal
S = HaltScope


@pytest.fixture
def belfry(lite: Database, tmp_path: Path, clock: ManualClock) -> Belfry:
    """A house with a desk of halts."""
    return Belfry(lite, tmp_path, clock)


def _hand(user: User, via: str = "screen") -> Hand:
    return Hand(user.id, user.role, Actor(user.name, via, user.id))


async def test_a_trader_stops_and_releases_themselves_and_their_brokers_whoever_stopped_them(belfry: Belfry) -> None:
    alice = await belfry.user(name="alice")
    broker, hand = await belfry.broker(alice), _hand(alice)
    await belfry.halts.halt(hand, Wish(S.USER))
    await belfry.clock.advance(1)
    await belfry.halts.halt(hand, Wish(S.BROKER, broker.id, HaltLevel.REDUCE, "too wild"))
    await belfry.clock.advance(1)
    await belfry.kill_switch.set(S.BROKER, broker.id, HaltLevel.HALT, by="risk", reason="daily_loss")
    halts = await belfry.halts.concerning(hand)
    assert [(one.scope, one.level, one.set_by) for one in halts] == [
        (S.USER, HaltLevel.HALT, "alice"),
        (S.BROKER, HaltLevel.REDUCE, "alice"),
        (S.BROKER, HaltLevel.HALT, "risk"),
    ]
    for one in halts:
        await belfry.halts.release(hand, one.id)
    assert belfry.kill_switch.active() == []
    acts = [(entry.action, entry.via) for entry in await belfry.db.read(SYSTEM, audit.recent)]
    assert acts == [("halt.released", "screen")] * 3 + [("halt.set", "screen")] * 2


async def test_a_trader_reaches_nothing_of_others_and_not_the_whole_house(belfry: Belfry) -> None:
    alice, bob, admin = await belfry.user(), await belfry.user(), await belfry.user(Role.ADMINISTRATOR)
    theirs, hand = await belfry.broker(bob), _hand(alice)
    for wish in (Wish(S.BROKER, theirs.id), Wish(S.USER, bob.id), Wish(S.BROKER, somebody()), Wish(S.STRATEGY, somebody())):
        with pytest.raises(NotFound):
            await belfry.halts.halt(hand, wish)
        with pytest.raises(NotFound):
            await belfry.halts.outlook(hand, wish)
    with pytest.raises(InvalidInput):
        await belfry.halts.halt(hand, Wish(S.BROKER))
    with pytest.raises(AccessDenied):
        await belfry.halts.halt(hand, Wish(S.ALL))
    everything = await belfry.halts.halt(_hand(admin), Wish(S.ALL))
    bobs = await belfry.halts.halt(_hand(admin), Wish(S.USER, bob.id))
    assert [one.id for one in await belfry.halts.concerning(hand)] == [everything.id]
    with pytest.raises(AccessDenied):
        await belfry.halts.release(hand, everything.id)
    with pytest.raises(NotFound):
        await belfry.halts.release(hand, bobs.id)


async def test_an_administrator_stops_and_releases_everything(belfry: Belfry) -> None:
    admin, bob = await belfry.user(Role.ADMINISTRATOR), await belfry.user()
    broker, hand = await belfry.broker(bob), _hand(admin, "telegram")
    made = [await belfry.halts.halt(hand, wish) for wish in (Wish(S.ALL), Wish(S.USER, bob.id), Wish(S.BROKER, broker.id))]
    assert made[0].set_by == f"{admin.name} (telegram)"
    people, accounts = await belfry.halts.targets(hand)
    assert {user.id for user in people} == {admin.id, bob.id}
    assert [one.id for one in accounts] == [broker.id]
    for one in made:
        await belfry.halts.release(hand, one.id)
    assert belfry.kill_switch.active() == []


async def test_somebody_who_only_looks_stops_and_releases_nothing(belfry: Belfry) -> None:
    guest = await belfry.user(Role.VIEWER)
    with pytest.raises(AccessDenied):
        await belfry.halts.halt(_hand(guest), Wish(S.USER))
    halt = await belfry.kill_switch.set(S.USER, guest.id, HaltLevel.HALT, by="somebody")
    assert [one.id for one in await belfry.halts.concerning(_hand(guest))] == [halt.id]
    with pytest.raises(AccessDenied):
        await belfry.halts.release(_hand(guest), halt.id)


async def test_what_stopping_would_meet_is_told_before_by_quote_and_scope(belfry: Belfry) -> None:
    alice, bob = await belfry.user(), await belfry.user()
    first, second, other = await belfry.broker(alice, name="A"), await belfry.broker(alice, name="B"), await belfry.broker(bob)
    rows = [
        a_position(first, quantity=D("0.5"), current_price=D(60000)),
        a_position(first, symbol="ETH/EUR", base="ETH", quote="EUR", quantity=D(2), current_price=D(3000)),
        a_position(second, quantity=D("0.1"), entry=D(50000), current_price=D(0)),
        a_position(other),
        an_order(first, status=OrderStatus.OPEN, role=OrderRole.ENTRY, origin=OrderOrigin.MANUAL),
        an_order(first, status=OrderStatus.OPEN, role=OrderRole.STOP, origin=OrderOrigin.KEEPER),
        an_order(second, status=OrderStatus.FILLED, role=OrderRole.ENTRY, origin=OrderOrigin.MANUAL),
    ]
    await belfry.db.write(SYSTEM, lambda s: s.add_all(rows))
    mine = await belfry.halts.outlook(_hand(alice), Wish(S.USER))
    assert (mine.brokers, mine.entries, mine.positions) == (("A", "B"), 1, 3)
    assert mine.value == {"USDT": D(35000), "EUR": D(6000)}
    one = await belfry.halts.outlook(_hand(alice), Wish(S.BROKER, second.id))
    assert (one.entries, one.positions, one.value) == (0, 1, {"USDT": D(5000)})


async def test_a_halt_file_is_a_halt_that_is_seen_told_and_released_like_any_other(belfry: Belfry) -> None:
    admin = await belfry.user(Role.ADMINISTRATOR)
    heard: list[TradingHalted] = []
    belfry.bus.listen(TradingHalted, do=heard.append)
    belfry.run(belfry.kill_switch)
    (belfry.folder / HALT_FILE).touch()
    await belfry.until(lambda: heard, moving=0.25)
    [halt] = await belfry.halts.concerning(_hand(admin))
    assert (halt.id, halt.scope, halt.level, halt.reason) == (FILE_HALT_ID, S.ALL, HaltLevel.HALT, "halt_file")
    await belfry.halts.release(_hand(admin), halt.id)
    assert not (belfry.folder / HALT_FILE).exists()
    assert belfry.kill_switch.level(admin.id, uuid.uuid4()) is None
    with pytest.raises(NotFound):
        await belfry.halts.release(_hand(admin), FILE_HALT_ID)
    await belfry.clock.advance(2)
    assert [one.level for one in heard] == ["halt", ""]
    await belfry.stop()


async def test_a_halt_file_stays_for_as_long_as_a_row_halts_everything(belfry: Belfry) -> None:
    hand, file = _hand(await belfry.user(Role.ADMINISTRATOR)), belfry.folder / HALT_FILE
    file.touch()
    first = await belfry.halts.halt(hand, Wish(S.ALL))
    await belfry.clock.advance(1)
    second = await belfry.halts.halt(hand, Wish(S.ALL, None, HaltLevel.FLATTEN))
    mine = await belfry.halts.halt(hand, Wish(S.USER, hand.user_id))
    await belfry.halts.release(hand, mine.id)
    assert [one.id for one in await belfry.halts.concerning(hand)] == [first.id, second.id]
    await belfry.halts.release(hand, first.id)
    assert file.exists()
    assert [one.id for one in await belfry.halts.concerning(hand)] == [second.id]
    await belfry.halts.release(hand, second.id)
    assert not file.exists()
    assert await belfry.halts.concerning(hand) == []
