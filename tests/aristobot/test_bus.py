"""The bus: order, fan-out, slow readers, and the trace that follows an event."""

from __future__ import annotations

import asyncio
import threading
import uuid
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from aristobot.bus import Bus, Inbox, InboxOverflow, Subscription
from aristobot.events import Event, ExchangeHealthChanged, ServiceStateChanged, UserChanged
from aristobot.logs import current_trace_id, log_context

E = TypeVar("E")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ANNA, BEN = uuid.UUID(int=1), uuid.UUID(int=2)


def state(service: str, detail: str = "") -> ServiceStateChanged:
    return ServiceStateChanged(at=NOON, service=service, state="running", detail=detail)


def changed(user: uuid.UUID | None, trace_id: str = "") -> UserChanged:
    return UserChanged(at=NOON, user_id=user, trace_id=trace_id)


async def taken(inbox: Inbox[E], count: int) -> list[E]:
    events: list[E] = []
    while len(events) < count:
        events.append(await asyncio.wait_for(anext(inbox), timeout=20))
    return events


async def test_events_published_before_the_reader_runs_are_not_lost_and_keep_their_order() -> None:
    bus = Bus()
    inbox = bus.subscribe(ServiceStateChanged)
    published = [state(str(number)) for number in range(100)]
    for event in published:
        bus.publish(event)
    assert await taken(inbox, 100) == published


async def test_a_reader_that_waits_is_woken() -> None:
    bus = Bus()
    inbox = bus.subscribe(ServiceStateChanged)
    waiting = asyncio.create_task(taken(inbox, 1))
    await asyncio.wait({waiting}, timeout=0.01)
    bus.publish(state("heartbeat"))
    assert await waiting == [state("heartbeat")]


async def test_each_reader_gets_its_own_classes_and_their_subclasses() -> None:
    bus = Bus()
    states, both, everything = (
        bus.subscribe(ServiceStateChanged),
        bus.subscribe(ServiceStateChanged, UserChanged),
        bus.subscribe(Event),
    )
    bus.publish(changed(ANNA))
    bus.publish(state("web"))
    assert [len(inbox) for inbox in (states, both, everything)] == [1, 2, 2]


async def test_a_user_sees_what_is_theirs_and_what_concerns_everybody() -> None:
    bus = Bus()
    inbox = bus.subscribe(UserChanged, user_id=ANNA)
    for owner in (BEN, ANNA, None, BEN):
        bus.publish(changed(owner))
    assert [event.user_id for event in await taken(inbox, 2)] == [ANNA, None]
    assert len(inbox) == 0


async def test_an_inbox_for_screens_holds_the_newest_of_each_key() -> None:
    bus = Bus()
    inbox = bus.subscribe(ServiceStateChanged, ExchangeHealthChanged, keep="latest")
    for number in range(1000):
        bus.publish(state("web", str(number)))
        bus.publish(state("engine", str(number)))
    bus.publish(ExchangeHealthChanged(at=NOON, exchange="web", reachable=True))
    first, second, third = await taken(inbox, 3)
    assert [first, second] == [state("web", "999"), state("engine", "999")]
    assert isinstance(third, ExchangeHealthChanged)
    assert len(inbox) == 0


@given(keys=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=60))
def test_the_newest_of_each_key_is_never_lost(keys: list[str]) -> None:
    bus = Bus()
    inbox = bus.subscribe(ServiceStateChanged, keep="latest")
    for number, key in enumerate(keys):
        bus.publish(state(key, str(number)))
    got = asyncio.run(taken(inbox, len(set(keys))))
    newest = {key: str(number) for number, key in enumerate(keys)}
    assert {event.service: event.detail for event in got} == newest


async def test_a_reader_that_fell_behind_is_told_once_and_can_read_on() -> None:
    bus = Bus()
    inbox = bus.subscribe(ServiceStateChanged, size=3)
    for number in range(5):
        bus.publish(state(str(number)))
    with pytest.raises(InboxOverflow) as caught:
        await anext(inbox)
    assert caught.value.facts == {"lost": 5, "events": "ServiceStateChanged"}
    bus.publish(state("after"))
    assert await taken(inbox, 1) == [state("after")]


