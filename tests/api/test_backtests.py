"""Backtests over the API: asked for, followed, read, exported, forgotten; and the same run from the command line."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.api.feeds import FEEDS
from services.cli import main
from tests.services.test_backtester import at_work, furnish
from tests.street import Person, Street

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FORM: dict[str, Any] = {
    "strategy": "ema_cross",
    "exchange": "binance",
    "symbol": "BTC/USDT",
    "timeframe": "4h",
    "since": "2023-12-01T00:00:00Z",
    "until": "2024-06-01T00:00:00Z",
    "parameters": {"fast": 5, "slow": 20},
    "costs": {"maker": "0.001", "taker": "0.001", "slippage_bps": "2"},
}


async def done(person: Person, backtest_id: str) -> dict[str, Any]:
    """The run once it is over."""
    async with asyncio.timeout(20):
        while (found := (await person.web.get(f"/api/backtests/{backtest_id}/")).json())["status"] in ("queued", "running"):
            await asyncio.wait({asyncio.ensure_future(asyncio.to_thread(lambda: None))}, timeout=0.02)
    answer: dict[str, Any] = found
    return answer


async def test_a_run_is_asked_for_followed_read_and_forgotten(street: Street, alice: Person) -> None:
    furnish(street)
    async with at_work(street):
        asked = await alice.web.post("/api/backtests/", json=FORM)
        assert (asked.status_code, asked.json()["stage"]) == (201, "queued"), asked.text
        run = await done(alice, asked.json()["id"])
    assert (run["status"], run["template"], run["strategy"]) == ("done", "ema_cross", "EMA cross"), run["message"]
    assert run["costs"]["slippage_bps"] == "2"
    path = f"/api/backtests/{run['id']}/report/"
    report = (await alice.web.get(path)).json()
    assert report["figures"]["net_profit"] == run["summary"]["net_profit"]
    assert "Orders that take are executed at a worse price, by the slippage that was asked for." in report["rules"]

    page = (await alice.web.get(path, params={"format": "html"})).text
    assert page.count("<svg") == 3
    assert not re.search(r"<script|src=|https?://|@import|url\(", page)
    rows = list(csv.DictReader(io.StringIO((await alice.web.get(path, params={"format": "csv"})).text)))
    assert sum(float(row["profit"]) for row in rows) == pytest.approx(report["figures"]["net_profit"])

    pinned = await alice.web.patch(f"/api/backtests/{run['id']}/", json={"pinned": True})
    assert (pinned.status_code, pinned.json()["pinned"]) == (200, True)
    listed = (await alice.web.get("/api/backtests/", params={"limit": 1})).json()
    assert [one["id"] for one in listed["items"]] == [run["id"]]
    assert (await alice.web.delete(f"/api/backtests/{run['id']}/")).status_code == 204
    assert (await alice.web.get(path)).status_code == 404


async def test_money_is_taken_as_a_number_too_and_to_the_last_digit(street: Street, alice: Person) -> None:
    numbers = json.dumps({**FORM, "cash": 0, "costs": {"taker": 0, "slippage_bps": 0}})
    exact = numbers.replace('"cash": 0', '"cash": 10000.000000000000000001')
    exact = exact.replace('"taker": 0', '"taker": 0.0012').replace('"slippage_bps": 0', '"slippage_bps": 0.1')
    asked = await alice.web.post("/api/backtests/", content=exact, headers={"Content-Type": "application/json"})
    assert asked.status_code == 201, asked.text
    told = asked.json()
    assert (told["cash"], told["costs"]["taker"], told["costs"]["slippage_bps"]) == ("10000.000000000000000001", "0.0012", "0.1")
    study = {**FORM, "parameters": {"fast": "5:20:5"}, "cash": 10000.5, "costs": {"taker": 0.001}, "train": 0.6}
    searched = await alice.web.post("/api/studies/", json=study)
    assert searched.status_code == 201, searched.text
    assert (searched.json()["cash"], searched.json()["costs"]["taker"], searched.json()["train"]) == ("10000.5", "0.001", 0.6)


async def test_what_cannot_be_played_is_refused_with_its_reason(street: Street, alice: Person) -> None:
    for change, status, code in (
        ({"strategy": "nobody"}, 404, "not_found"),
        ({"timeframe": "7y"}, 422, "unknown_timeframe"),
        ({"until": "2023-01-01T00:00:00Z"}, 422, "nothing_between"),
        ({"costs": {"maker": "2"}}, 422, "cost_out_of_range"),
        ({"luck": 1}, 422, "unknown_field"),
    ):
        answer = await alice.web.post("/api/backtests/", json={**FORM, **change})
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    waiting = await alice.web.post("/api/backtests/", json=FORM)
    path = f"/api/backtests/{waiting.json()['id']}"
    assert (await alice.web.get(f"{path}/report/")).status_code == 409
    assert (await alice.web.post(f"{path}/cancel/")).json()["status"] == "cancelled"
    assert "backtest" in FEEDS


async def test_the_command_line_tells_the_same_and_writes_the_report(
    street: Street, alice: Person, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(street)
    monkeypatch.chdir(tmp_path)
    words = [
        "backtest",
        "ema_cross",
        "--data-dir",
        str(street.app.settings.data_dir),
        "--language",
        "en",
        "--exchange",
        "binance",
    ]
    words += ["--symbol", "BTCUSDT", "--timeframe", "4h", "--since", "2023-12-01", "--until", "2024-06-01", "--param", "fast=5"]
    words += ["--slippage-range", "0.1", "--fee-asset", "base", "--detail", "yes"]
    words += ["--param", "slow=20", "--json", str(tmp_path / "r.json"), "--html", str(tmp_path / "r.html")]
    assert await asyncio.to_thread(main, words, lambda _: 0) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^Net profit +\d", out, re.MULTILINE), out
    assert "No look ahead" in err
    report = json.loads((tmp_path / "r.json").read_text())
    assert "The fee of a purchase is taken from the coins bought." in report["rules"]
    assert report["parameters"] == {"fast": 5, "slow": 20, "risk": 1.0}
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")
    beside = ["--allotted", "6000", "--leg", "ema_cross,BTCUSDT", "--leg", "rsi_reversal,BTC/USDT,1d,2500"]
    assert await asyncio.to_thread(main, [*words, *beside], lambda _: 0) == 0
    out, _err = capsys.readouterr()
    assert "Leg by leg" in out
    assert re.search(r"^2\. ema_cross · BTC/USDT · 4h +\d", out, re.MULTILINE), out
    legs = json.loads((tmp_path / "r.json").read_text())["legs"]
    assert [(leg["timeframe"], leg["allotted"]) for leg in legs] == [("4h", 6000.0), ("4h", None), ("1d", 2500.0)]
    for leg in ("ema_cross", "ema_cross,ETH/BTC", "ema_cross,BTCUSDT,4h,much", "nobody,BTCUSDT", "ema_cross,fast=5,BTCUSDT"):
        assert await asyncio.to_thread(main, [*words, "--leg", leg], lambda _: 0) == 2, leg
    for wrong in (["--param", "fast"], ["--symbol", "ETHUSDT"], ["--fee-asset", "gold"], ["--detail", "perhaps"]):
        assert await asyncio.to_thread(main, [*words, *wrong], lambda _: 0) == 2
    capsys.readouterr()


async def test_several_strategies_over_one_balance_are_asked_for_as_legs(street: Street, alice: Person) -> None:
    furnish(street)
    furnish(street, "SOLUSDT")
    shared = {name: FORM[name] for name in ("exchange", "since", "until", "costs")}
    legs = [
        {"strategy": "ema_cross", "symbol": "BTC/USDT", "timeframe": "4h", "parameters": {"fast": 5, "slow": 20}},
        {"strategy": "ema_cross", "symbol": "SOL/USDT", "timeframe": "4h", "allotted": "4000"},
    ]
    async with at_work(street):
        asked = await alice.web.post("/api/backtests/", json={**shared, "legs": legs})
        assert asked.status_code == 201, asked.text
        run = await done(alice, asked.json()["id"])
    assert run["status"] == "done", run["message"]
    assert (run["strategy"], run["symbol"], run["parameters"]) == ("EMA cross", "BTC/USDT", {"fast": 5, "slow": 20})
    assert [(leg["symbol"], leg["allotted"], leg["template"]) for leg in run["legs"]] == [
        ("BTC/USDT", None, "ema_cross"),
        ("SOL/USDT", "4000", "ema_cross"),
    ]
    assert all(leg["code"].startswith('"""') for leg in run["legs"])
    (listed,) = (await alice.web.get("/api/backtests/")).json()["items"]
    assert [leg["code"] for leg in listed["legs"]] == [None, None]

    path = f"/api/backtests/{run['id']}/report/"
    report = (await alice.web.get(path)).json()
    assert sum(leg["profit"] for leg in report["legs"]) == pytest.approx(report["profit"])
    page = (await alice.web.get(path, params={"format": "html"})).text
    assert page.count("<svg") == 4  # the candles of each leg
    assert "2. EMA cross · SOL/USDT · 4h" in page
    rows = list(csv.DictReader(io.StringIO((await alice.web.get(path, params={"format": "csv"})).text)))
    assert {(row["leg"], row["symbol"]) for row in rows} == {("1", "BTC/USDT"), ("2", "SOL/USDT")}


