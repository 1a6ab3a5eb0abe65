"""The front door: the first administrator, wrong and right passwords, and where one arrives."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from nicegui import ui
from nicegui.testing import User

from aristobot.clock import ManualClock
from aristobot.kinds import Role
from aristobot.store import audit
from aristobot.store.tenancy import SYSTEM
from components import shell
from components.entrance import Entrance, own_path
from services.app import App
from services.household import NewUser
from tests.pages.visitors import COOKIE, a_resident, come_in, until
from tests.services.entrance import HAND, PASSWORD


async def fill(screen: User, **fields: str) -> None:
    for marker, text in fields.items():
        screen.find(marker=marker).clear().type(text)
    screen.find("submit").click()


async def test_the_first_administrator_comes_in_with_the_code_of_the_console(screen: User, app: App) -> None:
    code = await app.accounts.announce_first_admin()
    await screen.open("/")
    await screen.should_see("créez le premier administrateur")
    await fill(screen, name="Camille", password=PASSWORD, again=PASSWORD, code="00000000")
    await screen.should_see(marker="fault")
    assert await app.accounts.needs_first_admin()
    await fill(screen, name="Camille", password=PASSWORD, again=PASSWORD, code=code)
    await screen.should_see("Brokers")
    [camille] = await app.accounts.household.everyone()
    assert (camille.name, camille.role) == ("Camille", Role.ADMINISTRATOR)


async def test_two_different_passwords_are_noticed_before_anything_is_created(screen: User, app: App) -> None:
    code = await app.accounts.announce_first_admin()
    await screen.open("/login")
    await fill(screen, name="Camille", password=PASSWORD, again=PASSWORD + "!", code=code)
    await screen.should_see("Les deux mots de passe sont différents.")
    assert await app.accounts.needs_first_admin()


async def test_a_weak_password_is_refused_with_its_cure(screen: User, app: App) -> None:
    code = await app.accounts.announce_first_admin()
    await screen.open("/login")
    await fill(screen, name="Camille", password="short", again="short", code=code)
    await screen.should_see("12")
    assert await app.accounts.needs_first_admin()


async def test_a_wrong_password_says_so_and_the_right_one_opens_the_page_that_was_asked_for(screen: User, app: App) -> None:
    await app.accounts.household.add(NewUser("Alice", PASSWORD), HAND)
    await screen.open("/statistics")
    await screen.should_see("Se connecter")
    await fill(screen, name="Alice", password="not the password", code="")
    await screen.should_see(marker="fault")
    await screen.should_not_see("En préparation")
    await fill(screen, name="Alice", password=PASSWORD, code="")
    await screen.should_see("En préparation")
    assert screen.http_client.cookies.get(COOKIE)


async def test_the_eye_shows_and_hides_the_password_and_says_which(screen: User, app: App) -> None:
    await app.accounts.household.add(NewUser("Alice", PASSWORD), HAND)
    await screen.open("/login")
    [password] = screen.find(marker="password").elements
    [eye] = screen.find(marker="eye").elements
    assert isinstance(eye, ui.button)  # what Tab reaches, and Enter and the space bar press
    for kind, pressed in (("password", "false"), ("text", "true"), ("password", "false")):
        assert (password.props["type"], eye.props["aria-pressed"]) == (kind, pressed)
        assert eye.props["aria-label"] == "Afficher ce qui est saisi"
        screen.find(marker="eye").click()


async def test_the_login_leads_to_paths_of_ours_alone(screen: User, app: App) -> None:
    alice = await a_resident(app)
    await come_in(screen, app, alice)
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        answer = await screen.http_client.get("/login", params={"to": target})
        assert (answer.status_code, answer.headers["location"]) == (303, "/webhooks")


async def test_a_ticket_works_once_and_not_when_another_site_leads_to_it(user: User, app: App) -> None:
    entrance = Entrance(app.clock, app.accounts.sign_in, COOKIE)
    shell.mount(app, entrance, hosts={"test"})
    alice = await a_resident(app)
    web = user.http_client
    foreign = entrance.address_for(await app.accounts.sessions.open(alice))
    answer = await web.get(foreign, headers={"sec-fetch-site": "cross-site"})
    assert (answer.headers["location"], COOKIE in web.cookies) == ("/login", False)
    ours = entrance.address_for(await app.accounts.sessions.open(alice), "/statistics")
    assert (await web.get(ours)).headers["location"] == "/statistics"
    assert COOKIE in web.cookies
    assert (await web.get(ours)).headers["location"] == "/login"


async def test_a_ticket_is_worth_nothing_after_half_a_minute(user: User, app: App, clock: ManualClock) -> None:
    entrance = Entrance(clock, app.accounts.sign_in, COOKIE)
    shell.mount(app, entrance, hosts={"test"})
    address = entrance.address_for(await app.accounts.sessions.open(await a_resident(app)))
    await clock.advance(31)
    assert (await user.http_client.get(address)).headers["location"] == "/login"


async def test_logging_out_sends_the_page_to_the_door(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    client = await screen.open("/webhooks")
    screen.find("logout").click()
    await until(lambda: client.is_deleted)
    await screen.open("/webhooks")
    await screen.should_see("Se connecter")
    assert "sign_out" in [entry.action for entry in await app.db.read(SYSTEM, audit.recent)]


async def test_the_debug_door_stays_shut_in_an_ordinary_house(screen: User, app: App) -> None:
    await a_resident(app, name="dev")
    answer = await screen.http_client.get("/auth/arrive")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=/webhooks")
    assert COOKIE not in screen.http_client.cookies


async def test_after_the_door_one_stands_where_one_wanted_to_be_with_all_that_was_asked_for(screen: User, app: App) -> None:
    wanted = "/backtest?part=search&strategy=Caf%C3%A9%20%26%20co"
    answer = await screen.http_client.get(wanted, headers={"accept": "text/html"})
    assert answer.status_code == 303
    (to,) = parse_qs(urlsplit(answer.headers["location"]).query)["to"]
    assert own_path(to) == to == wanted
    answer = await screen.http_client.get("/backtest?part=" + "x" * 5000, headers={"accept": "text/html"})
    assert answer.headers["location"] == "/login?to=/backtest"
