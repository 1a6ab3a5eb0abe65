"""REST: what was never sent, what leaves doubt, what is asked again, and silence when it is asked for."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from loguru import logger

from aristobot.clock import ManualClock, SystemClock
from aristobot.errors import (
    BadKey,
    ConfigurationError,
    ConnectionLost,
    DataError,
    ExchangeOffline,
    OutcomeUnknown,
    RateLimited,
    UnknownOrder,
)
from services.exchanges.binance_errors import judge
from services.exchanges.http import ATTEMPTS, CONNECTIONS, KEPT_FOR_ORDERS, Request, RestSession
from services.exchanges.transport import Link, Timeouts, checked, growing_pauses
from tests.exchanges.small_server import Answer, Asked, Half, Hang, Reset, Say, SmallServer, small_server, soon

QUICK = Timeouts(pool=0.2, connect=0.3, send=0.2, read=0.2)
WEIGHT = "X-MBX-USED-WEIGHT-1M"


@pytest.fixture
async def server() -> AsyncIterator[SmallServer]:
    """A server that does what the test tells it."""
    async with small_server() as running:
        yield running


@pytest.fixture
async def session(server: SmallServer, clock: ManualClock) -> AsyncIterator[RestSession]:
    """A session to it, with short time-outs once it is connected."""
    timeouts = replace(QUICK, connect=5.0)
    made = RestSession(server.endpoints.rest, Link("binance", clock, 6000, timeouts), judge, WEIGHT)
    yield made
    await made.close()


def question(path: str = "/x") -> Callable[[], Request]:
    """A read."""
    return lambda: Request("GET", path, {})


ORDER = Request("POST", "/order?symbol=A&signature=verysecret", {"X-MBX-APIKEY": "keyofmine"})


def in_turn(*answers: Answer) -> Callable[[Asked], Answer]:
    """Each answer once, the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


async def run_out(clock: ManualClock, work: asyncio.Future[bytes]) -> None:
    """Move the clock until the work is done."""
    while not work.done():
        await clock.advance(0.5)
        await asyncio.wait([work], timeout=0.002)


async def test_an_answer_is_handed_on_as_it_came(server: SmallServer, session: RestSession) -> None:
    server.rest = lambda asked: Say({"path": asked.path, "symbol": asked.query["symbol"]})
    assert await session.read(question("/api?symbol=%EF%BC%91"), 1) == b'{"path": "/api", "symbol": "\\uff11"}'


@pytest.mark.parametrize("trouble", [Reset(), Half(), Hang(), Say(b"<html>", 502), Say({"code": -1007, "msg": "Timeout"}, 408)])
async def test_a_read_is_asked_again_until_it_is_answered(
    server: SmallServer, session: RestSession, clock: ManualClock, trouble: Answer
) -> None:
    server.rest = in_turn(trouble, Say({"ok": 1}))
    work = asyncio.ensure_future(session.read(question(), 1))
    await run_out(clock, work)
    assert work.result() == b'{"ok": 1}'
    assert len(server.asked) == 2


async def test_a_read_gives_up_after_a_few_tries(server: SmallServer, session: RestSession, clock: ManualClock) -> None:
    server.rest = in_turn(Say(b"", 503))
    work = asyncio.ensure_future(session.read(question(), 1))
    await run_out(clock, work)
    with pytest.raises(ExchangeOffline):
        work.result()
    assert len(server.asked) == ATTEMPTS


async def test_a_definite_no_is_not_asked_twice(server: SmallServer, session: RestSession) -> None:
    server.rest = in_turn(Say({"code": -2013, "msg": "Order does not exist."}, 400))
    with pytest.raises(UnknownOrder):
        await session.read(question(), 1)
    assert len(server.asked) == 1