async def test_legs_are_named_one_way_or_the_other(street: Street, alice: Person) -> None:
    leg = {name: FORM[name] for name in ("strategy", "symbol", "timeframe")}
    shared = {name: FORM[name] for name in ("exchange", "since", "until")}
    for form, code, field in (
        ({**FORM, "legs": [leg]}, "legs_or_one_strategy", "legs"),
        ({**shared, "legs": []}, "too_many_legs", "legs"),
        ({**shared, "legs": [leg] * 9}, "too_many_legs", "legs"),
        ({**shared, "legs": [leg, {**leg, "symbol": "ETH/BTC"}]}, "legs_of_different_quotes", "legs.1.symbol"),
        ({**shared, "legs": [{**leg, "luck": 1}]}, "unknown_field", "legs.0.luck"),
        ({**shared, "symbol": "BTC/USDT", "timeframe": "4h"}, "missing", "strategy"),
        (shared, "missing", "strategy"),
    ):
        answer = await alice.web.post("/api/backtests/", json=form)
        told = answer.json()["error"]
        assert (answer.status_code, told["code"], told["field"]) == (422, code, field), answer.text
    single = await alice.web.post("/api/backtests/", json={**shared, "legs": [{**leg, "allotted": "500"}]})
    assert (single.status_code, len(single.json()["legs"]), single.json()["legs"][0]["allotted"]) == (201, 1, "500")
