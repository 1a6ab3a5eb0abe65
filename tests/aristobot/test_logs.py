"""Logs: a file per service, the trace through every hop, no secret, no waiting."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from aristobot import logs
from aristobot.log_writer import LiveLines, LogFile, LogWriter, Rotation
from aristobot.logs import Logs, hide, log_context, new_trace_id
from aristobot.redaction import Redactor
from aristobot.settings import Settings

ANNA, BEN = uuid.UUID(int=1), uuid.UUID(int=2)
Lines = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"data_dir": tmp_path / "data"}, {})


@pytest.fixture
def running(settings: Settings) -> Iterator[Logs]:
    """The log of the process, for the length of one test."""
    started = logs.start(settings, console=False)
    yield started
    started.close()


@pytest.fixture
def written(running: Logs, settings: Settings) -> Lines:
    """What stands in a service's file so far."""

    def read(service: str = "aristobot") -> list[dict[str, Any]]:
        assert running.flush()
        path = settings.data_dir / "logs" / f"{service}.log"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    return read


async def test_each_service_writes_its_own_file(written: Lines) -> None:
    with log_context(service="heartbeat"):
        logger.info("a candle closed")
    with log_context(service="trading_engine"):
        logger.warning("an alert is {} s old", 42)
    (line,) = written("trading_engine")
    assert (line["service"], line["level"], line["msg"]) == ("trading_engine", "WARNING", "an alert is 42 s old")
    assert datetime.fromisoformat(line["ts"]).tzinfo is not None
    assert [line["msg"] for line in written("heartbeat")] == ["a candle closed"]


async def test_the_trace_and_the_user_go_through_tasks_and_threads(written: Lines) -> None:
    trace = new_trace_id()

    async def deeper() -> None:
        logger.info("in a child task")
        await asyncio.to_thread(logger.info, "in a thread")

    with log_context(service="order_desk", trace_id=trace, user_id=ANNA):
        await asyncio.create_task(deeper())
        with log_context(service="exchange_gateway"):
            logger.info("one room further")
    logger.info("outside again")
    assert [(line["trace_id"], line["user_id"]) for line in written("order_desk")] == [(trace, str(ANNA))] * 2
    assert [(line["trace_id"], line["user_id"]) for line in written("exchange_gateway")] == [(trace, str(ANNA))]
    assert [(line["trace_id"], line["user_id"]) for line in written()] == [("", None)]


def test_a_traceback_and_bound_facts_stand_in_the_line(written: Lines) -> None:
    try:
        json.loads("{")
    except ValueError:
        logger.bind(symbol="BTC/USDT").exception("unreadable")
    (line,) = written()
    assert "JSONDecodeError" in line["error"]
    assert line["data"] == {"symbol": "BTC/USDT"}


def test_a_registered_secret_never_reaches_a_file_in_any_spelling(written: Lines, settings: Settings) -> None:
    secret = 'kH7"\\+/é=SuperSecret\nsecond line of it'
    hide(secret)
    logger.info("plain {}", secret)
    logger.info("json {}", json.dumps({"value": secret}))
    logger.info("repr {}", {"value": secret})
    logger.bind(payload=secret).info("bound")
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("raised")
    assert len(written()) == 5
    text = (settings.data_dir / "logs" / "aristobot.log").read_text("utf-8")
    assert "SuperSecret" not in text
    assert "second line" not in text


@pytest.mark.parametrize(
    "said",
    [
        "GET https://api.binance.com/api/v3/account?timestamp=1&signature=S3CR3TVALUE",
        "headers {'X-MBX-APIKEY': 'S3CR3TVALUE'}",
        "headers [('X-MBX-APIKEY', 'S3CR3TVALUE')]",
        '{"apiKey": "S3CR3TVALUE", "symbol": "BTCUSDT"}',
        "Authorization: Bearer S3CR3TVALUE",
        "ACCESS-PASSPHRASE=S3CR3TVALUE",
        "API-Sign: S3CR3TVALUE",
        "POST /webhook/S3CR3TVALUE HTTP/1.1",
        "ws://127.0.0.1:8080/ws/heartbeat/?token=S3CR3TVALUE",
        "postgresql+psycopg://anna:S3CR3TVALUE@db/aristobot",
        "key sk-or-v1-S3CR3TVALUE0000000000",
        "-----BEGIN PRIVATE KEY-----\nS3CR3TVALUE\n-----END PRIVATE KEY-----",
        'password="S3CR3TVALUE"',
    ],
)
def test_what_looks_like_a_secret_is_masked_without_being_registered(written: Lines, said: str) -> None:
    logger.info(said)
    logger.bind(raw=said).info("{}", json.dumps({"inner": said}))
    lines = written()
    assert len(lines) == 2
    assert "S3CR3TVALUE" not in json.dumps(lines)


