"""What goes wrong on the way to the exchange is told apart: never sent, refused, in doubt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from aristobot.clock import ManualClock
from aristobot.errors import (
    BadKey,
    ConnectionLost,
    DuplicateOrder,
    ExchangeError,
    InsufficientFunds,
    InvalidOrder,
    OutcomeUnknown,
    RateLimited,
    Refused,
    UnknownSymbol,
)
from aristobot.exchange import Credentials
from aristobot.language import explain
from aristobot.orders import OrderRequest, OrderStatus, OrderType, Side
from services.simulator.server import SimulatorServer
from tests.exchanges.house import ED25519, HMAC, House, limit, market

D = Decimal
S = OrderStatus


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (market(quantity=D(110)), InsufficientFunds),
        (market(quantity=D("0.0000001")), InvalidOrder),
        (limit("80", symbol="NOPE/USDT"), UnknownSymbol),
        (market(Side.SELL, type=OrderType.STOP_LOSS, stop_price=D(200)), InvalidOrder),
        (limit("105", type=OrderType.LIMIT_MAKER), InvalidOrder),
    ],
)
async def test_a_refusal_is_a_definite_no(house: House, way: str, request_: OrderRequest, error: type[ExchangeError]) -> None:
    with pytest.raises(error) as refused:
        await house.client.place_order(HMAC, request_)
    assert "{" not in explain(refused.value)
    assert len(house.requests("order.place")) == 1


async def test_an_id_that_rests_already_is_refused_as_a_duplicate(house: House, way: str) -> None:
    request = limit("80")
    await house.client.place_order(HMAC, request)
    with pytest.raises(DuplicateOrder):
        await house.client.place_order(HMAC, request)


async def test_a_wrong_secret_is_a_bad_key(house: House, way: str) -> None:
    wrong = Credentials(HMAC.api_key, "wrong" * 10)
    with pytest.raises(BadKey):
        await house.client.place_order(wrong, market())
    with pytest.raises(BadKey):
        await house.client.balances(wrong)


async def test_a_wrong_private_key_never_rides_on_a_session_that_is_logged_on(house: House) -> None:
    await house.client.place_order(ED25519, market())
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(BadKey):
        await house.client.place_order(Credentials(ED25519.api_key, pem), market())


Trouble = dict[str, Any]
DOUBTFUL: list[Trouble] = [
    {"do": "accept_then_hang"},
    {"do": "accept_then_5xx"},
    {"do": "disconnect"},
    {"do": "refuse"},
    {"do": "refuse_5xx"},
    {"do": "-1006"},
    {"do": "-1007"},
    {"do": "-1008"},
    {"do": "delayed_accept", "seconds": 5},
]


@pytest.mark.parametrize("trouble", DOUBTFUL, ids=lambda one: one["do"])
async def test_an_order_without_a_clear_answer_is_in_doubt_and_is_sent_once(house: House, way: str, trouble: Trouble) -> None:
    house.faults({"on": "order.place", **trouble})
    with pytest.raises(OutcomeUnknown):
        await house.client.place_order(HMAC, limit("80"))
    assert len(house.requests("order.place")) == 1


async def test_half_an_answer_leaves_doubt(house: House) -> None:
    house.faults({"on": "socket.connect", "do": "refuse", "times": 0}, {"on": "order.place", "do": "short_body"})
    with pytest.raises(OutcomeUnknown):
        await house.client.place_order(HMAC, limit("80"))


async def test_after_a_lost_answer_the_next_order_goes_out_as_usual(house: House, keys: Credentials) -> None:
    house.faults({"on": "order.place", "do": "disconnect"})
    with pytest.raises(OutcomeUnknown):
        await house.client.place_order(keys, limit("80"))
    report = await house.client.place_order(keys, limit("81"))
    assert report.status is S.OPEN
    assert len(await house.client.open_orders(keys)) == 2


async def test_an_exchange_that_is_not_there_never_got_the_order(clock: ManualClock) -> None:
    server = SimulatorServer(clock)
    await server.start()
    house = House(clock, server)
    await house.client.synchronise()
    await server.stop()
    with pytest.raises(ConnectionLost):
        await house.client.place_order(HMAC, market())
    await house.client.close()


async def test_too_many_requests_silence_everybody_until_the_exchange_listens_again(house: House, way: str) -> None:
    house.faults({"on": "order.place", "do": "429", "retry_after": 30})
    with pytest.raises(RateLimited) as limited:
        await house.client.place_order(HMAC, market())
    assert limited.value.retry_after > 5
    asked = len(house.server.world.journal.entries)
    for silent in (house.client.place_order(ED25519, market()), house.client.balances(HMAC), house.client.server_time()):
        with pytest.raises(RateLimited):
            await silent
    assert len(house.server.world.journal.entries) == asked
    await house.clock.advance(61)
    assert (await house.client.place_order(HMAC, market())).status is S.FILLED


async def test_the_exchanges_clock_counts_not_ours(house: House, keys: Credentials, way: str) -> None:
    house.server.world.clock.offset_ms = 90_000
    assert (await house.client.place_order(keys, market())).status is S.FILLED
    reading = house.client.clock_reading
    assert reading is not None
    assert abs(reading.offset_ms - 90_000) <= 50


async def test_a_refused_timestamp_is_measured_anew_and_only_a_read_is_repeated(house: House) -> None:
    await house.client.balances(HMAC)
    house.server.world.clock.offset_ms = -90_000
    assert await house.client.balances(HMAC)
    house.server.world.clock.offset_ms = 90_000
    with pytest.raises(Refused) as refused:
        await house.client.place_order(HMAC, market())
    assert refused.value.code == "clock_skewed"
    assert house.client.clock_reading is None
    assert (await house.client.place_order(HMAC, market())).status is S.FILLED