@pytest.mark.parametrize("trouble", [Reset(), Half(), Hang(), Say(b"<html>", 502), Say({"code": -1007, "msg": "Timeout"}, 408)])
async def test_no_log_however_talkative_tells_a_key_or_a_signature(
    server: SmallServer, session: RestSession, trouble: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    loop, written = asyncio.get_running_loop(), io.StringIO()
    sink = logger.add(written, level=0, backtrace=True, diagnose=False)
    caplog.set_level(0)
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0  # tell of every step
    server.rest = in_turn(trouble)
    with pytest.raises(OutcomeUnknown) as doubt:
        await session.order(ORDER, 1)
    logger.opt(exception=doubt.value).error("An order is in doubt")
    going = asyncio.ensure_future(session.order(ORDER, 1))
    await asyncio.wait([going], timeout=0.01)
    going.cancel()
    await asyncio.wait([going])
    loop.set_debug(False)
    logger.remove(sink)
    told = written.getvalue() + caplog.text + repr(doubt.value)
    assert "An order is in doubt" in told
    assert "verysecret" not in told
    assert "keyofmine" not in told


@pytest.mark.parametrize("trouble", [Reset(), Half(), Hang(), Say(b"<html>", 502), Say({"code": -1007, "msg": "Timeout"}, 408)])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_an_order_without_a_clear_answer_is_in_doubt_and_never_sent_twice(
    server: SmallServer, session: RestSession, trouble: Answer, method: str
) -> None:
    server.rest = in_turn(Say({}), trouble)
    await session.order(ORDER, 1)  # the second goes over a connection that is already open
    with pytest.raises(OutcomeUnknown) as doubt:
        await session.order(ORDER._replace(method=method), 1)
    assert len(server.asked) == 2
    assert "secret" not in f"{doubt.value!r}{doubt.value.__cause__!r}"


async def test_an_order_that_met_a_closed_door_certainly_did_not_leave(clock: ManualClock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = RestSession(f"http://127.0.0.1:{taken.getsockname()[1]}", Link("binance", clock, 6000, QUICK), judge, WEIGHT)
        with pytest.raises(ConnectionLost) as lost:
            await nobody.order(ORDER, 1)
        await nobody.close()
    assert lost.value.code == "connection_lost"
    assert lost.value.__cause__ is None
    assert "secret" not in repr(lost.value)


async def test_an_order_to_a_name_that_does_not_exist_certainly_did_not_leave(clock: ManualClock) -> None:
    nowhere = RestSession("https://no-such-host.invalid", Link("binance", clock, 6000, QUICK), judge, WEIGHT)
    with pytest.raises(ConnectionLost):
        await nowhere.order(ORDER, 1)
    await nowhere.close()


async def test_a_server_that_speaks_no_tls_never_hears_the_order(server: SmallServer, clock: ManualClock) -> None:
    secure = RestSession(server.endpoints.rest.replace("http:", "https:"), Link("binance", clock, 6000, QUICK), judge, WEIGHT)
    with pytest.raises(ConnectionLost):
        await secure.order(ORDER, 1)
    await secure.close()
    assert server.asked == []


@pytest.mark.parametrize("status", [429, 418])
async def test_when_told_to_be_silent_everybody_is_until_the_time_is_over(
    server: SmallServer, session: RestSession, clock: ManualClock, status: int
) -> None:
    server.rest = in_turn(Say({"code": -1003, "msg": "Too many requests."}, status, {"Retry-After": "30"}), Say({"ok": 1}))
    with pytest.raises(RateLimited) as limited:
        await session.read(question(), 1)
    assert limited.value.retry_after == pytest.approx(30)
    for _ in range(3):
        with pytest.raises(RateLimited):
            await session.order(ORDER, 1)
        with pytest.raises(RateLimited):
            await session.read(question(), 1)
    assert len(server.asked) == 1
    await clock.advance(30.1)
    assert await session.order(ORDER, 1) == b'{"ok": 1}'


@pytest.mark.parametrize("figure", ["9" * 5000, "-1", "1e9", "", "\u0663".encode().decode("latin-1")])
async def test_a_figure_that_can_be_none_takes_nothing_from_an_order_that_was_taken(
    server: SmallServer, session: RestSession, figure: str
) -> None:
    server.rest = in_turn(Say({"ok": 1}, headers={WEIGHT: figure, "Retry-After": figure}))
    assert await session.order(ORDER, 1) == b'{"ok": 1}'
    server.rest = in_turn(Say({}, 429, {WEIGHT: figure, "Retry-After": figure}))
    with pytest.raises(RateLimited) as limited:
        await session.order(ORDER, 1)
    assert 0 < limited.value.retry_after <= 3 * 86_400


async def test_a_short_silence_is_waited_out_by_reads(server: SmallServer, session: RestSession, clock: ManualClock) -> None:
    server.rest = in_turn(Say({}, 429, {"Retry-After": "2"}), Say({"ok": 1}))
    work = asyncio.ensure_future(session.read(question(), 1))
    await run_out(clock, work)
    assert work.result() == b'{"ok": 1}'
    assert clock.monotonic() >= 2


async def test_reads_stop_before_orders_do_and_nothing_passes_four_fifths_of_the_weight(
    server: SmallServer, session: RestSession, clock: ManualClock
) -> None:
    await clock.advance(10)
    server.rest = in_turn(Say({}, headers={WEIGHT: "4300"}))
    await session.read(question(), 20)
    with pytest.raises(RateLimited) as limited:
        await session.read(question(), 20)
    assert limited.value.retry_after == pytest.approx(50, abs=0.1)
    await session.order(ORDER, 1)
    server.rest = in_turn(Say({}, headers={WEIGHT: "4800"}))
    await session.order(ORDER, 1)
    with pytest.raises(RateLimited):
        await session.order(ORDER, 1)
    assert len(server.asked) == 3
    await clock.advance(50.1)
    await session.read(question(), 20)


async def test_an_answer_of_the_last_minute_says_nothing_of_this_one(server: SmallServer, clock: ManualClock) -> None:
    link = Link("binance", clock, 6000, QUICK)
    minute = link.budget.take(10, read=True)
    await clock.advance(60)
    link.budget.heard(5999, minute)
    assert link.budget.used == 0


async def test_hundreds_of_reads_at_once_stay_within_the_budget(server: SmallServer, clock: ManualClock) -> None:
    session = RestSession(server.endpoints.rest, Link("binance", clock, 6000), judge, WEIGHT)  # the usual, patient time-outs
    server.rest = lambda _: Say({})
    answers = await asyncio.gather(*(session.read(question(), 20) for _ in range(400)), return_exceptions=True)
    await session.close()
    assert sum(isinstance(one, bytes) for one in answers) == 4200 // 20
    assert all(isinstance(one, bytes | RateLimited) for one in answers)
    assert len(server.asked) == 4200 // 20


async def test_reads_that_wait_for_a_connection_leave_some_to_orders(server: SmallServer, session: RestSession) -> None:
    server.rest = lambda asked: Say({}) if asked.method == "POST" else Hang()
    reads = [asyncio.ensure_future(session.read(question(), 1)) for _ in range(100)]
    await soon(lambda: len(server.asked) == CONNECTIONS - KEPT_FOR_ORDERS)
    assert await session.order(ORDER, 1) == b"{}"
    for read in reads:
        read.cancel()


async def test_an_answer_that_leads_elsewhere_is_not_followed(server: SmallServer, session: RestSession) -> None:
    server.rest = in_turn(Say({}, 302, {"Location": f"{server.endpoints.rest}/elsewhere"}))
    with pytest.raises(OutcomeUnknown):
        await session.order(ORDER, 1)
    assert server.count("/elsewhere") == 0


async def test_figures_tell_requests_failures_and_weight(server: SmallServer) -> None:
    link = Link("binance", SystemClock(), 6000, QUICK)
    session = RestSession(server.endpoints.rest, link, judge, WEIGHT)
    server.rest = in_turn(Say({}, headers={WEIGHT: "77"}), Reset())
    await session.read(question(), 5)
    with pytest.raises(OutcomeUnknown):
        await session.order(ORDER, 1)
    stats = link.meter.stats(link.budget.used, link.budget.limit)
    assert (stats.requests, stats.failures, stats.weight_limit) == (2, 1, 6000)
    assert stats.weight_used in (78, 1)  # a new minute may have begun in between
    assert 0 < stats.mean_ms <= stats.p99_ms + 1
    await session.close()


@pytest.mark.parametrize(
    "address", ["http://api.binance.com", "ws://stream.binance.com", "http://127.0.0.1.evil.example", "ftp://127.0.0.1"]
)
def test_nothing_is_sent_in_the_clear_to_another_machine(address: str) -> None:
    with pytest.raises(ConfigurationError):
        checked(address)


@pytest.mark.parametrize(
    "address", ["https://api.binance.com", "wss://x.example", "http://127.0.0.1:1", "ws://localhost:2", "http://[::1]:3"]
)
def test_encrypted_and_own_addresses_are_spoken_to(address: str) -> None:
    assert checked(address + "/") == address


def test_pauses_grow_to_a_minute_and_never_stop() -> None:
    pauses = growing_pauses()
    taken = [next(pauses) for _ in range(20)]
    assert taken[0] == 0
    assert all(0.75 * 2**n <= pause <= 2**n for n, pause in enumerate(taken[1:7]))
    assert all(45 <= pause <= 60 for pause in taken[7:])


@pytest.mark.parametrize("key", ["two\r\nX-More: lines", "a\nb", "a\0b"])
async def test_a_key_that_would_not_stay_within_its_line_is_not_sent(server: SmallServer, session: RestSession, key: str) -> None:
    with pytest.raises(BadKey):
        await session.order(ORDER._replace(headers={"X-MBX-APIKEY": key}), 1)
    assert server.asked == []


@pytest.mark.parametrize("target", ["/x?a=b c", "/x\r\nX-More: 1", "/x\n", "/x\t", "/\u00e9", "/x\u2028", "/\ud800", "/x\0"])
async def test_a_target_that_would_not_stay_within_its_line_is_not_sent(
    server: SmallServer, session: RestSession, target: str
) -> None:
    with pytest.raises(DataError):
        await session.order(ORDER._replace(target=f"{target}?signature=verysecret"), 1)
    with pytest.raises(DataError):
        await session.read(question(target), 1)
    assert server.asked == []


async def test_an_address_may_lie_below_another(server: SmallServer, clock: ManualClock) -> None:
    session = RestSession(f"{server.endpoints.rest}/below/", Link("binance", clock, 6000, QUICK), judge, WEIGHT)
    server.rest = lambda asked: Say({"path": asked.path})
    assert await session.read(question("/api"), 1) == b'{"path": "/below/api"}'
    await session.close()


async def test_whoever_waits_when_all_is_closed_gets_no_answer(server: SmallServer, session: RestSession) -> None:
    server.rest = in_turn(Hang())
    waiting = asyncio.ensure_future(session.order(ORDER, 1))
    await soon(lambda: len(server.asked) == 1)
    await session.close()
    with pytest.raises(OutcomeUnknown):
        await waiting
    with pytest.raises(ConnectionLost) as closed:
        await session.order(ORDER, 1)
    assert closed.value.code == "client_closed"


async def test_whoever_stops_waiting_leaves_nothing_behind(server: SmallServer, session: RestSession) -> None:
    server.rest = in_turn(Hang(), Say({"ok": 1}))
    waiting = asyncio.ensure_future(session.order(ORDER, 1))
    await soon(lambda: len(server.asked) == 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await session.order(ORDER, 1) == b'{"ok": 1}'
