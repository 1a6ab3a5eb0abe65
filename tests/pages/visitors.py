"""People for the tests of the pages: they live in the house, and come in with a session."""

from __future__ import annotations

from collections.abc import Callable

from nicegui.testing import User as Browser

from aristobot.clock import ManualClock, SystemClock
from aristobot.kinds import BrokerMode, Role
from aristobot.store import brokers, users
from aristobot.store.tables import Broker, User
from aristobot.store.tenancy import SYSTEM
from components.switch_table import SwitchTable
from services.app import App
from services.login_sessions import NewSession
from tests.builders import a_broker, a_user

COOKIE = "aristobot_test"


async def a_resident(app: App, name: str = "alice", **differences: object) -> User:
    """A user of the house who reads French and comes in without a password of their own."""
    row = a_user(**{"name": name, "role": Role.ADMINISTRATOR, **differences})
    return await app.db.write(SYSTEM, lambda s: users.create(s, row))


async def come_in(browser: Browser, app: App, who: User) -> NewSession:
    """Give the browser the cookie of a fresh session."""
    opened = await app.accounts.sessions.open(who, address="127.0.0.1", user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    browser.http_client.cookies.set(COOKIE, opened.token)
    return opened


async def until(holds: Callable[[], object], clock: ManualClock | None = None) -> None:
    """Let the loop run until something holds, and the clock with it; fail when it does not within ten seconds."""
    for _turn in range(1000):
        if holds():
            return
        await SystemClock().sleep(0.01)
        if clock is not None:
            await clock.advance(0.5)
    raise AssertionError("it never came to hold")


async def open_account(browser: Browser) -> None:
    """Open the account page, and wait for the last of it."""
    client = await browser.open("/account")
    await until(lambda: any(isinstance(one, SwitchTable) for one in client.elements.values()))


async def a_known_broker(app: App, who: User, **differences: object) -> Broker:
    """A broker of this user whose alerts are traded."""
    row = a_broker(who, **{"mode": BrokerMode.WEBHOOKS, "key_last_four": "aB3x", "api_key_sealed": "sealed", **differences})
    return await app.db.write(who.id, lambda s: brokers.create(s, row))
