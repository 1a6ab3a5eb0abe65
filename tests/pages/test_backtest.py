"""The backtest page: asked for in a form, told while it runs, read when it is done, compared, and closed to who only looks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from nicegui import ui
from nicegui.elements.upload_files import SmallFileUpload
from nicegui.testing import User

from aristobot.candle_files import CandleFiles
from aristobot.candle_series import CandleSeries
from aristobot.exchange import Fees
from aristobot.kinds import BacktestStatus, Role
from aristobot.market import Timeframe
from aristobot.research_events import BacktestFinished, BacktestProgressed
from aristobot.store.tenancy import SYSTEM
from aristobot.templates import template
from components.candle_import import plain_name
from components.run_progress import RunProgress
from services.app import App
from tests.backtesting import an_instrument, real_history
from tests.builders import list_instruments
from tests.house import ROOT
from tests.pages.visitors import a_known_broker, a_resident, come_in, until

THRESHOLDS = """
class Thresholds(Strategy):
    timeframe = "1h"

    def hyperparameters(self):
        return [{"name": "depth", "type": float, "min": 0.5, "max": 40, "default": 35},
                {"name": "least", "type": float, "min": 1.5, "default": 2},
                {"name": "share", "type": float, "options": [0.25, 1.0], "default": 0.25}]

    def should_long(self):
        return False