def test_ordinary_words_are_left_alone(written: Lines) -> None:
    said = "order 12 of BTC/USDT: token_id 7, api_key_last_four 1234, https://example.org/webhook, sold for 60000.5"
    logger.info(said)
    assert written()[0]["msg"] == said


@given(st.text(min_size=8), st.text(max_size=20), st.text(max_size=20))
def test_whatever_the_secret_the_finished_line_does_not_hold_it(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.hide(secret)
    wanted = secret.strip()
    line = json.dumps({"msg": before + secret + after}, ensure_ascii=False)
    cleaned = redactor.clean(line)
    if len(wanted) >= 8 and not wanted.startswith("-----"):
        assert json.dumps(wanted, ensure_ascii=False)[1:-1] not in cleaned.replace("***", "\0")


def test_a_secret_that_is_a_number_cannot_break_the_line(written: Lines) -> None:
    hide("1234567890123")
    logger.bind(order=1234567890123).info("sent")
    (line,) = written()
    assert "1234567890123" not in json.dumps(line)
    assert line["service"] == "aristobot"


def test_standard_logging_is_taken_over_and_noisy_libraries_are_quiet(written: Lines) -> None:
    logging.getLogger("some.library").warning("100%% of %s", "it")
    logging.getLogger("some.library").debug("too much detail")
    logging.getLogger("httpx").info("GET https://api.binance.com/?signature=abc")
    logging.getLogger("uvicorn.error").error("cannot bind")
    assert [line["msg"] for line in written()] == ["100% of it", "cannot bind"]
    assert written()[0]["where"].startswith("some.library:")


def test_the_level_is_a_setting(tmp_path: Path) -> None:
    started = logs.start(Settings.load({"data_dir": tmp_path, "log_level": "ERROR"}, {}), console=False)
    logger.warning("not this")
    logger.error("but this")
    started.flush()
    started.close()
    assert [line["msg"] for line in started.lines.after(0, lambda _: True)[1]] == ["but this"]


def test_what_nobody_caught_is_logged(running: Logs, written: Lines) -> None:
    def fails() -> None:
        raise LookupError("in a thread")

    thread = threading.Thread(target=fails, name="worker")
    thread.start()
    thread.join()
    try:
        raise LookupError("in the main program")
    except LookupError as error:
        sys.excepthook(LookupError, error, error.__traceback__)
    lines = written()
    assert [line["level"] for line in lines] == ["ERROR", "CRITICAL"]
    assert "in a thread" in lines[0]["error"]
    assert "in the main program" in lines[1]["error"]


async def test_what_the_loop_would_print_is_logged(written: Lines) -> None:
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: json.loads("{"))
    await asyncio.to_thread(lambda: None)
    assert "JSONDecodeError" in written()[0]["error"]


def test_closing_gives_everything_back(settings: Settings) -> None:
    before = (sys.excepthook, threading.excepthook, list(logging.root.handlers), logging.root.level)
    logs.start(settings, console=False).close()
    assert (sys.excepthook, threading.excepthook, list(logging.root.handlers), logging.root.level) == before


def test_people_read_the_same_on_standard_error_without_secrets_or_control_characters(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    started = logs.start(settings)
    with log_context(service="web", trace_id="0123456789abcdef"):
        logger.bind(path="/x").info("token=S3CR3TVALUE \x1b[31mred\x07")
    started.flush()
    started.close()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "INFO    web 89abcdef token=*** ?[31mred? path=/x" in shown.err


@pytest.mark.skipif(os.name != "posix", reason="Windows protects the profile's folder by its ACL")
def test_the_files_are_for_their_owner_alone(written: Lines, settings: Settings) -> None:
    logger.info("hello")
    assert written()
    folder = settings.data_dir / "logs"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "aristobot.log").stat().st_mode & 0o077 == 0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_full_file_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web", Rotation(max_bytes=100, keep=2))
    for number in range(12):
        file.write(f"{number:02d}" + "x" * 40, NOON)
    file.close()
    assert names(tmp_path) == ["web.1.log", "web.2.log", "web.log"]
    kept = "".join((tmp_path / name).read_text() for name in ("web.2.log", "web.1.log", "web.log"))
    assert [line[:2] for line in kept.splitlines()] == ["06", "07", "08", "09", "10", "11"]


def test_keeping_none_leaves_one_file(tmp_path: Path) -> None:
    file = LogFile(tmp_path, "web", Rotation(max_bytes=10, keep=0))
    for _ in range(3):
        file.write("x" * 10, NOON)
    file.close()
    assert names(tmp_path) == ["web.log"]


