"""The fence: whose request, whose socket, whose event. NiceGUI alone would let every one of these in."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from nicegui import Client, core
from nicegui.testing import User

from aristobot.clock import ManualClock, SystemClock
from components.guard import FAREWELL, Guard, viewer_of
from components.hardening import Hardening, host_name, is_address, names_at_home
from components.patience import BURST, Patience
from services.app import App
from tests.pages.visitors import COOKIE, a_resident, come_in, until


async def test_every_page_is_closed_until_somebody_logs_in(screen: User, app: App) -> None:
    await a_resident(app)
    for path in ("/", "/webhooks", "/account", "/nobody-thought-of-this", "/docs", "/openapi.json"):
        answer = await screen.http_client.get(path)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login"), path
    answer = await screen.http_client.post("/webhooks")
    assert answer.status_code == 401


async def test_a_made_up_cookie_opens_nothing(screen: User, app: App) -> None:
    await a_resident(app)
    screen.http_client.cookies.set(COOKIE, "made-up")
    assert (await screen.http_client.get("/webhooks")).status_code == 303


@pytest.mark.parametrize("stranger", ["a/b=c", "{theme}=1", 'list=[{"a": 1}]; x', "garbage"])
async def test_cookies_of_another_program_on_this_host_keep_nobody_out(screen: User, app: App, stranger: str) -> None:
    opened = await come_in(screen, app, await a_resident(app))
    screen.http_client.cookies.clear()
    for cookies in (f"{stranger}; {COOKIE}={opened.token}", f"{COOKIE}={opened.token}; {stranger}"):
        assert (await screen.http_client.get("/webhooks", headers={"cookie": cookies})).status_code == 200
    assert (await screen.http_client.get("/login", headers={"cookie": stranger})).status_code == 200


@pytest.mark.parametrize("path", ["/login", "/webhooks", "/_nicegui/nothing"])
async def test_every_answer_carries_the_headers_that_confine_a_page(screen: User, app: App, path: str) -> None:
    headers = (await screen.http_client.get(path)).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "no-store" in headers["cache-control"]


async def test_a_name_that_is_not_ours_is_not_answered(screen: User, app: App) -> None:
    for host, status in {"evil.example": 421, "test.evil.example": 421, "192.168.1.7:8080": 200, "[::1]:8080": 200}.items():
        answer = await screen.http_client.get("/login", headers={"host": host})
        assert answer.status_code == status, host


async def test_no_proxy_makes_a_strangers_name_ours() -> None:
    statuses: list[int] = []

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    async def nothing() -> None:
        return None

    fence = Hardening(nothing, hosts=["home.example"])  # type: ignore[arg-type]  # it is never asked
    headers = [(b"host", b"evil.example"), (b"x-forwarded-for", b"203.0.113.9")]
    await fence({"type": "http", "path": "/login", "headers": headers, "client": ("127.0.0.1", 1)}, nothing, send)  # type: ignore[arg-type]  # nothing is read
    assert statuses[0] == 421


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("Nas:8080", 200),
        ("nas.local:8080", 200),
        ("NAS.local.", 200),
        ("nas.lan", 200),
        ("nas.home", 200),
        ("nas.home.arpa", 200),
        ("nas.fritz.box", 200),
        ("other.local", 421),
        ("nas.evil.example", 421),
        ("nas.local.evil.example", 421),
        ("nas.box", 421),
        ("evil.nas.local", 421),
        ("local", 421),
        (".local", 421),
    ],
)
@pytest.mark.parametrize("machine", ["nas", "NAS.local", "nas.fritz.box"])
async def test_a_household_opens_the_machine_by_its_name_at_home(machine: str, host: str, status: int) -> None:
    answered: list[int] = []

    async def send(message: Any) -> None:
        answered.append(message.get("status", 0))

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    fence = Hardening(page, hosts=names_at_home(machine))
    await fence({"type": "http", "path": "/login", "headers": [(b"host", host.encode())]}, None, send)  # type: ignore[arg-type]  # nothing is read
    assert answered[0] == status


def test_a_machine_without_a_name_adds_none() -> None:
    assert names_at_home("") == set()


async def test_another_sites_script_cannot_write(screen: User, app: App) -> None:
    await come_in(screen, app, await a_resident(app))
    answer = await screen.http_client.post("/webhooks", headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


async def test_strangers_may_fetch_a_handful_of_pages_a_minute(screen: User, app: App, clock: ManualClock) -> None:
    patience = Patience(clock)
    assert [patience.allows("10.0.0.1") for _page in range(BURST + 1)] == [True] * BURST + [False]
    assert patience.allows("10.0.0.2")
    await clock.advance(60 / BURST)
    assert [patience.allows("10.0.0.1"), patience.allows("10.0.0.1")] == [True, False]


@pytest.mark.parametrize(
    ("host", "name", "address"),
    [("[::1]:8080", "::1", True), ("LocalHost:80", "localhost", False), ("10.0.0.1", "10.0.0.1", True), ("a.b.", "a.b", False)],
)
def test_a_host_header_is_read_as_browsers_write_it(host: str, name: str, address: bool) -> None:
    assert (host_name(host), is_address(name)) == (name, address)


class _Socket:
    """A browser's attempt to open a page's socket."""

    def __init__(self, app: App, patience: Patience) -> None:
        self.passed = False
        self.guard = Guard(self._inner, sessions=app.accounts.sessions, cookie=COOKIE, patience=patience)

    async def _inner(self, scope: Any, receive: Any, send: Any) -> None:
        self.passed = True

    async def opens(self, client: Client, *, cookie: str = "", origin: str = "http://test", ask: str = "") -> bool:
        """Whether the fence lets it through."""
        self.passed = False
        said: list[dict[str, Any]] = []
        headers = [(b"host", b"test"), (b"origin", origin.encode()), (b"cookie", f"{COOKIE}={cookie}".encode())]
        scope: dict[str, Any] = {"type": "websocket", "path": "/_nicegui_ws/socket.io/", "headers": headers}
        scope["query_string"] = (ask or f"client_id={client.id}").encode()

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        await self.guard(scope, None, send)  # type: ignore[arg-type] # a refused socket is never received from
        assert self.passed or said == [{"type": "websocket.close", "code": 1008}]
        return self.passed


async def test_a_pages_socket_opens_for_the_session_that_fetched_it_alone(screen: User, app: App, clock: ManualClock) -> None:
    mine = await come_in(screen, app, await a_resident(app))
    client = await screen.open("/statistics")
    other = await app.accounts.sessions.open(await a_resident(app, name="bob"))
    again = await app.accounts.sessions.open(await app.accounts.household.get(mine.who.user_id))
    socket = _Socket(app, Patience(clock))
    assert await socket.opens(client, cookie=mine.token)
    assert not await socket.opens(client)
    assert not await socket.opens(client, cookie=other.token)
    assert not await socket.opens(client, cookie=again.token)
    assert not await socket.opens(client, cookie=mine.token, origin="https://evil.example")
    assert not await socket.opens(client, cookie=mine.token, ask="EIO=4")
    await app.accounts.sessions.end(mine.who.user_id, mine.who.session_id)
    assert not await socket.opens(client, cookie=mine.token)


async def _press(client: Client, sid: str, button: Any) -> None:
    """Send the event that a browser sends when a button is pressed."""
    listener = next(one for one in button._event_listeners.values() if one.type == "click")
    message = {"client_id": client.id, "id": button.id, "listener_id": listener.id, "args": ["null"]}
    core.sio.handlers["/"]["event"](sid, message)


async def test_an_event_counts_only_from_the_pages_own_socket_and_a_live_session(screen: User, app: App) -> None:
    mine = await come_in(screen, app, await a_resident(app))
    client = await screen.open("/statistics")
    button = next(iter(screen.find("kill-switch").elements))
    own, stranger = f"test-{uuid.uuid4()}", f"test-{uuid.uuid4()}"
    await core.sio.manager.connect("own-eio", "/")
    core.sio.manager.basic_enter_room(own, "/", client.id, "own-eio")
    core.sio.manager.basic_enter_room(stranger, "/", "another-page", "other-eio")
    await _press(client, stranger, button)
    await screen.should_not_see("kill-now")
    await _press(client, own, button)
    await screen.should_see("kill-now")
    await app.accounts.sessions.end(mine.who.user_id, mine.who.session_id)
    assert not app.accounts.sessions.alive(mine.who.session_id)
    await _press(client, own, button)
    await until(lambda: client.is_deleted)


async def test_a_page_that_leaves_by_itself_is_not_ended_twice(screen: User, app: App) -> None:
    mine = await come_in(screen, app, await a_resident(app))
    client = await screen.open("/statistics")
    client.tab_id = None  # the browser obeyed: its socket closed, and NiceGUI counts the seconds until it forgets the page
    await app.accounts.sessions.end(mine.who.user_id, mine.who.session_id)
    await SystemClock().sleep(FAREWELL + 0.1)
    assert not client.is_deleted
    client.delete()


async def test_ending_a_session_closes_its_pages_and_no_others(screen: User, app: App, create_user: Any) -> None:
    alice = await a_resident(app)
    mine = await come_in(screen, app, alice)
    client = await screen.open("/statistics")
    await app.accounts.sessions.open(alice)
    viewer = viewer_of(client)
    assert viewer is not None
    assert viewer.session_id == mine.who.session_id
    await app.accounts.sessions.end_all(alice.id, but=mine.who.session_id)
    assert not client.is_deleted
    await app.accounts.sessions.end_all(alice.id)
    await until(lambda: client.is_deleted)


async def test_a_session_that_sat_idle_too_long_is_over(screen: User, app: App, clock: ManualClock) -> None:
    await come_in(screen, app, await a_resident(app))
    await screen.open("/statistics")
    await clock.advance(12 * 3600 + 1)
    screen.navigate.to("/webhooks")
    await screen.should_not_see("Positions ouvertes")
    assert (await screen.http_client.get("/webhooks")).status_code == 303
