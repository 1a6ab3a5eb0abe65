"""What the simulated Kraken says no to, and in which words."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aristobot.clock import ManualClock
from services.simulator.kraken import KrakenDialect
from services.simulator.kraken_keys import signature
from services.simulator.server import SimulatorServer
from tests.simulator.kraken_speaker import SECRET, KrakenSpeaker

PAYLOADS = Path(__file__).parent.parent / "exchanges" / "payloads"
LIMIT = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "50000"}


@pytest.fixture
async def owner(simulator: SimulatorServer) -> AsyncIterator[KrakenSpeaker]:
    """An owner of 10,000 USD and 1 BTC."""
    simulator.venue.open_account("kraken", "key-one", SECRET, {"USD": Decimal(10_000), "BTC": Decimal(1)})
    async with KrakenSpeaker(simulator) as speaker:
        yield speaker


@pytest.fixture
def dialect(simulator: SimulatorServer) -> KrakenDialect:
    """The dialect itself."""
    found = simulator.dialects["kraken"]
    assert isinstance(found, KrakenDialect)
    return found


async def refusal(owner: KrakenSpeaker, call: str, **more: Any) -> list[str]:
    """The errors of a question asked in another way than usual."""
    return list((await owner.post(call, {}, **more)).json()["error"])


@pytest.mark.parametrize("case", json.loads((PAYLOADS / "signing-vectors.json").read_text("utf-8"))["kraken"]["cases"])
def test_the_published_signatures_are_right(case: dict[str, str]) -> None:
    secret = json.loads((PAYLOADS / "signing-vectors.json").read_text("utf-8"))["kraken"]["secret"]
    made = signature(base64.b64decode(secret), case["path"].encode(), case["nonce"], case["postdata"].encode())
    assert made == case["API-Sign"]


async def test_a_body_may_be_a_form_or_json(owner: KrakenSpeaker) -> None:
    order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": 0.01, "price": "50000"}
    close = {"close": {"ordertype": "stop-loss", "price": "40000"}}
    placed = (await owner.post("AddOrder", order | close, as_json=True)).json()
    assert placed["result"]["descr"]["close"] == "close position @ stop loss 40000.0"


async def test_strangers_and_forgers_are_refused(owner: KrakenSpeaker) -> None:
    owner.key = "nobody"
    assert await refusal(owner, "Balance") == ["EAPI:Invalid key"]
    owner.key, owner.secret = "key-one", SECRET[::-1].replace("=", "A")
    assert await refusal(owner, "Balance") == ["EAPI:Invalid signature"]


async def test_a_nonce_must_grow_unless_the_key_has_a_window(owner: KrakenSpeaker, simulator: SimulatorServer) -> None:
    assert await refusal(owner, "Balance", nonce=100) == []
    assert await refusal(owner, "Balance", nonce=100) == ["EAPI:Invalid nonce"]
    assert await refusal(owner, "Balance", nonce=99) == ["EAPI:Invalid nonce"]
    assert await refusal(owner, "Balance", nonce=2**64) == ["EAPI:Invalid nonce"]
    simulator.venue.accounts["kraken", "key-one"].nonce_window = 10
    assert await refusal(owner, "Balance", nonce=120) == []
    assert await refusal(owner, "Balance", nonce=115) == []
    assert await refusal(owner, "Balance", nonce=115) == ["EAPI:Invalid nonce"]
    assert await refusal(owner, "Balance", nonce=105) == ["EAPI:Invalid nonce"]


async def test_a_key_does_what_it_may_and_says_what_that_is(owner: KrakenSpeaker, simulator: SimulatorServer) -> None:
    account = simulator.venue.accounts["kraken", "key-one"]
    account.permissions = frozenset({"read"})
    assert await owner.refused("AddOrder", **LIMIT) == "EGeneral:Permission denied"
    assert "modify-trades" not in (await owner.ask("GetApiKeyInfo"))["permissions"]
    account.permissions = frozenset({"read", "trade", "withdraw"})
    assert {"modify-trades", "withdraw-funds"} <= set((await owner.ask("GetApiKeyInfo"))["permissions"])


async def test_a_request_that_is_too_old_is_not_done(owner: KrakenSpeaker, clock: ManualClock) -> None:
    deadline = (clock.now() + timedelta(seconds=5)).isoformat()
    await owner.script({"on": "order.place", "do": "wrong_clock", "offset_ms": 6000})
    assert await owner.refused("AddOrder", **LIMIT, deadline=deadline) == "EService:Deadline elapsed"
    late = (clock.now() + timedelta(seconds=90)).isoformat()
    assert await owner.refused("AddOrder", **LIMIT, deadline=late) == "EGeneral:Invalid arguments:deadline"
    assert await owner.refused("AddOrder", **LIMIT, deadline="soon") == "EGeneral:Invalid arguments:deadline"
    await owner.ask("AddOrder", **LIMIT, deadline=deadline)


REFUSED = [
    ({"pair": "XBT/USD"}, "EQuery:Unknown asset pair"),
    ({"pair": ""}, "EGeneral:Invalid arguments:pair"),
    ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
    ({"ordertype": "oco"}, "EGeneral:Invalid arguments:ordertype"),
    ({"volume": "0"}, "EGeneral:Invalid arguments:volume"),
    ({"volume": "1E-7"}, "EGeneral:Invalid arguments:volume"),
    ({"volume": "0.010000001"}, "EGeneral:Invalid arguments:volume"),
    ({"volume": "0.00004"}, "EOrder:Order minimum not met"),
    ({"volume": "0.0001", "price": "100"}, "EOrder:Cost minimum not met"),
    ({"volume": "1"}, "EOrder:Insufficient funds"),
    ({"price": ""}, "EGeneral:Invalid arguments:price"),
    ({"price": "+100"}, "EGeneral:Invalid arguments:price"),
    ({"price": "50000.01"}, "EOrder:Invalid price:XBTUSD price can only be specified up to 1 decimals."),
    ({"timeinforce": "DAY"}, "EGeneral:Invalid arguments:timeinforce"),
    ({"oflags": "viqc"}, "EGeneral:Invalid arguments:viqc"),
    ({"oflags": "post", "timeinforce": "IOC"}, "EGeneral:Invalid arguments:post"),
    ({"oflags": "what"}, "EGeneral:Invalid arguments:oflags"),
    ({"cl_ord_id": "more than eighteen chars"}, "EGeneral:Invalid arguments:cl_ord_id"),
    ({"userref": "many"}, "EGeneral:Invalid arguments:userref"),
    ({"userref": "1", "cl_ord_id": "x"}, "EGeneral:Invalid arguments:userref and cl_ord_id exclude each other"),
    ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:expiretm"),
    ({"close[ordertype]": "stop-loss"}, "EGeneral:Invalid arguments:close[price]"),
]


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=[f"{change}" for change, _ in REFUSED])
async def test_an_order_that_makes_no_sense_is_refused(owner: KrakenSpeaker, change: dict[str, str], words: str) -> None:
    assert await owner.refused("AddOrder", **LIMIT | change) == words
    (entry,) = await owner.requests()
    assert entry["outcome"] == f"200 {words}"


async def test_a_price_off_the_grid_is_refused(owner: KrakenSpeaker, dialect: KrakenDialect) -> None:
    dialect.load(
        {"ADAUSD": dict(dialect.catalogue.pairs["XRP/USD"].raw) | {"altname": "ADAUSD", "wsname": "ADA/USD", "base": "ADA"}}
    )
    raw = dict(dialect.catalogue.pairs["ADA/USD"].raw) | {"tick_size": "0.00005"}
    dialect.load({"ADAUSD": raw})
    order = {"pair": "ADAUSD", "type": "buy", "ordertype": "limit", "volume": "10"}
    assert await owner.refused("AddOrder", **order, price="0.50001") == "EOrder:Tick size check failed"
    await owner.ask("AddOrder", **order, price="0.50005")


async def test_a_market_takes_what_its_state_allows(owner: KrakenSpeaker) -> None:
    for status in ("cancel_only", "post_only", "limit_only", "reduce_only"):
        asked = {"exchange": "kraken", "symbol": "BTC/USD", "status": status}
        (await owner.control.post("/status", json=asked)).raise_for_status()
        words = await owner.refused("AddOrder", pair="XBTUSD", type="sell", ordertype="market", volume="0.01")
        assert words == f"EService:Market in {status} mode"
        assert (await owner.get("AssetPairs", pair="XBTUSD"))["result"]["XXBTZUSD"]["status"] == status
    wrong = await owner.control.post("/status", json={"exchange": "kraken", "symbol": "BTC/USD", "status": "TRADING"})
    assert wrong.status_code == 400


async def test_private_calls_are_counted_and_the_counter_decays(owner: KrakenSpeaker, clock: ManualClock) -> None:
    for _ in range(20):
        await owner.ask("Balance")
    assert await owner.refused("Balance") == "EAPI:Rate limit exceeded"
    await owner.ask("AddOrder", **LIMIT)
    await clock.advance(4)
    await owner.ask("TradesHistory")
    assert await owner.refused("Balance") == "EAPI:Rate limit exceeded"


async def test_young_orders_cost_more_to_cancel_than_old_ones(
    owner: KrakenSpeaker, dialect: KrakenDialect, simulator: SimulatorServer, clock: ManualClock
) -> None:
    account = simulator.venue.accounts["kraken", "key-one"]
    for cycle in range(1, 14):
        await owner.ask("CancelOrder", txid=await owner.order(price="50000"))
        assert dialect.limits.count(account, "BTC/USD") == 9 * cycle
    old = await owner.order(price="50000")
    for _ in range(7):
        await owner.order(price="50000")
    assert await owner.refused("AddOrder", **LIMIT) == "EOrder:Rate limit exceeded"
    await owner.ask("AddOrder", pair="ETHUSD", type="buy", ordertype="limit", volume="0.01", price="2000")
    await clock.advance(301)
    await owner.ask("CancelOrder", txid=old)
    assert dialect.limits.count(account, "BTC/USD") == 0


async def test_an_account_has_eighty_open_orders_on_a_pair_and_no_more(owner: KrakenSpeaker, dialect: KrakenDialect) -> None:
    dialect.limits.counting = False
    for _ in range(80):
        await owner.order(price="1000")
    assert await owner.refused("AddOrder", **LIMIT) == "EOrder:Orders limit exceeded"


async def test_public_calls_are_counted_by_address(owner: KrakenSpeaker) -> None:
    for _ in range(60):
        assert (await owner.get("Time"))["error"] == []
    assert (await owner.get("Time"))["error"] == ["EGeneral:Too many requests"]


async def test_what_is_not_there_is_said_so(owner: KrakenSpeaker) -> None:
    assert (await owner.get("Weather"))["error"] == ["EGeneral:Unknown method"]
    assert (await owner.get("Balance"))["error"] == ["EGeneral:Unknown method"]
    assert await refusal(owner, "Time") == ["EGeneral:Unknown method"]
    assert (await owner.get("Assets", asset="MOON"))["error"] == ["EQuery:Unknown asset"]
    assert (await owner.get("OHLC", pair="XBTUSD", interval=3))["error"] == ["EGeneral:Invalid arguments:interval"]
    assert await owner.refused("QueryOrders", txid="OAAAAA-BBBBB-CCCCCC") == "EOrder:Unknown order"
    assert await owner.refused("CancelOrder", txid="OAAAAA-BBBBB-CCCCCC") == "EOrder:Unknown order"
    assert await owner.refused("CancelOrder") == "EGeneral:Invalid arguments:txid"


async def test_a_path_without_our_prefix_is_krakens_too(owner: KrakenSpeaker) -> None:
    assert (await owner.get("Time", prefix=""))["error"] == []


async def test_a_secret_must_be_base64(owner: KrakenSpeaker) -> None:
    account = {"exchange": "kraken", "key": "k", "secret": "not base64!", "balances": {}}
    assert (await owner.control.post("/accounts", json=account)).json() == {"error": "a secret is base64"}


@pytest.mark.parametrize("name", ["catalogue.json", "live-2026-09/asset-pairs.json", "rest/get-symbols.json"])
async def test_a_real_catalogue_may_be_loaded(owner: KrakenSpeaker, dialect: KrakenDialect, name: str) -> None:
    listed = json.loads((PAYLOADS / "kraken" / name).read_text("utf-8"))["result"]
    dialect.load(listed)
    told = (await owner.get("AssetPairs"))["result"]
    for key, pair in listed.items():
        if "wsname" in pair:
            assert told[key] == pair
            assert list((await owner.get("Ticker", pair=pair["altname"]))["result"]) == [key]
