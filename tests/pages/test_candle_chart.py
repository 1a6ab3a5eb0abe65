"""The chart of candles: what stands on it, what travels when a bar moves, and where marks are drawn."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User

from aristobot.market import Candle, Timeframe
from aristobot.orders import Side
from components.candle_chart import CandleChart
from components.chart_marks import FillMark, LineKind, PriceLine
from services.app import App
from tests.builders import MIDNIGHT
from tests.pages.visitors import a_resident, come_in, until

M1 = Timeframe.M1
MINUTE = timedelta(minutes=1)


def bar(number: int, close: str, *, closed: bool = True) -> Candle:
    """A minute that opens at 100 and ends at `close`."""
    end = Decimal(close)
    figures = [Decimal(100), max(end, Decimal(101)), min(end, Decimal(99)), end, Decimal("2.5")]
    return Candle.of("BTC/USDT", M1, MIDNIGHT + number * MINUTE, figures, closed=closed)


class Chart(CandleChart):
    """A chart that tells what it would send."""

    def __init__(self) -> None:
        super().__init__("Chart")
        self.sent: list[dict[str, Any]] = []

    def run_chart_method(self, name: str, *args: Any, timeout: float = 1) -> Any:
        """Note the change."""
        assert name == "setOption"
        self.sent.append(args[0])

    def series(self, name: str) -> dict[str, Any]:
        """One series of the options, as a newly opened page would get it."""
        return next(one for one in self.options["series"] if one["id"] == name)


@pytest.fixture
async def chart(screen: User, app: App) -> Chart:
    """A chart with ten bars on an open page."""
    await come_in(screen, app, await a_resident(app))
    client = await screen.open("/statistics")
    with client, ui.element("div"):
        drawn = Chart()
    drawn.load("BTC/USDT", M1, [bar(number, "100.25") for number in range(10)])
    await until(lambda: drawn.id not in client.outbox.updates)  # it has left for the browser
    return drawn


async def test_a_bar_that_moves_travels_alone(chart: Chart) -> None:
    assert chart.push(bar(9, "100.5", closed=False))

    [change] = chart.sent
    moved = {one["id"]: one for one in change["series"]}
    assert set(moved) == {"live", "live-volume"}
    assert "xAxis" not in change
    assert moved["live"]["data"] == [[9, 100.0, 100.5, 99.0, 101.0]]
    assert moved["live"]["markLine"]["data"][0]["yAxis"] == 100.5
    assert len(str(change)) < 500
    assert chart.series("live")["data"] == moved["live"]["data"]


async def test_a_new_bar_settles_the_one_before_and_the_view_stays_where_it_was(chart: Chart) -> None:
    chart.push(bar(10, "99.5", closed=False))

    [change] = chart.sent
    assert "dataZoom" not in change
    assert len(change["xAxis"]["data"]) == 11
    assert len(chart.series("candles")["data"]) == 10
    assert chart.series("live")["data"] == [[10, 100.0, 99.5, 99.0, 101.0]]
    assert chart.series("live-volume")["data"] == [[10, 2.5, 0]]


async def test_candles_of_another_symbol_or_timeframe_and_late_ones_are_passed_over(chart: Chart) -> None:
    before = chart.bars
    other = Candle.of("ETH/USDT", M1, MIDNIGHT + 20 * MINUTE, [Decimal(1)] * 5, closed=True)
    longer = Candle.of("BTC/USDT", Timeframe.M5, MIDNIGHT + 20 * MINUTE, [Decimal(1)] * 5, closed=True)

    assert not any(chart.push(one) for one in (other, longer, bar(3, "101", closed=False), bar(3, "100.25")))
    assert chart.bars == before
    assert chart.sent == []


async def test_the_last_word_on_a_bar_may_come_after_the_first_one_on_the_next(chart: Chart) -> None:
    chart.push(bar(10, "100.5", closed=False))
    chart.push(bar(11, "100.5", closed=False))
    assert chart.push(bar(10, "100.75"))
    assert not chart.push(bar(10, "100.75"))

    assert chart.series("candles")["data"][10][2] == 100.75
    assert [one.open_ms for one in chart.bars] == sorted(one.open_ms for one in chart.bars)


async def test_the_oldest_bars_go_when_there_are_too_many(chart: Chart) -> None:
    chart.load("BTC/USDT", M1, [bar(number, "100.25") for number in range(10, 595)])
    for number in range(595, 700):
        chart.push(bar(number, "100.25"))

    assert len(chart.bars) == 600
    assert chart.options["xAxis"]["data"][0] == chart.bars[0].open_ms
    assert len(chart.series("candles")["data"]) == 599


async def test_orders_levels_and_fills_stand_where_they_belong(chart: Chart) -> None:
    bought = FillMark(Side.BUY, MIDNIGHT + 4 * MINUTE + timedelta(seconds=30), Decimal("100.1"), "Achat 0,01")
    unseen = FillMark(Side.SELL, MIDNIGHT - MINUTE, Decimal(90))
    near, far = PriceLine(LineKind.STOP, Decimal(98), "SL"), PriceLine(LineKind.TARGET, Decimal(150), "TP")
    chart.annotate([near, far], [bought, unseen])

    [mark] = chart.series("fills")["data"]
    assert mark["value"] == [4, 100.1]
    lines = chart.series("lines")
    assert [one["yAxis"] for one in lines["markLine"]["data"]] == [98.0, 150.0]
    assert lines["data"] == [[9, 98.0]]  # the scale reaches the near one alone
    assert lines["markLine"]["label"]["formatter"] == "{b}"  # each is called by its name


async def test_marks_stay_through_another_timeframe_and_go_with_another_symbol(chart: Chart) -> None:
    chart.annotate([PriceLine(LineKind.ENTRY, Decimal(100), "Entrée")])
    chart.load("BTC/USDT", M1, [bar(1, "100")])
    assert len(chart.series("lines")["markLine"]["data"]) == 1

    chart.load("ETH/USDT", M1, [])
    assert chart.series("lines")["markLine"]["data"] == []
    assert chart.series("live")["data"] == []


async def test_a_chart_that_is_still_on_its_way_travels_whole(chart: Chart) -> None:
    chart.load("BTC/USDT", M1, [bar(0, "100.25")])
    chart.push(bar(0, "100.75", closed=False))

    assert chart.sent == []
    assert chart.series("live")["data"][0][2] == 100.75


async def test_the_only_candle_of_a_market_just_listed_says_how_fine_its_prices_are(chart: Chart) -> None:
    figures = [Decimal(one) for one in ("0.2", "0.20031", "0.19", "0.2", "5")]
    chart.load("NEW/USDT", M1, [Candle.of("NEW/USDT", M1, MIDNIGHT, figures, closed=False)])
    fine = chart.options["yAxis"][0]
    figures[1] = Decimal("0.21")
    chart.load("NEW/USDT", M1, [Candle.of("NEW/USDT", M1, MIDNIGHT, figures, closed=False)])
    assert fine != chart.options["yAxis"][0]
