"""Pairs, exchanges and keys over the API."""

from __future__ import annotations

import pytest

from tests.street import Person, Street

#: What these tests show does not depend on the database.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _broker(street: Street, who: Person) -> str:
    form = {"exchange": "binance", "name": "Main", **street.account(USDT="1000")}
    answer = await who.web.post("/api/brokers/", json=form)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_loading_the_markets_answers_how_many_there_are_and_what_is_new(street: Street, bob: Person) -> None:
    broker_id = await _broker(street, bob)
    first = (await bob.web.post(f"/api/brokers/{broker_id}/load-markets/")).json()
    again = (await bob.web.post(f"/api/brokers/{broker_id}/load-markets/")).json()
    assert first["total"] == first["added"] > 10
    assert (again["total"], again["added"], again["changed"], again["removed"]) == (first["total"], 0, 0, 0)
    listed = (await bob.web.get("/api/symbols/?exchange=binance&search=BTC/USDT")).json()["items"][0]
    assert (listed["state"], "MARKET" in {one.upper() for one in listed["order_types"]}) == ("trading", True)
    assert float(listed["taker_fee"]) > 0


async def test_the_symbols_of_an_exchange_come_in_pages_each_of_them_once(street: Street, bob: Person) -> None:
    await bob.web.post(f"/api/brokers/{await _broker(street, bob)}/load-markets/")
    whole = (await bob.web.get("/api/symbols/?exchange=binance")).json()
    pages, cursor = [], ""
    while cursor is not None:
        one = (await bob.web.get("/api/symbols/", params={"exchange": "binance", "limit": "5", "cursor": cursor})).json()
        pages.append(one["items"])
        cursor = one["next"]
    assert [len(page) for page in pages[:-1]] == [5] * (len(pages) - 1)
    assert ([one for page in pages for one in page], whole["next"]) == (whole["items"], None)
    assert (await bob.web.get("/api/symbols/?exchange=binance&cursor=x")).json()["error"]["code"] == "bad_cursor"


async def test_nobody_loads_the_markets_of_anothers_broker(street: Street, alice: Person, bob: Person) -> None:
    broker_id = await _broker(street, alice)
    assert (await bob.web.post(f"/api/brokers/{broker_id}/load-markets/")).status_code == 404


async def test_the_exchanges_of_the_world_stand_behind_ours_when_somebody_asks_for_all(street: Street, bob: Person) -> None:
    ours = (await bob.web.get("/api/exchanges/")).json()["items"]
    await street.app.credential_names.listed()
    everything = (await bob.web.get("/api/exchanges/?all=true")).json()["items"]
    assert everything[: len(ours)] == ours
    assert all(one["supported"] for one in ours)
    okx = next(one for one in everything if one["name"] == "okx")
    assert (okx["supported"], okx["title"], [field["name"] for field in okx["credential_fields"]]) == (
        False,
        "OKX",
        ["api_key", "api_secret", "passphrase"],
    )


async def test_health_tells_how_exchanges_fare_and_keys_are(street: Street, bob: Person) -> None:
    broker_id = await _broker(street, bob)
    await bob.web.post(f"/api/brokers/{broker_id}/load-markets/")
    told = (await bob.web.get("/api/health/")).json()
    binance = next(one for one in told["exchanges"] if one["exchange"] == "binance")
    assert (binance["success_percent"], binance["weight_left"]) == (100.0, binance["weight_limit"] - binance["weight_used"])
    assert binance["instruments"] > 10
    [broker] = told["brokers"]
    assert broker["key_rights"]["can_trade"] is True
    assert broker["key_made_at"] is not None
    assert [one["code"] for one in broker["key_concerns"]] == ["reason.key_from_anywhere"]


async def test_a_trader_cannot_insist_on_a_key_that_may_withdraw_and_an_administrator_can(
    street: Street, alice: Person, bob: Person
) -> None:
    keys = street.account(USDT="1000")
    street.may(keys, "read", "trade", "withdraw")
    form = {"exchange": "binance", "name": "Main", "allow_withdraw": True, **keys}
    assert (await bob.web.post("/api/brokers/", json=form)).json()["error"]["code"] == "administrators_only"
    assert (await alice.web.post("/api/brokers/", json=form)).status_code == 201
