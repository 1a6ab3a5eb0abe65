"""What every test may ask for."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

from aristobot.clock import ManualClock
from aristobot.store.database import Database
from aristobot.store.migrate import upgrade_at_start
from services import passwords
from tests.patience import PatientClock
from tests.postgres import NoPostgres, a_server
from tests.spread import place_of, scheduler
from tests.threads import counted_threads


def _stay_at_home(event: str, arguments: tuple[object, ...]) -> None:
    """No name but this machine's own is ever looked up: a test that asks the internet fails, wherever it runs."""
    if event == "socket.getaddrinfo" and str(arguments[0]) not in _AT_HOME:
        raise socket.gaierror(socket.EAI_NONAME, f"no test may ask the internet for {arguments[0]!r}")


_AT_HOME = {"None", "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::", socket.gethostname()}
sys.addaudithook(_stay_at_home)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order in which they are worth starting; their tests stay as they are."""
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """What each process gets when tests are spread by files."""
    return scheduler(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting makes a multitude of objects that stay until the end: no search for garbage need ever look at them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


#: What a journey that only passed the second time says of itself, with the fault of the first.
WALKED_TWICE = "walked twice"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Journeys that passed at the second attempt are told: one that does so often hides a fault, and takes its time twice."""
    for report in terminalreporter.getreports("passed"):
        for fault in (text for name, text in report.user_properties if name == WALKED_TWICE):
            terminalreporter.write_line(f"WALKED TWICE {report.nodeid} - {fault}", yellow=True)


#: Seconds after which a test hangs; the storm of kills takes four minutes on a busy machine, campaigns set more.
_LONGEST = int(os.environ.get("ARISTOBOT_LONGEST_TEST", "590"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that hangs fails, and the others go on: a process that was killed for it would leave the run waiting for ever."""
    if not hasattr(signal, "SIGALRM"):
        return (yield)

    def give_up(*_: object) -> None:
        raise TimeoutError(f"{item.nodeid} hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_LONGEST)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


#: The gate draws the same examples every time, so that what fails has a cause in the change before it; new ones are searched
#: for by `ARISTOBOT_PROPERTIES=search`, which draws afresh and, where a test names no number, twenty times as many.
settings.register_profile("gate", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("ARISTOBOT_PROPERTIES", "gate"))


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """Hundreds of people come in: a hash of theirs takes a thousandth of what it takes in earnest (tests/services/test_passwords.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_cost", passwords.Cost(iterations=1, memory_kib=64))
        yield


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    """A clock that only the test moves; it shows the first midnight of 2026, and waits for threads that are still at work."""
    with counted_threads() as threads:
        yield PatientClock(threads)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated database of the test's own: SQLite, then PostgreSQL."""
    with a_database(request, tmp_path) as url:
        yield url


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """The memory, empty, on both databases."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, copied for each test."""
    path = tmp_path_factory.mktemp("template") / "aristobot.db"
    upgrade_at_start(f"sqlite:///{path}", None)
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.Engine]:
    """The server in which databases are made and dropped."""
    try:
        with a_server() as url:
            engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
            yield engine
            engine.dispose()
    except NoPostgres as missing:
        if os.environ.get("ARISTOBOT_REQUIRE_PG") == "1":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: sa.Engine) -> Iterator[str]:
    """A migrated PostgreSQL database, copied for each test."""
    name = f"aristobot_template_{uuid.uuid4().hex}"
    with postgres_server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    upgrade_at_start(address_of(postgres_server, name), None)
    yield name
    with postgres_server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def a_database(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """A migrated database of the kind that the fixture's parameter names, gone when the context ends."""
    if request.param == "sqlite":
        path = folder / "aristobot.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: sa.Engine = request.getfixturevalue("postgres_server")
    template: str = request.getfixturevalue("postgres_template")
    name = f"aristobot_test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        # Copying files instead of logging pages halves the time; servers before 15 knew no other way.
        strategy = "STRATEGY FILE_COPY" if connection.exec_driver_sql("SHOW server_version_num").scalar_one() >= "150000" else ""
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template} {strategy}")
    try:
        yield address_of(server, name)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def address_of(server: sa.Engine, database: str) -> str:
    """The address of one database of a server."""
    return server.url.set(database=database).render_as_string(hide_password=False)
