"""What goes wrong on the way to Kraken is told apart: never sent, refused, in doubt; nonces, counters and time included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from websockets.asyncio.server import ServerConnection

from aristobot.clock import ManualClock
from aristobot.errors import (
    BadKey,
    ConnectionLost,
    DuplicateOrder,
    ExchangeError,
    InsufficientFunds,
    MissingRight,
    OutcomeUnknown,
    RateLimited,
    Refused,
    TryAgain,
    UnknownOrder,
    UnknownSymbol,
)
from aristobot.language import explain
from aristobot.orders import OrderStatus
from services.exchanges.kraken import KrakenClient
from services.exchanges.kraken_limits import Tier
from services.simulator.server import SimulatorServer
from tests.exchanges.house import PATIENT, QUICK, limit, market
from tests.exchanges.kraken_house import ONE, OTHER, KrakenHouse, body
from tests.exchanges.small_server import Answer, Asked, Half, Hang, Reset, Say, SmallServer, advancing, small_server, soon

D = Decimal
S = OrderStatus
YES = {"error": [], "result": {"txid": ["OUF4EM-FRGI2-MQMWZD"]}}


def no(*texts: str) -> Say:
    """A refusal, as Kraken says it."""
    return Say({"error": list(texts)})


def form(asked: Asked) -> dict[str, str]:
    """What a private call said."""
    return dict(parse_qsl(asked.body.decode()))


class Small:
    """A small server that knows the time, and a client that speaks to it."""

    def __init__(self, server: SmallServer, clock: ManualClock) -> None:
        self.server = server
        self.clock = clock
        self.client = KrakenClient(clock, server.endpoints, QUICK)
        self.said: dict[str, Answer | Callable[[Asked], Answer]] = {}
        server.rest = self._answer

    def _answer(self, asked: Asked) -> Answer:
        name = asked.path.rpartition("/")[2]
        if name == "Time":
            return Say({"error": [], "result": {"unixtime": int(self.clock.now().timestamp())}})
        said = self.said.get(name, no("EGeneral:Permission denied"))
        return said(asked) if callable(said) else said

    def asked(self, name: str) -> list[Asked]:
        """The calls of a name."""
        return [one for one in self.server.asked if one.path.endswith(f"/{name}")]


@pytest.fixture
async def small(clock: ManualClock) -> AsyncIterator[Small]:
    """Without a socket for anybody: orders go over REST."""
    async with small_server() as server:
        made = Small(server, clock)
        yield made
        await made.client.close()


ANSWERS: list[tuple[str, Answer, type[ExchangeError]]] = [
    ("nothing", Hang(), OutcomeUnknown),
    ("a cut", Reset(), OutcomeUnknown),
    ("half an answer", Half(), OutcomeUnknown),
    ("a page of the cloud", Say(b"<html>520</html>", 520), OutcomeUnknown),
    ("a page that asks who we are", Say(b"<html>Just a moment...</html>", 403), OutcomeUnknown),
    ("a yes without a word", Say({"error": []}), OutcomeUnknown),
    ("a yes of another shape", Say({"error": [], "result": [1, 2]}), OutcomeUnknown),
    ("no JSON", Say(b"{]"), OutcomeUnknown),
    ("a server down", no("EService:Unavailable"), OutcomeUnknown),
    ("a server at work", no("EService:Busy"), OutcomeUnknown),
    ("too late", no("EService:Deadline elapsed"), OutcomeUnknown),
    ("an inner error", no("EGeneral:Internal error"), OutcomeUnknown),
    ("words nobody knows", no("ESomething:Else"), OutcomeUnknown),
    ("no money", no("EOrder:Insufficient funds"), InsufficientFunds),
    ("no right", no("EGeneral:Permission denied"), MissingRight),
    ("a wrong key", no("EAPI:Invalid key"), BadKey),
    ("a used nonce", no("EAPI:Invalid nonce"), TryAgain),
    ("too much", no("EOrder:Rate limit exceeded"), RateLimited),
    ("a name in use", no("EOrder:cl_ord_id duplicate"), DuplicateOrder),
    ("429", Say(b"", 429), RateLimited),
]


@pytest.mark.parametrize(("answer", "error"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_every_answer_to_an_order_is_told_apart_and_it_is_sent_once(
    small: Small, answer: Answer, error: type[ExchangeError]
) -> None:
    small.said["AddOrder"] = answer
    with pytest.raises(error) as refused:
        await small.client.place_order(ONE, limit("80"))
    assert type(refused.value) is error
    assert "{" not in explain(refused.value)
    assert len(small.asked("AddOrder")) == 1


async def test_a_taken_order_is_open_and_carries_its_ids_and_its_deadline(small: Small) -> None:
    small.said["AddOrder"] = Say(YES)
    request = limit("80.50")
    report = await small.client.place_order(ONE, request)
    assert (report.status, report.exchange_order_id, report.price) == (S.OPEN, "OUF4EM-FRGI2-MQMWZD", D("80.5"))
    sent = form(small.asked("AddOrder")[0])
    assert sent.pop("nonce").isdecimal()
    assert sent.pop("deadline") in ("2026-01-01T00:00:05.000Z", "2026-01-01T00:00:05.500Z")
    assert sent == {
        "pair": "BTC/USDT", "type": "buy", "ordertype": "limit", "volume": "0.1", "price": "80.5",
        "cl_ord_id": request.client_order_id, "oflags": "fciq",
    }  # fmt: skip


async def test_a_warning_does_not_turn_a_yes_into_a_no(small: Small) -> None:
    small.said["AddOrder"] = Say({**YES, "error": ["WGeneral:Something is going to change"]})
    assert (await small.client.place_order(ONE, limit("80"))).status is S.OPEN


async def test_a_read_whose_nonce_was_refused_is_asked_again_with_a_larger_one(small: Small) -> None:
    seen: list[int] = []

    def late(asked: Asked) -> Answer:
        seen.append(int(form(asked)["nonce"]))
        return no("EAPI:Invalid nonce") if len(seen) == 1 else Say({"error": [], "result": {"open": {}}})

    small.said["OpenOrders"] = late
    assert await small.client.open_orders(ONE) == []
    assert seen[1] - seen[0] > 10**10


@pytest.mark.parametrize("lost", [Say({}, status=503), no("EService:Unavailable")])
async def test_a_read_that_is_asked_again_for_another_reason_stays_with_the_clock(small: Small, lost: Answer) -> None:
    seen: list[int] = []

    def late(asked: Asked) -> Answer:
        seen.append(int(form(asked)["nonce"]))
        return lost if len(seen) == 1 else Say({"error": [], "result": {"open": {}}})

    small.said["OpenOrders"] = late
    assert await small.client.open_orders(ONE) == []
    assert 0 < seen[1] - seen[0] < 10**10  # else a house that starts again after much trouble would be refused for long


async def test_an_order_whose_nonce_was_refused_had_no_effect_and_the_next_one_gets_ahead(small: Small) -> None:
    small.said["AddOrder"] = no("EAPI:Invalid nonce")
    for _ in range(2):
        with pytest.raises(TryAgain) as refused:
            await small.client.place_order(ONE, limit("80"))
        assert refused.value.code == "nonce_refused"
    first, second = (int(form(one)["nonce"]) for one in small.asked("AddOrder"))
    assert second - first > 10**10


async def test_private_calls_of_one_key_arrive_in_the_order_of_their_nonces_however_many_there_are(small: Small) -> None:
    small.said["OpenOrders"] = Say({"error": [], "result": {"open": {}}})
    small.said["ClosedOrders"] = Say({"error": [], "result": {"closed": {}}})
    small.said["AddOrder"] = Say(YES)
    small.client = KrakenClient(small.clock, small.server.endpoints, PATIENT)
    for keys in (ONE, OTHER):
        small.client._calls.record_of(keys).limits.become(Tier(1000, 1, 1000, 1))
    work = [small.client.find_order(keys, "BTC/USDT", "x") for _ in range(20) for keys in (ONE, OTHER)]
    await asyncio.gather(*work, *(small.client.place_order(ONE, limit("80")) for _ in range(10)))
    for keys in (ONE, OTHER):
        nonces = [int(form(one)["nonce"]) for one in small.server.asked if one.headers.get("api-key") == keys.api_key]
        assert len(nonces) >= 40
        assert nonces == sorted(set(nonces))


async def test_an_order_does_not_wait_for_a_read_that_hangs(small: Small) -> None:
    small.said |= {"OpenOrders": Hang(), "AddOrder": Say(YES)}
    small.client = KrakenClient(small.clock, small.server.endpoints, PATIENT)
    hanging = asyncio.ensure_future(small.client.open_orders(ONE))
    await soon(lambda: bool(small.asked("OpenOrders")))
    assert ((await small.client.place_order(ONE, limit("80"))).status, hanging.done()) == (S.OPEN, False)
    hanging.cancel()


async def test_a_lockout_is_respected_for_a_quarter_of_an_hour_and_by_this_key_alone(small: Small) -> None:
    small.said["BalanceEx"] = no("EGeneral:Temporary lockout")
    small.said |= {
        "AssetPairs": Say({"error": [], "result": {}}),
        "Assets": Say({"error": [], "result": {"ZUSD": {"altname": "USD"}}}),
    }
    with pytest.raises(RateLimited) as locked:
        await small.client.balances(ONE)
    assert locked.value.retry_after == 900
    small.said["BalanceEx"] = Say({"error": [], "result": {}})
    with pytest.raises(RateLimited):
        await small.client.balances(ONE)
    assert len(small.asked("BalanceEx")) == 1
    assert await small.client.balances(OTHER) == []
    await small.clock.advance(901)
    assert await small.client.balances(ONE) == []


async def test_a_key_that_cannot_ask_for_its_rights_is_tried(small: Small) -> None:
    small.said |= {
        "GetApiKeyInfo": no("EGeneral:Unknown method"), "BalanceEx": Say({"error": [], "result": {}}),
        "OpenOrders": Say({"error": [], "result": {"open": {}}}), "AddOrder": no("EOrder:Insufficient funds"),
    }  # fmt: skip
    rights = await small.client.key_rights(ONE)
    assert (rights.can_read, rights.can_trade, rights.can_withdraw) == (True, True, False)
    assert form(small.asked("AddOrder")[0])["validate"] == "true"
    small.said |= {"WithdrawMethods": Say({"error": [], "result": []}), "AddOrder": no("EGeneral:Permission denied")}
    rights = await small.client.key_rights(ONE)
    assert (rights.can_trade, rights.can_withdraw) == (False, True)
    small.said["BalanceEx"] = no("EAPI:Invalid key")
    with pytest.raises(BadKey):
        await small.client.key_rights(ONE)


async def test_a_pair_that_is_refused_is_named(small: Small) -> None:
    small.said |= {"TradeVolume": no("EQuery:Unknown asset pair"), "AddOrder": no("EQuery:Unknown asset pair")}
    with pytest.raises(UnknownSymbol) as refused:
        await small.client.fees(ONE, "BTC/USDT")
    assert refused.value.facts["symbol"] == "BTC/USDT"
    with pytest.raises(UnknownSymbol) as refused:
        await small.client.place_order(ONE, limit("80"))
    assert refused.value.facts["symbol"] == "BTC/USDT"


async def test_what_a_cancelled_order_became_is_looked_for(small: Small) -> None:
    small.said |= {
        "CancelOrder": Say({"error": [], "result": {"count": 1, "pending": True}}),
        "OpenOrders": Say({"error": [], "result": {"open": {}}}), "ClosedOrders": Say({"error": [], "result": {"closed": {}}}),
    }  # fmt: skip
    with pytest.raises(OutcomeUnknown):
        await small.client.cancel_order(ONE, "BTC/USDT", "mine")
    small.said["CancelOrder"] = Say({"error": [], "result": {"count": 0}})
    with pytest.raises(UnknownOrder):
        await small.client.cancel_order(ONE, "BTC/USDT", "mine")


@pytest.mark.parametrize("why", ["EAPI:Rate limit exceeded", "EGeneral:Permission denied", "EService:Unavailable"])
async def test_a_cancel_that_was_taken_never_reads_as_one_that_had_no_effect(small: Small, why: str) -> None:
    small.said |= {"CancelOrder": Say({"error": [], "result": {"count": 1}}), "OpenOrders": no(why), "AddOrder": Say(YES)}
    with pytest.raises(OutcomeUnknown) as doubt:
        await advancing(small.clock, small.client.cancel_order(ONE, "BTC/USDT", "mine"))
    assert doubt.value.code == "cancel_unconfirmed"
    with pytest.raises(OutcomeUnknown):
        await advancing(small.clock, small.client.edit_order(ONE, "BTC/USDT", "mine", limit("80")))
    assert small.asked("AddOrder") == []


async def test_an_order_that_is_still_being_cancelled_is_not_replaced_yet(small: Small) -> None:
    resting = json.loads(body("rest/get-open-orders.json"))
    order_id, order = next(iter(resting["result"]["open"].items()))
    resting["result"]["open"] = {order_id: order | {"cl_ord_id": "mine", "status": "open"}}
    small.said |= {
        "CancelOrder": Say({"error": [], "result": {"count": 1, "pending": True}}),
        "OpenOrders": Say(resting), "AddOrder": Say(YES), "QueryTrades": Say({"error": [], "result": {}}),
    }  # fmt: skip
    with pytest.raises(OutcomeUnknown):
        await small.client.edit_order(ONE, "BTC/USDT", "mine", limit("80"))
    assert small.asked("AddOrder") == []


class Private:
    """The private socket of the small server: says yes to subscriptions, and to orders what it is told."""

    def __init__(self, small: Small) -> None:
        self.heard: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any] | bytes | None] = []
        small.said["GetWebSocketsToken"] = Say({"error": [], "result": {"token": "secret-token", "expires": 900}})
        small.server.talk = self.talk

    async def talk(self, socket: ServerConnection) -> None:
        """Answer in order."""
        async for text in socket:
            asked = json.loads(text)
            self.heard.append(asked)
            answer: dict[str, Any] | bytes | None = {"success": True, "result": {"maxratecount": 60}}
            if asked["method"] != "subscribe":
                answer = self.answers.pop(0) if self.answers else {"success": True, "result": {"order_id": "O1"}}
            if isinstance(answer, dict):
                answer = json.dumps({"method": asked["method"], "req_id": asked["req_id"], **answer}).encode()
            if answer is not None:
                await socket.send(answer, text=True)


async def test_amounts_leave_as_plain_numbers_and_the_token_stays_with_its_key(small: Small) -> None:
    private = Private(small)
    await small.client.place_order(ONE, limit("0.00000012", quantity=D("123456789.00000001")))
    order = private.heard[-1]
    assert order["method"] == "add_order"
    assert order["params"]["token"] == "secret-token"
    raw = json.dumps(order)
    assert "E-" not in raw.upper().replace("E-07", "!")
    assert D(str(order["params"]["limit_price"])) == D("0.00000012")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, OutcomeUnknown),
        (b"{]", OutcomeUnknown),
        ({"success": False, "error": "EService:Unavailable"}, OutcomeUnknown),
        ({"success": False, "error": ""}, OutcomeUnknown),
        ({"success": True, "result": [1]}, OutcomeUnknown),
        ({"success": False, "error": "EOrder:Insufficient funds"}, InsufficientFunds),
        ({"success": False, "error": "EGeneral:Permission denied"}, MissingRight),
        ({"success": False, "error": "EOrder:Something never heard of"}, Refused),
    ],
)
async def test_every_answer_on_the_socket_is_told_apart_and_rest_is_not_asked_as_well(
    small: Small, answer: dict[str, Any] | bytes | None, error: type[ExchangeError]
) -> None:
    private = Private(small)
    private.answers = [answer]
    with pytest.raises(error):
        await small.client.place_order(ONE, limit("80"))
    assert [one["method"] for one in private.heard].count("add_order") == 1
    assert small.asked("AddOrder") == []


async def test_a_session_that_ended_had_no_effect_and_is_replaced(small: Small) -> None:
    private = Private(small)
    private.answers = [{"success": False, "error": "ESession:Invalid session"}]
    with pytest.raises(TryAgain) as ended:
        await small.client.place_order(ONE, limit("80"))
    assert ended.value.code == "socket_session_ended"
    assert (await small.client.place_order(ONE, limit("80"))).status is S.OPEN
    assert len(small.asked("GetWebSocketsToken")) == 2


async def test_an_exchange_that_is_not_there_never_got_the_order(clock: ManualClock) -> None:
    server = SimulatorServer(clock)
    await server.start()
    house = KrakenHouse(clock, server)
    await house.client.synchronise()
    await server.stop()
    with pytest.raises(ConnectionLost):
        await house.client.place_order(ONE, market())
    await house.client.close()


DOUBTFUL = [
    "accept_then_hang",
    "accept_then_5xx",
    "disconnect",
    "refuse",
    "refuse_5xx",
    "-1006",
    "-1007",
    "-1008",
    "delayed_accept",
]


@pytest.mark.parametrize("trouble", DOUBTFUL)
async def test_an_order_without_a_clear_answer_is_in_doubt_and_is_sent_once(
    kraken: KrakenHouse, kraken_way: str, trouble: str
) -> None:
    kraken.faults({"on": "order.place", "do": trouble, "seconds": 5})
    with pytest.raises(OutcomeUnknown):
        await kraken.client.place_order(ONE, limit("80"))
    assert len(kraken.asked("order.place")) == 1


async def test_an_id_that_rests_already_is_refused_as_a_duplicate(kraken: KrakenHouse, kraken_way: str) -> None:
    request = limit("80")
    await kraken.client.place_order(ONE, request)
    with pytest.raises(DuplicateOrder):
        await kraken.client.place_order(ONE, request)


async def test_the_exchanges_clock_counts_not_ours(kraken: KrakenHouse, kraken_way: str) -> None:
    kraken.server.world.clock.offset_ms = 90_000
    assert (await kraken.client.place_order(ONE, limit("80"))).status is S.OPEN
    reading = kraken.client.clock_reading
    assert reading is not None
    assert abs(reading.offset_ms - 90_000) <= reading.uncertainty_ms
    assert 500 <= reading.uncertainty_ms < 600


async def test_one_measurement_serves_everybody_who_waits_for_it(kraken: KrakenHouse) -> None:
    kraken.client = KrakenClient(kraken.clock, kraken.endpoints, PATIENT)
    await asyncio.gather(*(kraken.client.place_order(ONE, limit("80")) for _ in range(20)))
    assert len(kraken.asked("time")) == 5
