"""Keys looked after: what they may do, from where, how old they are, and what is said when something is wrong."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from aristobot.errors import InvalidInput
from aristobot.exchange import KeyRights
from aristobot.key_events import KeyDoubted
from aristobot.kinds import Role
from aristobot.language import explain
from aristobot.notices import NoticeKind
from aristobot.store import audit, notifications
from aristobot.store.tenancy import SYSTEM
from services.broker_connection import ConnectionTest, StepState
from services.household import NewUser
from services.key_health import DUE_AFTER
from services.key_state import ENDS_SOON, OLD_AFTER, KeyState
from tests.builders import MIDNIGHT, a_broker, a_user
from tests.services.bitget import ClassicHouse, UnifiedHouse
from tests.services.kraken import KrakenHouse
from tests.services.trading import HAND, Trader, TradingHouse, a_trading_house

HOUSES = [TradingHouse, KrakenHouse, ClassicHouse, UnifiedHouse]
BAD, GOOD = "reason.told_key_bad", "reason.told_key_good"
SOUND = KeyRights(can_read=True, can_trade=True, can_withdraw=False, ip_restricted=True)


@pytest.fixture(params=HOUSES, ids=["binance", "kraken", "bitget-classic", "bitget-unified"])
async def every(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path, leaping: None
) -> AsyncIterator[TradingHouse]:
    """A house before each exchange in turn."""
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=request.param) as opened:
        yield opened


async def tried(house: TradingHouse, trader: Trader) -> ConnectionTest:
    """The answer of the button."""
    return await house.app.brokers.test_connection(trader.user_id, trader.broker_id)


async def state(house: TradingHouse, trader: Trader) -> KeyState:
    """What the broker's row says of its key."""
    return KeyState.of(await house.app.brokers.get(trader.user_id, trader.broker_id))


async def test_every_exchange_says_what_a_key_may_do_and_since_when_we_have_it(every: TradingHouse) -> None:
    trader = await every.trader()
    known = await state(every, trader)
    assert known.rights is not None
    assert (known.rights.can_read, known.rights.can_trade, known.rights.can_withdraw) == (True, True, False)
    assert known.known_since is not None
    assert known.made_at is not None
    assert known.checked_at is not None
    assert (await tried(every, trader)).ok
    assert (await state(every, trader)).clock_offset_ms is not None


@pytest.mark.parametrize("field", ["api_key", "api_secret"])
async def test_a_wrong_key_is_told_with_its_cure(every: TradingHouse, field: str) -> None:
    trader = await every.trader()
    right = await every.app.gateway.keys(await every.app.brokers.get(trader.user_id, trader.broker_id))
    keys = {"api_key": right.api_key, "api_secret": right.api_secret, "passphrase": right.passphrase, field: "A" * 64}
    await every.app.brokers.change(trader.user_id, trader.broker_id, keys, HAND)
    result = await tried(every, trader)
    failed = next(step for step in result.steps if step.state is StepState.FAILED)
    assert failed.name == "key"
    for language in ("fr", "en"):
        words = explain(failed.reason, failed.facts, language)
        assert re.search(r"recopiez|vérifiez|copy|check", words, re.IGNORECASE), words
    assert (await state(every, trader)).failure == failed.reason


async def test_a_right_that_was_taken_away_is_noticed_and_warned_of_once(every: TradingHouse) -> None:
    trader = await every.trader()
    trader.account.permissions = frozenset({"read"})
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="WARNING", filter="services.key_health")
    for _ in range(2):
        result = await tried(every, trader)
    logger.remove(sink)
    assert {step.name for step in result.steps if step.state is StepState.FAILED} == {"trade"}
    assert [one.code for one in (await state(every, trader)).concerns(every.clock.now()) if one.grave] == [
        "reason.key_cannot_trade"
    ]
    assert len([line for line in lines if "reason.key_cannot_trade" in line]) == 1


async def test_a_passphrase_that_is_not_the_keys_is_named(tmp_path: Path, sqlite_template: Path, leaping: None) -> None:
    async with a_trading_house(tmp_path / "house", sqlite_template, kind=ClassicHouse) as house:
        trader = await house.trader()
        trader.account.passphrase = "another"
        failed = next(step for step in (await tried(house, trader)).steps if step.state is StepState.FAILED)
        assert failed.reason == "error.bad_passphrase"