async def test_one_slow_reader_costs_the_others_nothing() -> None:
    bus = Bus()
    slow, quick = bus.subscribe(ServiceStateChanged, size=2), bus.subscribe(ServiceStateChanged)
    for number in range(10):
        bus.publish(state(str(number)))
    assert len(await taken(quick, 10)) == 10
    assert len(slow) == 0


async def test_a_closed_inbox_ends_its_reader_and_leaves_the_bus() -> None:
    bus = Bus()
    inbox = bus.subscribe(ServiceStateChanged)
    bus.publish(state("web"))
    inbox.close()
    inbox.close()
    bus.publish(state("web"))
    assert [event async for event in inbox] == []
    assert bus.waiting() == {}


async def test_leaving_the_block_closes_the_inbox() -> None:
    bus = Bus()
    with bus.subscribe(ServiceStateChanged) as inbox:
        assert bus.waiting() == {"ServiceStateChanged": 0}
        bus.publish(state("web"))
        assert bus.waiting() == {"ServiceStateChanged": 1}
    assert len(inbox) == 0
    assert bus.waiting() == {}


async def test_the_logs_of_a_reader_carry_the_trace_and_user_of_the_event_and_nothing_afterwards() -> None:
    bus = Bus()
    inbox = bus.subscribe(UserChanged, ServiceStateChanged)
    bus.publish(changed(ANNA, trace_id="first"))
    bus.publish(changed(None, trace_id="second"))
    bus.publish(state("web"))
    said: list[tuple[str, object]] = []
    sink = logger.add(lambda message: said.append((message.record["extra"]["trace"], message.record["message"])), level="INFO")
    with log_context(trace_id="before"):
        async for event in inbox:
            logger.bind(trace=current_trace_id()).info("handling")
            await asyncio.create_task(asyncio.to_thread(lambda: logger.bind(trace=current_trace_id()).info("in a thread")))
            if isinstance(event, ServiceStateChanged):
                assert len(current_trace_id()) == 32
                inbox.close()
        assert current_trace_id() == "before"
    logger.remove(sink)
    assert said[:4] == [("first", "handling"), ("first", "in a thread"), ("second", "handling"), ("second", "in a thread")]


def test_a_listener_is_called_at_once_and_its_error_is_survived() -> None:
    bus = Bus()
    heard: list[ServiceStateChanged] = []

    def fails(event: ServiceStateChanged) -> None:
        raise LookupError(event.service)

    said: list[str] = []
    sink = logger.add(lambda message: said.append(str(message)), level="ERROR", format="{message}")
    bus.listen(ServiceStateChanged, do=fails)
    bus.listen(ServiceStateChanged, do=heard.append)
    bus.publish(state("web"))
    logger.remove(sink)
    assert heard == [state("web")]
    assert len(said) == 1
    assert "LookupError: web" in said[0]


def test_a_listener_that_was_closed_hears_nothing_even_within_the_same_event() -> None:
    bus = Bus()
    heard: list[ServiceStateChanged] = []
    subscriptions: list[Subscription] = []
    bus.listen(ServiceStateChanged, do=lambda _: subscriptions[0].close())
    subscriptions.append(bus.listen(ServiceStateChanged, do=heard.append))
    bus.publish(state("web"))
    assert heard == []


def test_what_a_listener_publishes_reaches_everybody_after_what_it_heard() -> None:
    bus = Bus()
    heard: list[str] = []

    def answer(event: ServiceStateChanged) -> None:
        if event.service == "question":
            bus.publish(state("answer"))

    bus.listen(ServiceStateChanged, do=answer)
    bus.listen(ServiceStateChanged, do=lambda event: heard.append(event.service))
    bus.publish(state("question"))
    assert heard == ["question", "answer"]


async def test_a_thread_may_publish_to_readers_on_the_loop() -> None:
    bus = Bus()
    inbox = bus.subscribe(ServiceStateChanged)
    waiting = asyncio.create_task(taken(inbox, 50))
    await asyncio.wait({waiting}, timeout=0.01)

    def publish() -> None:
        for number in range(50):
            bus.publish(state(str(number)))

    thread = threading.Thread(target=publish)
    thread.start()
    assert [event.service for event in await waiting] == [str(number) for number in range(50)]
    thread.join()


def test_a_subscription_to_nothing_is_a_programming_error() -> None:
    with pytest.raises(TypeError):
        Bus().subscribe()
