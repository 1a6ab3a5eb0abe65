"""The command line, from outside: what it prints where, with which exit code, beside a running house or without one."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from aristobot import __version__
from aristobot.bus import Bus
from aristobot.clock import ManualClock
from aristobot.errors import AristobotError, ConfigurationError, InstanceRunning, NotFound, StoreDamaged, StoreError
from aristobot.events import TradingHalted
from aristobot.language import catalogue, use_language
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.ground import weaknesses
from aristobot.store.instance import InstanceLock
from services.cli import exit_code, parser
from services.commands.doctor_ground import ground_finding
from services.commands.options import COMMANDS, MEANINGS, arranged
from services.kill_switch import KillSwitch
from services.simulator import discover
from tests.cli_house import House, a_house
from tests.house import ROOT


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sqlite_template: Path) -> House:
    """A house without anybody, whose memory is made: making it takes most commands longer than what they do."""
    return a_house(tmp_path, capsys, monkeypatch, sqlite_template)


@pytest.fixture
def new_house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> House:
    """A house without anybody and without a folder."""
    return a_house(tmp_path, capsys, monkeypatch)


@pytest.mark.parametrize(
    ("kind", "code"),
    [(InstanceRunning, 3), (StoreError, 4), (ConfigurationError, 5), (StoreDamaged, 6), (NotFound, 2), (AristobotError, 2)],
)
def test_each_hindrance_has_its_exit_code(kind: type[AristobotError], code: int) -> None:
    assert exit_code(kind()) == code


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("", "run"),
        ("--demo", "run --demo"),
        ("--port 0 --headless", "run --port 0 --headless"),
        ("--port 0 run --native", "run --port 0 --native"),
        ("user list --data-dir D", "--data-dir D user list"),
        ("--data-dir=D user add --admin bob", "--data-dir=D user add --admin bob"),
        ("user add bob --language en --admin", "--language en user add bob --admin"),
        ("token revoke run", "token revoke run"),
        ("--help", "--help"),
        ("backup run.db", "backup run.db"),
    ],
)
def test_options_may_stand_before_or_after_the_command(line: str, meant: str) -> None:
    assert arranged(line.split()) == meant.split()


def test_run_is_what_is_meant_without_a_command(new_house: House) -> None:
    new_house("--port", "0", "--no-orders", "--webhook-rate", "60/min")
    (settings,) = new_house.served
    assert (settings.port, settings.no_orders, settings.webhook_rate, settings.demo) == (0, True, 60, False)
    assert settings.data_dir == new_house.folder


def test_a_wrong_value_names_its_field_and_the_cure(new_house: House) -> None:
    new_house("run", "--port", "many", code=5)
    assert "port" in new_house.err
    new_house("run", "--database-url", "mysql://x", code=5)
    assert new_house.served == []


def test_wrong_usage_is_said_in_one_line_with_exit_code_2(new_house: House) -> None:
    for words in (["frobnicate"], ["user", "ad"], ["init"], ["user", "add"], ["run", "--nope"], ["user", "list", "surplus"]):
        new_house(*words, code=2)
        assert len(new_house.err.strip().splitlines()) == 1, new_house.err
        assert new_house.out == ""
    new_house("token", "create", "--user", "nobody", "--scope", "emperor", code=2)
    new_house("token", "create", "--user", "nobody", "--scope", "read", code=2)
    assert "nobody" in new_house.err


def test_init_makes_the_first_administrator_once(new_house: House, tmp_path: Path) -> None:
    password = new_house("init", "--admin", "Alice")
    assert len(password) == 20
    new_house("init", "--admin", "Bob", code=2)
    listed = json.loads(new_house("user", "list", "--json"))
    assert [(one["name"], one["role"], one["active"]) for one in listed] == [("Alice", "administrator", True)]
    assert (new_house.folder / "aristobot.db").stat().st_mode & 0o777 == 0o600


def test_users_come_with_a_password_file_and_go(house: House, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("un chat vert sur le toit\n")
    bad.write_text("short\n")
    assert house("init", "--admin", "Alice", "--password-file", str(good)) == ""
    house("user", "add", "Bob", "--password-file", str(bad), code=2)
    assert "12" in house.err
    house("user", "add", "Bob", "--password-file", str(tmp_path / "none"), code=2)
    house("user", "add", "Bob", "--password-file", str(good))
    house("user", "disable", "bob")
    house("user", "disable", "alice", code=2)
    assert [one["active"] for one in json.loads(house("user", "list", "--json"))] == [True, False]


def test_who_is_added_or_reset_without_a_password_gets_one_for_three_days(house: House) -> None:
    house("init", "--admin", "Alice")
    first = house("user", "add", "Bob")
    assert "choose their own with it, before" in house.err
    again = house("user", "reset", "bob")
    assert "choose their own with it, before" in house.err
    assert len({first, again}) == 2
    ends = {one["name"]: one["password_expires_at"] for one in json.loads(house("user", "list", "--json"))}
    assert ends["Alice"] is None
    assert ends["Bob"] is not None
    house("user", "reset", "nobody", code=2)


def test_a_grandparent_may_watch_without_a_say(house: House) -> None:
    house("init", "--admin", "Alice")
    house("user", "add", "Mamie", "--viewer")
    house("user", "add", "Papi", "--viewer", "--admin", code=2)
    assert "--viewer" in house.err
    assert [one["role"] for one in json.loads(house("user", "list", "--json"))] == ["administrator", "viewer"]


def test_a_token_is_printed_once_listed_without_itself_and_revoked(house: House) -> None:
    house("init", "--admin", "Alice")
    token = house("token", "create", "--user", "alice", "--scope", "trade", "--expires", "12h", "--name", "phone")
    assert token.startswith("aristobot_")
    listed = json.loads(house("token", "list", "--json"))
    assert token not in house.out
    assert [(one["user"], one["scope"], one["last_four"], one["name"]) for one in listed] == [
        ("Alice", "trade", token[-4:], "phone")
    ]
    house("token", "revoke", listed[0]["id"])
    assert json.loads(house("token", "list", "--json"))[0]["revoked"]
    house("token", "revoke", str(uuid.uuid4()), code=2)
    house("token", "create", "--user", "alice", "--scope", "read", "--expires", "soon", code=2)


def test_a_backup_comes_back_and_trading_waits(house: House, tmp_path: Path) -> None:
    house("init", "--admin", "Alice")
    copy = str(tmp_path / "one.backup")
    assert house("backup", copy) == copy
    assert b"Alice" not in Path(copy).read_bytes()
    house("user", "add", "Bob")
    house("restore", copy)
    assert "not sealed" not in house.err
    assert [one["name"] for one in json.loads(house("user", "list", "--json"))] == ["Alice"]
    house("resume")
    assert "One halt" in house.err
    house("restore", str(tmp_path / "nothing.db"), code=4)


def test_a_copy_from_before_copies_were_sealed_comes_back_and_is_named_so(house: House, tmp_path: Path) -> None:
    house("init", "--admin", "Alice")
    with closing(sqlite3.connect(house.folder / "aristobot.db")) as source, closing(sqlite3.connect(tmp_path / "a.db")) as copy:
        source.backup(copy)
    house("user", "add", "Bob")
    house("restore", str(tmp_path / "a.db"))
    assert "not sealed" in house.err
    assert [one["name"] for one in json.loads(house("user", "list", "--json"))] == ["Alice"]
    report = json.loads(house("verify", str(tmp_path / "a.db")))
    assert (report["passed"], report["backup"]["sealed"]) == (True, False)


def test_a_backup_opens_with_the_key_file_of_its_house_alone(house: House, tmp_path: Path) -> None:
    house("init", "--admin", "Alice")
    copy, key = str(tmp_path / "one.backup"), house.folder / "secret.key"
    house("backup", copy)
    report = json.loads(house("verify", copy))
    assert report["passed"]
    assert report["backup"]["sealed"]
    kept = key.rename(tmp_path / "kept.key")
    for words in (["restore", copy], ["verify", copy]):
        house(*words, code=5)
        assert str(key) in house.err
        assert "--master-key-file" in house.err
    assert not key.exists()
    house("user", "list")  # which makes a key of its own
    house("restore", copy, code=5)
    assert report["backup"]["key"] in house.err
    house("restore", copy, "--master-key-file", str(kept))


def test_a_backup_from_before_the_keys_rotated_comes_back_with_everything_in_it(house: House, tmp_path: Path) -> None:
    house("init", "--admin", "Alice")
    copy = str(tmp_path / "one.backup")
    house("backup", copy)
    house("rotate-keys")
    house("rotate-keys")
    assert json.loads(house("verify", copy))["passed"]
    house("restore", copy)
    assert json.loads(house("verify"))["passed"]


def test_a_backup_that_was_touched_replaces_nothing(house: House, tmp_path: Path) -> None:
    house("init", "--admin", "Alice")
    copy = tmp_path / "one.backup"
    house("backup", str(copy))
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    house("restore", str(copy), code=6)
    house("verify", str(copy), code=6)
    assert json.loads(house("verify"))["passed"]


def test_verify_and_doctor_answer_in_json_and_fail_with_7(house: House) -> None:
    house("init", "--admin", "Alice")
    report = json.loads(house("verify"))
    assert report["passed"]
    database = sqlite3.connect(house.folder / "aristobot.db")
    database.execute("UPDATE audit SET actor = 'nobody'")
    database.commit()
    database.close()
    broken = json.loads(house("verify", code=7))
    assert [check["name"] for check in broken["checks"] if not check["passed"]] == ["audit"]
    house("rotate-keys", code=6)


def test_the_doctor_says_what_the_database_stands_on(tmp_path: Path) -> None:
    finding = ground_finding(Settings.load({"data_dir": tmp_path}, {}))
    expected = weaknesses(f"sqlite:///{tmp_path}/aristobot.db")
    assert (finding.state == "warning") == bool(expected)
    assert sqlite3.sqlite_version in finding.detail
    url = "postgresql://nobody@127.0.0.1/nothing"
    assert ground_finding(Settings.load({"data_dir": tmp_path, "database_url": url}, {})).state == "ok"


def test_keys_rotate_and_everything_still_opens(house: House) -> None:
    house("init", "--admin", "Alice")
    before = (house.folder / "secret.key").read_text()
    house("rotate-keys")
    after = (house.folder / "secret.key").read_text()
    assert after.split()[1:] == [f"retired:{before.strip()}"]
    assert json.loads(house("verify"))["passed"]


def test_what_changes_the_ground_refuses_beside_a_running_house_and_the_rest_works(house: House, tmp_path: Path) -> None:
    house("init", "--admin", "Alice")
    house("backup", str(tmp_path / "one.backup"))
    lock = InstanceLock(Settings.load({"data_dir": house.folder}, {}))
    lock.acquire()
    try:
        house("restore", str(tmp_path / "one.backup"), code=3)
        house("rotate-keys", code=3)
        house("user", "list")
        house("token", "create", "--user", "alice", "--scope", "read")
        house("halt")
        house("backup")
        house("verify")
    finally:
        lock.release()


async def test_a_running_house_follows_a_halt_of_the_command_line(house: House) -> None:
    await asyncio.to_thread(house, "init", "--admin", "Alice")
    db, bus, clock = Database(f"sqlite:///{house.folder / 'aristobot.db'}"), Bus(), ManualClock()
    switch = KillSwitch(db, bus, clock, house.folder)
    heard: list[TradingHalted] = []
    bus.listen(TradingHalted, do=heard.append)
    following = asyncio.create_task(switch.run())
    for words, level in ((["halt", "--scope", "user", "alice", "--level", "reduce"], "reduce"), (["resume"], "")):
        await asyncio.to_thread(house, *words)
        async with asyncio.timeout(10):
            while not heard or heard[-1].level != level:
                await clock.advance(0.5)
    following.cancel()
    await db.close()
    assert [(event.scope, event.level) for event in heard] == [("user", "reduce"), ("user", "")]
    assert switch.active() == []


def test_the_simulator_says_where_it_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aristobot", "simulator", "--port", "0", "--control-port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        said = json.loads(running.stdout.readline())
        running.terminate()
    assert said["event"] == "ready"
    assert [one["exchange"] for one in said["accounts"]] == list(discover())


def test_every_word_of_the_help_is_said_in_french() -> None:
    french, missing = catalogue("fr"), []

    def look(command: object) -> None:
        for words in [getattr(command, "help", "")] + [getattr(one, "help", "") for one in getattr(command, "params", [])]:
            if words and words not in french.values():
                missing.append(words)
        for child in getattr(command, "commands", {}).values():
            look(child)

    with use_language("fr"):
        look(parser(lambda _: 0))
    assert not missing


def test_every_setting_of_run_is_an_option_with_its_meaning() -> None:
    assert set(MEANINGS) == set(Settings.model_fields) - {"exchange_urls", "debug"}
    assert set(parser(lambda _: 0).commands) == set(COMMANDS)


def test_the_installed_command_hands_its_exit_code_on(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARISTOBOT_")}
    run = [sys.executable, "-m", "aristobot", "--data-dir", str(tmp_path / "data"), "--language", "en"]
    done = subprocess.run(
        [*run, "user", "add"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    done = subprocess.run([*run, "--version"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, "--version stands alone"
    alone = [sys.executable, "-m", "aristobot", "--version"]
    done = subprocess.run(alone, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, __version__)


def imported_by(program: str) -> set[str]:
    """The first words of all modules that a fresh interpreter has after this program, and ours in full."""
    shown = f"{program}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", shown], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    modules = done.stdout.split()
    return {one.partition(".")[0] for one in modules} | {one for one in modules if one.startswith(("services.", "aristobot."))}


def test_a_house_that_opens_brings_nothing_along_that_it_may_never_need() -> None:
    opened = imported_by(
        "from services.cli import parser; parser(print, 'run'); import pages; pages.leave_clients_out(); "
        "from components import front_door; pages.load()"
    )
    assert {"nicegui", "services.app", "pages"} <= opened
    heavy = {
        "alembic",
        "httpx",
        "rich",
        "ccxt",
        "pandas",
        "numpy",
        "talib",
        "aristobot.indicators.ta",
        "aristobot.indicators.library",
        "numba",
        "matplotlib",
        "plotly",
        "requests",
        "aiohttp",
        "tornado",
        "services.simulator",
        "services.demo",
    }
    assert not opened & heavy
    assert not [
        one for one in opened if one.startswith(("services.simulator", "services.commands.doctor", "services.api.orders"))
    ]


def test_a_command_waits_for_nothing_that_only_another_one_needs() -> None:
    stopping = imported_by("from services.cli import parser; parser(print, 'halt')")
    assert "services.commands.stops" in stopping
    assert not stopping & {
        "nicegui",
        "fastapi",
        "services.commands.doctor",
        "services.exchanges",
        "services.simulator",
        "alembic",
    }