async def test_an_exchange_that_is_away_leaves_what_was_known_of_the_key(house: TradingHouse, trader: Trader) -> None:
    before = await state(house, trader)
    house.faults({"on": "any", "do": "refuse_5xx", "times": 0})
    await tried(house, trader)
    after = await state(house, trader)
    assert after.failure.startswith("error.")
    assert (after.rights, after.known_since) == (before.rights, before.known_since)
    house.no_faults()
    await tried(house, trader)
    assert (await state(house, trader)).failure == ""


async def test_a_key_that_may_withdraw_needs_an_administrator_who_insists_and_it_is_written_down(house: TradingHouse) -> None:
    account = house.simulator.venue.open_account("binance", "k" * 64, "s" * 64, {})
    account.permissions = frozenset({"read", "trade", "withdraw"})
    chief = await house.app.accounts.household.add_without_password(NewUser("chief", "", Role.ADMINISTRATOR), HAND)
    member = await house.app.accounts.household.add_without_password(NewUser("member", ""), HAND)
    form = {"exchange": "binance", "name": "Main", "api_key": "k" * 64, "api_secret": "s" * 64}

    refusals = []
    for who, differences in ((chief, {}), (member, {}), (member, {"allow_withdraw": True})):
        with pytest.raises(InvalidInput) as refused:
            await house.app.brokers.add(who.id, form | differences, HAND)
        refusals.append(refused.value.code)
    row = await house.app.brokers.add(chief.id, form | {"allow_withdraw": True}, HAND)

    assert refusals == ["key_may_withdraw", "key_may_withdraw", "administrators_only"]
    written = await house.app.db.read(SYSTEM, lambda s: audit.recent(s, 5))
    assert [one.subject for one in written if one.action == "broker.withdraw_accepted"] == [f"broker:{row.id}"]
    result = await house.app.brokers.test_connection(chief.id, row.id)
    assert {step.name: step.reason for step in result.steps if step.state is StepState.WARNING}["withdraw"] == (
        "reason.key_withdraw_accepted"
    )


async def test_every_key_is_tried_once_a_day(house: TradingHouse, trader: Trader) -> None:
    asked = len(house.asked("permissions"))
    await house.app.brokers.keys.look()
    assert len(house.asked("permissions")) == asked
    row = await house.app.brokers.get(trader.user_id, trader.broker_id)
    assert row.checked_at is not None
    yesterday = row.checked_at - timedelta(seconds=DUE_AFTER)

    def long_ago(session: Any) -> None:
        session.add(row)
        row.checked_at = yesterday

    await house.app.db.write(trader.user_id, long_ago)
    await house.app.brokers.keys.look()
    assert len(house.asked("permissions")) > asked
    checked_at = (await state(house, trader)).checked_at
    assert checked_at is not None
    assert checked_at > yesterday


async def told(house: TradingHouse, trader: Trader, *codes: str) -> bool:
    """Whether exactly this was told of keys, in this order."""
    rows = await house.app.db.read(trader.user_id, lambda s: notifications.recent(s, 50))
    return [row.code for row in reversed(rows) if row.kind is NoticeKind.KEY] == list(codes)


async def test_a_key_that_is_taken_away_while_the_house_works_is_told_and_told_when_it_is_back(every: TradingHouse) -> None:
    trader = await every.trader()
    rights, trader.account.permissions = trader.account.permissions, frozenset()
    await every.when(lambda: told(every, trader, BAD))
    assert (await state(every, trader)).trouble(every.clock.now()) is not None
    trader.account.permissions = rights
    await every.when(lambda: told(every, trader, BAD, GOOD))
    assert (await state(every, trader)).trouble(every.clock.now()) is None


async def test_a_slow_exchange_keeps_nobody_waiting_for_the_key_of_another_one(house: TradingHouse) -> None:
    key, secret = "k" * 64, house.simulator.dialects["kraken"].secret("s" * 32)
    house.simulator.venue.open_account("kraken", key, secret, {})
    owner = await house.app.accounts.household.add_without_password(NewUser("owner", ""), HAND)
    form = {"exchange": "kraken", "name": "Slow", "api_key": key, "api_secret": secret}
    slow = await house.app.brokers.add(owner.id, form, HAND)
    trader = await house.trader()
    before = (await state(house, trader)).checked_at
    house.faults({"on": "any", "exchange": "kraken", "do": "slow", "seconds": 30, "times": 0})
    began = house.clock.now()
    for broker_id in (slow.id, trader.broker_id):
        house.app.bus.publish(KeyDoubted(at=began, user_id=owner.id, broker_id=broker_id))

    async def looked_at() -> bool:
        return (await state(house, trader)).checked_at != before

    await house.when(looked_at)
    assert (house.clock.now() - began).total_seconds() < 5