"""


@pytest.fixture
async def working(app: App) -> AsyncIterator[None]:
    """The workers, and 500 real candles of four hours in the store."""
    series = CandleSeries("binance", "BTC/USDT", Timeframe.H4)
    CandleFiles(app.settings.data_dir).merge(series, real_history("BTCUSDT").candles, app.clock.now())
    running = asyncio.create_task(app.backtester.queue.run())
    yield
    running.cancel()
    await asyncio.wait({running})


def one(screen: User, mark: str) -> Any:
    """The element with this mark."""
    return next(iter(screen.find(mark).elements))


def kinds(screen: User, kind: type[Any]) -> list[Any]:
    """Every element of a kind that is shown."""
    assert screen.client is not None
    return [found for found in screen.client.elements.values() if isinstance(found, kind) and found.visible]


def shown(screen: User, mark: str) -> bool:
    """Whether the element with this mark is to be seen."""
    assert screen.client is not None
    return any(found.visible for found in screen.client.elements.values() if mark in found._markers)


async def filled_in(screen: User) -> None:
    """Choose the span of the candles that are there."""
    await until(lambda: screen.client is not None and "parameter-fast" in _marks(screen))
    for mark, value in (("bt-timeframe", "4h"), ("bt-since", "2023-12-01"), ("bt-until", "2024-06-01")):
        one(screen, mark).set_value(value)
    one(screen, "parameter-fast").set_value("5")
    one(screen, "parameter-slow").set_value("20")


async def at_the_form(screen: User, app: App) -> Any:
    """Somebody who has the form before them, with that span."""
    who = await a_resident(app)
    await come_in(screen, app, who)
    await screen.open("/backtest")
    await filled_in(screen)
    return who


def _marks(screen: User) -> set[str]:
    assert screen.client is not None
    return {mark for found in screen.client.elements.values() for mark in found._markers}


async def run_once(screen: User, app: App, who: Any) -> None:
    """Press the button and wait for the report."""
    before = len([row for row in await app.backtester.recent(who.id) if row.status is BacktestStatus.DONE])
    one(screen, "bt-fetch").set_value(False)
    screen.find("bt-run").click()
    async with asyncio.timeout(15):
        while len([row for row in await app.backtester.recent(who.id) if row.status is BacktestStatus.DONE]) == before:
            await asyncio.wait({asyncio.ensure_future(asyncio.to_thread(lambda: None))})


async def test_a_run_is_asked_for_told_and_read(screen: User, app: App, working: None) -> None:
    who = await a_resident(app)
    await come_in(screen, app, who)
    await screen.open("/backtest")
    await screen.should_see("Aucun rapport ouvert")
    await screen.should_see("Aucun test pour l’instant")
    await filled_in(screen)
    await screen.should_see("Bougies sur place")
    await run_once(screen, app, who)
    await until(lambda: len(kinds(screen, ui.echart)) == 3)
    await screen.should_see("Aucun regard sur le futur")
    await screen.should_see("Rendement")
    await screen.should_see("Opérations closes")
    await until(lambda: not kinds(screen, RunProgress))
    screen.find("save-csv").click()
    saved = await screen.download.next()
    assert saved.content.startswith("\ufeffsymbol,opened_at".encode())

    one(screen, "parameter-fast").set_value("8")
    await run_once(screen, app, who)
    await screen.should_see("2 variantes ont été essayées")
    for row in await app.backtester.recent(who.id):
        one(screen, f"tick-{row.id}").set_value(True)
    screen.find("bt-compare").click()
    await screen.should_see("Côte à côte")


async def test_a_users_own_strategy_is_chosen_by_its_address_and_opens_in_the_editor(
    screen: User, app: App, working: None
) -> None:
    who = await a_resident(app)
    mine = await app.strategies.create(who.id, "Mon croisement", template("ema_cross").text)
    await come_in(screen, app, who)
    await screen.open(f"/backtest?strategy={mine.id}")
    await filled_in(screen)
    await run_once(screen, app, who)
    await screen.should_see("Mon croisement sur BTC/USDT")
    screen.find(f"pin-{(await app.backtester.recent(who.id))[0].id}").click()
    await until(lambda: any("bt-pinned" in found.classes for found in kinds(screen, ui.button)))
    (row,) = await app.backtester.recent(who.id)
    assert row.strategy_version_id is not None
    assert one(screen, "edit").text == "Ouvrir dans l’éditeur"
    assert await app.backtester.sources.strategy_of(who.id, row.strategy_version_id) == mine.id


async def test_what_a_strategy_draws_is_seen_over_the_candles_and_below_them(screen: User, app: App, working: None) -> None:
    who = await a_resident(app)
    drawing = "\n    def update_chart(self):\n        self.add_line_to_candle_chart('Close', self.close)\n"
    drawing += "        self.add_extra_line_chart('Volume seul', 'Volume', self.volume, 'purple')\n"
    await app.strategies.create(who.id, "Dessins", template("ema_cross").text.rstrip() + "\n" + drawing)
    await come_in(screen, app, who)
    await screen.open("/backtest?strategy=Dessins")
    await filled_in(screen)
    await run_once(screen, app, who)
    await screen.should_see("Volume seul")
    charts = kinds(screen, ui.echart)
    lines = [[one["name"] for one in chart.options["series"] if one["type"] == "line"] for chart in charts]
    assert lines[1:3] == [["Close"], ["Volume"]]
    assert len(charts) == 4


async def test_numbers_stand_as_they_are_typed_here(screen: User, app: App, working: None) -> None:
    who = await a_resident(app)
    await come_in(screen, app, who)
    await app.strategies.create(who.id, "Seuils", THRESHOLDS)
    await screen.open("/backtest?strategy=Seuils")
    await until(lambda: "parameter-depth" in _marks(screen))
    depth = one(screen, "parameter-depth")
    assert (depth.value, depth.props["hint"]) == ("35", "0,5 – 40")
    assert one(screen, "parameter-least").props["hint"] == "≥ 1,5"
    assert one(screen, "parameter-share").options == {0.25: "0,25", 1.0: "1"}
    for value in ("a lot", "nan", "1e999", "", "0,4"):
        depth.set_value(value)
        screen.find("bt-run").click()
        await until(lambda: bool(depth.error))
        depth.set_value("35")
        depth.error = None
    assert await app.backtester.recent(who.id) == []
    depth.set_value("1,5")
    one(screen, "bt-cash").set_value("10 000,50")
    one(screen, "bt-fetch").set_value(False)
    screen.find("bt-run").click()
    await screen.should_see("depth 1,5, least 2, share 0,25")
    (row,) = await app.backtester.recent(who.id)
    assert (row.parameters, row.cash) == ({"depth": 1.5, "least": 2.0, "share": 0.25}, Decimal("10000.50"))


async def test_the_form_says_which_fees_count_and_gives_those_of_the_account(screen: User, app: App) -> None:
    who = await a_resident(app)
    broker = await a_known_broker(app, who, exchange="binance", name="Main")
    listed = msgspec.structs.replace(an_instrument(), maker_fee=Decimal("0.001"), taker_fee=Decimal("0.0015"))
    await app.db.write(SYSTEM, lambda s: list_instruments(s, "binance", [listed], app.clock.now()))
    await app.floor.brokers.load()
    await come_in(screen, app, who)
    await screen.open("/backtest")
    await until(lambda: "0,15" in one(screen, "bt-fees").text)
    assert "0,1\u00a0%" in one(screen, "bt-fees").text
    assert not shown(screen, "bt-own-fees")
    account = await app.floor.brokers.owned(who.id, broker.id)
    app.floor.fees.believe(account, "BTC/USDT", Fees(Decimal("-0.0001"), Decimal("0.0008")))
    one(screen, "bt-symbol").set_value("NONE/USDT")
    await until(lambda: "compté" in one(screen, "bt-fees").text)
    one(screen, "bt-symbol").set_value("BTC/USDT")
    await until(lambda: shown(screen, "bt-own-fees"))
    screen.find("bt-own-fees").click()
    await until(lambda: one(screen, "bt-taker").value == "0,08")
    assert one(screen, "bt-maker").value == "0"


async def test_progress_that_is_told_after_the_end_does_not_come_back(screen: User, app: App) -> None:
    who = await a_resident(app)
    await come_in(screen, app, who)
    await screen.open("/backtest")
    await screen.should_see("Aucun test pour l’instant")
    run, other = uuid.uuid4(), uuid.uuid4()
    told: dict[str, Any] = {"at": app.clock.now(), "user_id": who.id, "seconds_left": None}
    app.bus.publish(BacktestProgressed(**told, backtest_id=run, stage="playing", done=0.5))
    await screen.should_see("Rejoue bougie après bougie")
    app.bus.publish(BacktestProgressed(**told, backtest_id=run, stage="checking", done=1.0))  # held back for a moment
    app.bus.publish(BacktestFinished(at=app.clock.now(), user_id=who.id, backtest_id=run, status="done"))
    await until(lambda: not kinds(screen, RunProgress))
    app.bus.publish(BacktestProgressed(**told, backtest_id=run, stage="checking", done=1.0))
    app.bus.publish(BacktestProgressed(**told, backtest_id=other, stage="candles", done=0.2))
    await screen.should_see("Télécharge les bougies manquantes")
    await screen.should_not_see("regard sur le futur")


async def test_a_second_leg_is_added_played_and_told_beside_the_whole(screen: User, app: App, working: None) -> None:
    history = real_history("SOLUSDT")
    CandleFiles(app.settings.data_dir).merge(CandleSeries("binance", "SOL/USDT", Timeframe.H4), history.candles, app.clock.now())
    who = await at_the_form(screen, app)
    assert not shown(screen, "bt-allotted")
    screen.find("add-leg").click()
    await until(lambda: "leg1-parameter-fast" in _marks(screen))
    assert shown(screen, "bt-allotted")
    await screen.should_see("Volet 2")
    one(screen, "leg1-symbol").set_value("SOL/BTC")
    one(screen, "leg1-timeframe").set_value("4h")
    screen.find("bt-run").click()
    await until(lambda: one(screen, "leg1-symbol").error)
    one(screen, "leg1-symbol").set_value("SOL/USDT")
    one(screen, "leg1-allotted").set_value("20 000")
    screen.find("bt-run").click()
    await until(lambda: one(screen, "leg1-allotted").error)
    one(screen, "leg1-allotted").set_value("2 500,5")
    one(screen, "leg1-parameter-fast").set_value("8")
    await run_once(screen, app, who)
    await screen.should_see("Volet par volet")
    await screen.should_see("sur BTC/USDT · 4h et 1 de plus")
    (row,) = await app.backtester.recent(who.id)
    assert row.further is not None
    (leg,) = row.further
    assert (leg["symbol"], leg["allotted"], leg["parameters"]["fast"]) == ("SOL/USDT", "2500.5", 8)
    drawn = [found for found in kinds(screen, ui.echart) if "candlestick" in str(found.options["series"])]
    one(screen, "bt-which-leg").set_value(1)
    await until(lambda: [found for found in kinds(screen, ui.echart) if "SOL/USDT" in str(found.options["series"])] != [])
    assert len(drawn) == 1
    screen.find("leg1-remove").click()
    await until(lambda: "leg1" not in _marks(screen))
    assert not shown(screen, "bt-allotted")


async def test_an_older_version_of_a_strategy_is_tried(screen: User, app: App, working: None) -> None:
    who = await a_resident(app)
    mine = await app.strategies.create(who.id, "Mon croisement", template("ema_cross").text)
    newer = template("ema_cross").text.replace("slow", "sluggish")
    await app.strategies.save(who.id, mine.id, newer)
    first = (await app.backtester.sources.versions(who.id, mine.id))[-1]
    await come_in(screen, app, who)
    await screen.open(f"/backtest?strategy={mine.id}")
    await until(lambda: screen.client is not None and "parameter-sluggish" in _marks(screen))
    one(screen, "bt-version").set_value(str(first.id))
    await until(lambda: "parameter-slow" in _marks(screen))
    await filled_in(screen)
    await run_once(screen, app, who)
    (row,) = await app.backtester.recent(who.id)
    assert row.strategy_version_id == first.id


async def test_what_cannot_be_is_told_at_its_field(screen: User, app: App, working: None) -> None:
    who = await at_the_form(screen, app)
    one(screen, "parameter-fast").set_value("9999")
    screen.find("bt-run").click()
    await until(lambda: one(screen, "parameter-fast").error)
    one(screen, "parameter-fast").set_value("5")
    one(screen, "bt-until").set_value("2023-01-01")
    screen.find("bt-run").click()
    await until(lambda: one(screen, "bt-since").error)
    assert await app.backtester.recent(who.id) == []


async def test_a_run_without_candles_says_why_and_one_is_cancelled(screen: User, app: App, working: None) -> None:
    await at_the_form(screen, app)
    one(screen, "bt-symbol").set_value("ETH/USDT")
    one(screen, "bt-fetch").set_value(False)
    screen.find("bt-run").click()
    await screen.should_see("Ce test n’a pas de rapport")
    await screen.should_see("Échec")


def test_a_files_name_leads_nowhere_else() -> None:
    names = ("../../etc/x.csv", "/mine.csv", "..//mine.csv", "C:\\Users\\mine.csv", "..", "", "a\0b.csv", f"{'x' * 300}.csv.gz")
    plain = [plain_name(name) for name in names]
    assert plain[:7] == ["x.csv", "mine.csv", "mine.csv", "mine.csv", "candles.csv", "candles.csv", "a_b.csv"]
    assert (len(plain[7]), plain[7].endswith("x.csv.gz")) == (120, True)


async def test_candles_are_brought_in_from_a_file_and_a_fault_is_named_with_its_line(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/backtest")
    await until(lambda: screen.client is not None and "parameter-fast" in _marks(screen))
    screen.find("candle-file").click()
    await until(lambda: "import-file" in _marks(screen))
    assert (one(screen, "import-exchange").value, one(screen, "import-symbol").value) == ("binance", "BTC/USDT")
    one(screen, "import-symbol").set_value("eth/usdt")
    upload = one(screen, "import-file")
    head, hour = "time,open,high,low,close,volume\n", 3_600_000
    rows = [f"{1_703_923_200_000 + at * hour},100,102,99,101,7\n" for at in (0, 1, 2, 5)]

    async def give(name: str, text: str) -> None:
        await upload.handle_uploads([SmallFileUpload(name=name, content_type="text/csv", _data=text.encode())])

    await give("..//mine.csv", head + rows[0] + rows[1].replace("102", "x"))
    await screen.should_see("Ligne 3")
    await give("one.csv", head + rows[0])
    await screen.should_see("Choisissez l’unité de temps ci-dessus")
    await give("mine.csv", head + "".join(rows))
    await screen.should_see("binance ETH/USDT 1h\u00a0: 4 bougies lues, dont 4 nouvelles. Manquantes entre elles\u00a0: 2.")
    (summary,) = await app.library.listing()
    assert (summary.series.symbol, summary.candles) == ("ETH/USDT", 4)


async def test_who_only_looks_sees_everything_and_runs_nothing(screen: User, app: App, working: None) -> None:
    await come_in(screen, app, await a_resident(app, "vera", role=Role.VIEWER))
    await screen.open("/backtest")
    await screen.should_see("Aucun test pour l’instant")
    assert not one(screen, "bt-run").enabled
    assert not one(screen, "candle-file").enabled


def test_the_house_starts_without_numpy() -> None:
    program = "import sys, pages, services.app; pages.load(); sys.exit('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