def test_files_can_be_turned_over_by_time_and_dropped_by_age(tmp_path: Path) -> None:
    rotation = Rotation(every_seconds=120, keep=100, keep_seconds=600)
    file = LogFile(tmp_path, "web", rotation)
    for minute in range(40):
        file.write(f"minute {minute}", NOON + timedelta(minutes=minute))
        file.flush()
        stamp = (NOON + timedelta(minutes=minute)).timestamp()
        os.utime(tmp_path / "web.log", (stamp, stamp))
    file.close()
    assert (tmp_path / "web.log").read_text() == "minute 38\nminute 39\n"
    assert (tmp_path / "web.1.log").read_text() == "minute 36\nminute 37\n"
    assert len(names(tmp_path)) == 6


def test_a_restart_goes_on_in_the_same_file_unless_its_time_is_over(tmp_path: Path) -> None:
    rotation = Rotation(every_seconds=3600)
    for after, expected in ((0, ["web.log"]), (60, ["web.log"]), (3600, ["web.1.log", "web.log"])):
        at = NOON + timedelta(seconds=after)
        file = LogFile(tmp_path, "web", rotation)
        file.write("line", at)
        file.close()
        os.utime(tmp_path / "web.log", (at.timestamp(), at.timestamp()))
        assert names(tmp_path) == expected


def test_the_rotation_of_the_settings_is_used(tmp_path: Path) -> None:
    started = logs.start(
        Settings.load({"data_dir": tmp_path, "log_rotation_bytes": 10_000, "log_retention": 1}, {}), console=False
    )
    for _ in range(300):
        logger.info("x" * 100)
    started.close()
    assert names(tmp_path / "logs") == ["aristobot.1.log", "aristobot.log"]
    assert all(path.stat().st_size <= 10_000 for path in (tmp_path / "logs").iterdir())


def test_what_is_too_old_goes_also_of_services_that_fell_silent(tmp_path: Path) -> None:
    for name in ("silent.log", "silent.1.log", "fresh.1.log", "notes.txt"):
        (tmp_path / name).write_text("old\n")
    for name in ("silent.log", "silent.1.log", "notes.txt"):
        os.utime(tmp_path / name, (0, 0))
    writer = LogWriter(tmp_path, Rotation(keep_seconds=3600), Redactor(), console=False, sweep_every=0.01)
    writer.start()
    deadline = time.monotonic() + 60
    while (tmp_path / "silent.log").exists() or (tmp_path / "silent.1.log").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    writer.stop()
    assert {path.name for path in tmp_path.iterdir()} == {"fresh.1.log", "notes.txt"}


def test_the_view_asks_for_what_is_newer_and_for_what_it_may_show(running: Logs) -> None:
    for user in (ANNA, BEN, None):
        with log_context(user_id=user):
            logger.info("for {}", user)
    running.flush()
    number, mine = running.lines.after(0, lambda line: line["user_id"] == str(ANNA))
    assert [line["msg"] for line in mine] == [f"for {ANNA}"]
    assert len(running.lines.after(0, lambda _: True)[1]) == 3
    assert running.lines.after(number, lambda _: True) == (number, [])
    logger.info("one more")
    running.flush()
    assert [line["msg"] for line in running.lines.after(number, lambda _: True)[1]] == ["one more"]


def test_the_view_keeps_two_thousand_lines() -> None:
    lines = LiveLines()
    for number in range(2500):
        lines.append({"msg": str(number)})
    last, shown = lines.after(0, lambda _: True)
    assert (last, len(shown), shown[0]["msg"]) == (2500, 2000, "500")


def test_the_view_is_rung_after_new_lines(settings: Settings) -> None:
    rung = threading.Event()
    started = logs.start(settings, console=False)
    started.listen(rung.set)
    logger.info("hello")
    assert rung.wait(2)
    started.close()


def test_a_disk_that_is_full_stops_nothing_and_is_told_later(settings: Settings) -> None:
    started = logs.start(settings, console=False)
    folder = settings.data_dir / "logs"
    (folder / "web.log").mkdir()  # nothing can be written there
    with log_context(service="web"):
        logger.info("lost")
    logger.info("kept")
    started.flush()
    started.close()
    assert started.dropped == 1
    assert sorted(json.loads(line)["msg"] for line in (folder / "aristobot.log").read_text().splitlines()) == [
        "1 log lines were lost",
        "kept",
    ]


def test_a_flood_is_counted_instead_of_filling_the_memory(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path, Rotation(), Redactor(), console=False, size=10)
    sink = logger.add(writer.put, format="", level="INFO")
    for number in range(25):
        logger.info("line {}", number)
    logger.remove(sink)
    assert writer.dropped == 15
    writer.start()
    assert writer.flush(2)
    writer.stop()
    assert len((tmp_path / "aristobot.log").read_text().splitlines()) == 11


def test_a_log_call_keeps_its_caller_no_longer_than_it_must(running: Logs) -> None:
    began = time.perf_counter()
    for number in range(2000):
        logger.info("line {}", number)
    per_call = (time.perf_counter() - began) / 2000
    assert running.flush()
    assert per_call < 0.001