async def test_a_key_that_comes_back_between_two_rounds_is_told_though_the_last_round_took_it(
    every: TradingHouse,
) -> None:
    trader = await every.trader()
    rights, trader.account.permissions = trader.account.permissions, frozenset()
    await every.when(lambda: told(every, trader, BAD))
    known = await state(every, trader)

    async def looked_at_again() -> bool:
        return await state(every, trader) != known

    every.app.monitor.rounds.asked(await every.app.floor.brokers.get(trader.broker_id))  # begun before, ended only now
    await every.when(looked_at_again)
    trader.account.permissions = rights
    await every.when(lambda: told(every, trader, BAD, GOOD))


async def test_an_exchange_that_is_away_for_a_while_does_not_keep_a_mended_key_from_being_told(every: TradingHouse) -> None:
    trader = await every.trader()
    rights, trader.account.permissions = trader.account.permissions, frozenset()
    await every.when(lambda: told(every, trader, BAD))
    every.faults({"on": "any", "do": "refuse_5xx", "times": 0})
    assert not (await tried(every, trader)).ok
    assert (await state(every, trader)).trouble(every.clock.now()) is not None
    trader.account.permissions = rights
    every.no_faults()
    await every.when(lambda: told(every, trader, BAD, GOOD))


async def test_a_no_to_a_key_stands_while_its_exchange_is_away(house: TradingHouse, trader: Trader) -> None:
    right = await house.app.gateway.keys(await house.app.brokers.get(trader.user_id, trader.broker_id))
    await house.app.brokers.change(trader.user_id, trader.broker_id, {"api_key": right.api_key, "api_secret": "A" * 64}, HAND)
    await tried(house, trader)
    refused = await state(house, trader)
    house.faults({"on": "any", "do": "refuse_5xx", "times": 0})
    await tried(house, trader)
    assert refused.trouble(house.clock.now()) is not None
    assert (await state(house, trader)).trouble(house.clock.now()) == refused.trouble(house.clock.now())


async def test_an_exchange_that_is_away_says_nothing_against_a_key(house: TradingHouse, trader: Trader) -> None:
    house.faults({"on": "any", "do": "refuse_5xx", "times": 0})
    await tried(house, trader)
    known = await state(house, trader)
    assert (known.refused, known.trouble(house.clock.now())) == (False, None)
    assert not [
        one
        for one in await house.app.db.read(trader.user_id, lambda s: notifications.recent(s, 50))
        if one.kind is NoticeKind.KEY
    ]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (KeyState(MIDNIGHT, SOUND), []),
        (KeyState(MIDNIGHT - OLD_AFTER, SOUND), ["reason.key_old"]),
        (KeyState(MIDNIGHT, SOUND, clock_offset_ms=-1500), ["reason.clock_off"]),
        (KeyState(MIDNIGHT, KeyRights(True, True, False, True, MIDNIGHT + ENDS_SOON)), ["reason.key_expires"]),
        (KeyState(MIDNIGHT, KeyRights(True, True, False, True, MIDNIGHT)), ["reason.key_expired"]),
        (KeyState(MIDNIGHT, KeyRights(True, True, False, True, created_at=MIDNIGHT - OLD_AFTER)), ["reason.key_old"]),
        (KeyState(MIDNIGHT, KeyRights(True, True, True, False)), ["reason.key_may_withdraw", "reason.key_from_anywhere"]),
        (KeyState(MIDNIGHT, KeyRights(True, True, True, True), withdraw_accepted=True), ["reason.key_withdraw_accepted"]),
        (KeyState(MIDNIGHT, KeyRights(False, False, False, None)), ["reason.key_cannot_read", "reason.key_cannot_trade"]),
    ],
)
def test_what_ought_to_be_looked_at_comes_gravest_first_and_survives_the_row(known: KeyState, expected: list[str]) -> None:
    row = a_broker(a_user())
    known.keep(row)
    assert KeyState.of(row) == known
    assert [one.code for one in known.concerns(MIDNIGHT)] == expected
