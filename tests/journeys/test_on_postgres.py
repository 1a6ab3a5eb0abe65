"""The whole round once more on PostgreSQL: the first login, a broker, an alert, its position, and its lines in the log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.journeys.conftest import OpenBrowser
from tests.journeys.house import Exchange, Home, a_home
from tests.journeys.memory import an_empty_database
from tests.journeys.test_first_day import ALERTS, POSITIONS, add_broker, move_in, post, row, take_address

pytestmark = [pytest.mark.browser, pytest.mark.postgres, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def home(postgres_server: sa.Engine, tmp_path: Path, exchange: Exchange) -> Iterator[Home]:
    """An Aristobot on an empty database that is gone afterwards."""
    with an_empty_database(postgres_server) as address:
        options = ["--database-url", address]
        with a_home(tmp_path / "data", options, exchange.settings) as running:
            yield running


async def test_a_whole_round_is_the_same_on_postgresql(home: Home, exchange: Exchange, visit: OpenBrowser) -> None:
    page = await visit(home.url)
    await move_in(page, home)
    await add_broker(page, exchange)
    address = await take_address(page)
    assert not (home.folder / "aristobot.db").exists()

    await page.goto("/webhooks")
    await page.get_by_text("Aucune position ouverte").wait_for()
    await post(address, Action="BuyMarket", Symbol="BTCUSDT", PourCent=25, PrixSL="-2%", PrixTP="+3%", id="one")
    await row(page, ALERTS, "BuyMarket").get_by_text("Exécutée").wait_for()
    held = row(page, POSITIONS, "BTC/USDT")
    await held.get_by_text("Exchange").wait_for()

    await page.goto("/log")
    await row(page, "Lignes", "ended: processed ordered").first.wait_for()
    await page.goto("/manual-trading")
    await page.get_by_role("button", name="Clôturer la position sur BTC/USDT").click()
    await page.get_by_role("dialog").get_by_role("button", name="Clôturer").click()
    await page.get_by_text("Aucune position ouverte").wait_for()
    await page.goto("/webhooks")
    await page.get_by_text("Aucune position ouverte").wait_for()
