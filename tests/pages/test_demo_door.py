"""In the demo a link deep into the house opens like the front page: whoever sits at this machine is `demo`."""

from __future__ import annotations

import pytest
from nicegui.testing import User

from aristobot.settings import Settings
from services.app import App
from tests.pages.visitors import COOKIE


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The demo."""
    return settings.model_copy(update={"demo": True})


async def test_a_deep_link_opens_its_own_page(screen: User, app: App) -> None:
    await app.accounts.prepare()
    answer = await screen.http_client.get("/account", follow_redirects=True)
    assert [one.headers["location"] for one in answer.history] == ["/login?to=/account", "/auth/arrive?to=/account", "/account"]
    assert COOKIE in screen.http_client.cookies
    await screen.open("/account")
    await screen.should_see("DEMO")


async def test_from_elsewhere_the_demo_asks_for_a_name(screen: User, app: App) -> None:
    await app.accounts.prepare()
    answer = await screen.http_client.get("/account", headers={"X-Forwarded-For": "192.168.1.9"}, follow_redirects=True)
    assert str(answer.url).endswith("/login?to=/account")
    assert COOKIE not in screen.http_client.cookies
