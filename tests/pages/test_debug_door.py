"""Debug mode: whoever sits at this machine is `dev`; whoever comes from anywhere else finds the ordinary door."""

from __future__ import annotations

import pytest
from nicegui.testing import User

from aristobot.kinds import Role
from aristobot.settings import Settings
from services.app import App
from tests.pages.visitors import COOKIE


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The debug mode is on, and alerts come in by a public name."""
    return settings.model_copy(update={"debug": True, "webhook_public_url": "https://alerts.example.org"})


@pytest.fixture
async def dev(app: App) -> None:
    """The start has made the user."""
    await app.accounts.prepare()


@pytest.mark.usefixtures("dev")
async def test_at_this_machine_one_is_dev_with_a_red_badge(screen: User, app: App) -> None:
    answer = await screen.http_client.get("/auth/arrive")
    assert (answer.status_code, answer.headers["location"]) == (303, "/webhooks")
    assert COOKIE in screen.http_client.cookies
    await screen.open("/webhooks")
    await screen.should_see("DEBUG")
    user = await app.accounts.household.by_name("dev")
    assert user is not None
    assert user.role is Role.ADMINISTRATOR


@pytest.mark.usefixtures("dev")
@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP"],
)
async def test_what_a_proxy_passes_on_meets_the_ordinary_door(screen: User, header: str) -> None:
    answer = await screen.http_client.get("/auth/arrive", headers={header: "127.0.0.1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=/webhooks")
    assert COOKIE not in screen.http_client.cookies


@pytest.mark.usefixtures("dev")
async def test_a_tunnel_under_the_public_name_meets_the_ordinary_door(screen: User) -> None:
    answer = await screen.http_client.get("/auth/arrive", headers={"Host": "alerts.example.org"})
    assert answer.headers.get("location", "") != "/webhooks"
    assert COOKIE not in screen.http_client.cookies


@pytest.mark.usefixtures("dev")
async def test_another_site_cannot_lead_a_browser_through_the_debug_door(screen: User) -> None:
    answer = await screen.http_client.get("/auth/arrive", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["location"] == "/login?to=/webhooks"


@pytest.mark.usefixtures("dev")
async def test_who_types_the_address_of_the_house_comes_in_without_knowing_of_a_door(screen: User) -> None:
    answer = await screen.http_client.get("/heartbeat", follow_redirects=True)
    assert [one.headers["location"] for one in answer.history] == [
        "/login?to=/heartbeat",
        "/auth/arrive?to=/heartbeat",
        "/heartbeat",
    ]


@pytest.mark.usefixtures("dev")
@pytest.mark.parametrize("header", [{"Sec-Fetch-Site": "cross-site"}, {"X-Forwarded-For": "127.0.0.1"}])
async def test_whom_the_door_would_refuse_is_not_sent_round_in_circles(screen: User, header: dict[str, str]) -> None:
    answer = await screen.http_client.get("/login?to=/heartbeat", headers=header)
    assert answer.status_code == 200


@pytest.mark.usefixtures("dev")
async def test_who_has_logged_out_is_asked_before_they_come_in_again(screen: User) -> None:
    await screen.open("/login")
    await screen.should_see("Entrer en tant que dev")
