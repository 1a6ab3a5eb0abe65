"""The log page and the path of an alert: live, filtered, paused, and nobody sees what is somebody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from loguru import logger
from nicegui.testing import User

from aristobot import logs
from aristobot.clock import ManualClock, iso_milliseconds
from aristobot.events import LogLinesWritten
from aristobot.kinds import OrderRole, Role, WebhookOutcome, WebhookStatus
from aristobot.logs import Logs, log_context
from aristobot.orders import OrderStatus
from aristobot.settings import Settings
from aristobot.store.inbox import new_row_id
from aristobot.store.tables import Broker
from aristobot.store.trading_tables import Webhook
from components.live_grid import LiveGrid, Row
from components.log_list import ROWS
from components.log_rows import log_row
from components.path_words import duration
from services.alert_path import Stage, follow
from services.app import App
from services.log_archive import LogQuery
from tests.builders import MIDNIGHT, a_fill_row, a_position, a_webhook, an_order
from tests.pages.test_webhooks import keep
from tests.pages.visitors import a_known_broker, a_resident, come_in, until

TRACE = "0123456789abcdef" * 2


@pytest.fixture
def log(app: App, settings: Settings) -> Iterator[Logs]:
    """The log of the process, for the length of one test."""
    started = logs.start(settings, console=False)
    app.log_tail.follow(started)
    yield started
    started.close()


def grid(screen: User) -> LiveGrid:
    """The table."""
    assert screen.client is not None
    return next(one for one in screen.client.elements.values() if isinstance(one, LiveGrid))


def said(screen: User) -> list[str]:
    """The messages in the table that were said for this test."""
    return [row["message"] for row in rows(screen) if str(row["message"]).startswith("said")]


def rows(screen: User) -> list[Row]:
    """What the table holds."""
    return grid(screen).rows


def say(app: App, log: Logs, words: str, **context: Any) -> None:
    """Log one line, and ring as the tail does."""
    with log_context(**context):
        logger.info(words)
    assert log.flush()
    app.bus.publish(LogLinesWritten(at=app.clock.now()))


async def test_lines_appear_by_themselves_the_newest_first(screen: User, app: App, log: Logs) -> None:
    alice = await a_resident(app)
    say(app, log, "said before", user_id=alice.id, service="trading_engine")
    await come_in(screen, app, alice)
    await screen.open("/log")
    await until(lambda: said(screen) == ["said before"])
    say(app, log, "said now", user_id=alice.id, trace_id=TRACE)
    await until(lambda: said(screen) == ["said now", "said before"])
    newest, oldest = (row for row in rows(screen) if row["message"].startswith("said"))
    assert (newest["trace"], newest["level"], oldest["service"]) == (TRACE[-8:], "Information", "trading engine")


async def test_nobody_reads_the_lines_of_somebody_else_unless_they_run_the_house_and_ask_for_it(
    screen: User, app: App, log: Logs
) -> None:
    alice, bob = await a_resident(app), await a_resident(app, name="bob", role=Role.TRADER)
    say(app, log, "said for bob", user_id=bob.id)
    say(app, log, "said of somebody", service="order_monitor")
    say(app, log, "said of the market", service="heartbeat")
    say(app, log, "said for alice", user_id=alice.id)
    await come_in(screen, app, bob)
    await screen.open("/log")
    await until(lambda: said(screen) == ["said of the market", "said for bob"])
    say(app, log, "said live for alice", user_id=alice.id)
    say(app, log, "said live for bob", user_id=bob.id)
    await until(lambda: said(screen)[0] == "said live for bob")
    assert "said live for alice" not in said(screen)
    await come_in(screen, app, alice)
    await screen.open("/log")
    await until(lambda: len(said(screen)) == 4)
    assert "said for bob" not in said(screen)
    screen.find(marker="whole-house").click()
    await until(lambda: len(said(screen)) == 6)


async def test_a_paused_table_stands_still_and_counts_what_it_misses(screen: User, app: App, log: Logs) -> None:
    alice = await a_resident(app)
    say(app, log, "said before", user_id=alice.id)
    await come_in(screen, app, alice)
    await screen.open("/log")
    await until(lambda: said(screen) == ["said before"])
    screen.find(marker="pause").click()
    await screen.should_see("Reprendre")
    say(app, log, "said meanwhile", user_id=alice.id)
    await screen.should_see("Reprendre (1)")
    assert said(screen) == ["said before"]
    screen.find(marker="pause").click()
    await until(lambda: said(screen) == ["said meanwhile", "said before"])


async def test_filters_narrow_the_table_and_a_trace_in_the_address_is_one_of_them(screen: User, app: App, log: Logs) -> None:
    alice = await a_resident(app)
    say(app, log, "said here", user_id=alice.id, trace_id=TRACE)
    say(app, log, "said elsewhere", user_id=alice.id, service="web")
    await come_in(screen, app, alice)
    await screen.open(f"/log?trace={TRACE}")
    await until(lambda: said(screen) == ["said here"])
    screen.find(marker="log-trace").clear()
    await until(lambda: len(said(screen)) == 2)
    screen.find(marker="log-text").type("ELSEWHERE")
    await until(lambda: said(screen) == ["said elsewhere"])
    level: Any = next(iter(screen.find(marker="log-level").elements))
    level.set_value("ERROR")
    await screen.should_see("Aucune ligne de ce genre")


async def test_two_hundred_lines_are_shown_and_the_rest_is_paged_from_the_files(screen: User, app: App, log: Logs) -> None:
    alice = await a_resident(app)
    with log_context(user_id=alice.id):
        for number in range(ROWS + 5):
            logger.info("said {}", number)
    log.flush()
    await come_in(screen, app, alice)
    await screen.open("/log")
    await until(lambda: len(rows(screen)) == ROWS)
    for _page in range(3):
        if "said 0" in said(screen):
            break
        shown = rows(screen)
        screen.find("older").click()
        await until(lambda before=shown: rows(screen) != before)  # type: ignore[misc] # the lambda binds this turn's rows
    assert "said 0" in said(screen)
    screen.find("newer").click()
    await until(lambda: len(rows(screen)) == ROWS)


async def test_a_line_opens_with_everything_it_holds(screen: User, app: App, log: Logs) -> None:
    alice = await a_resident(app)
    with log_context(user_id=alice.id, trace_id=TRACE):
        logger.bind(order="xyz").info("said <b>in full</b>")
    log.flush()
    await come_in(screen, app, alice)
    await screen.open("/log")
    await until(lambda: said(screen))
    [row] = [row for row in rows(screen) if row["message"].startswith("said")]
    screen.find(LiveGrid).trigger("rowClicked", {"data": {"id": row["id"]}})
    await screen.should_see(TRACE)
    await screen.should_see('"order": "xyz"')
    screen.find(marker="follow-trace").click()
    await until(lambda: [row["trace"] for row in rows(screen)] == [TRACE[-8:]])


async def a_carried_out_alert(app: App, broker: Broker) -> Webhook:
    """An alert that bought: received at midnight, filled after 150 ms, finished after 180."""

    def at(milliseconds: int) -> Any:
        return MIDNIGHT + timedelta(milliseconds=milliseconds)

    done = {"status": WebhookStatus.PROCESSED, "outcome": WebhookOutcome.ORDERED, "finished_at": at(180)}
    alert: Webhook = await keep(
        app, a_webhook(broker, trace_id=TRACE, received_at=at(0), action="BuyMarket", symbol="BTC/USDT", **done)
    )
    held = await keep(app, a_position(broker, opened_at=at(150)))
    about: dict[str, Any] = {
        "trace_id": TRACE,
        "webhook_id": alert.id,
        "position_id": held.id,
        "created_at": at(20),
        "sent_at": at(30),
    }
    bought = await keep(app, an_order(broker, status=OrderStatus.FILLED, done_at=at(150), updated_at=at(150), **about))
    await keep(app, a_fill_row(bought, at=at(120)))
    stop = {"role": OrderRole.STOP, "status": OrderStatus.CANCELED, "done_at": at(86_400_000), "updated_at": at(86_400_000)}
    await keep(app, an_order(broker, **{**about, **stop, "webhook_id": None}))
    order = {"step": "order", "order": bought.id.hex, "status": "OPEN", "at": iso_milliseconds(at(100))}
    said = [({"step": "stored"}, 2), ({"step": "taken_up"}, 5), (order, 160)]
    lines = [
        {"ts": iso_milliseconds(at(after)), "level": "INFO", "service": "trading_engine", "trace_id": TRACE,
         "user_id": str(alert.user_id), "msg": "said", "where": "", "data": data}
        for data, after in said
    ]  # fmt: skip
    folder = app.settings.data_dir / "logs"
    (folder / "trading_engine.log").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return alert


async def test_the_path_of_an_alert_tells_each_step_with_its_delay(screen: User, app: App, log: Logs) -> None:
    alice = await a_resident(app)
    await a_carried_out_alert(app, await a_known_broker(app, alice))
    path = await follow(app.db, app.log_tail, app.clock, LogQuery(alice.id, trace_id=TRACE))
    assert [(step.stage, (step.at - MIDNIGHT) // timedelta(milliseconds=1), len(step.orders)) for step in path.steps] == [
        (Stage.RECEIVED, 0, 0),
        (Stage.STORED, 2, 0),
        (Stage.TAKEN_UP, 5, 0),
        (Stage.WRITTEN, 20, 2),
        (Stage.SENT, 30, 2),
        (Stage.ACCEPTED, 100, 1),
        (Stage.FILLED, 150, 1),
        (Stage.POSITION_OPENED, 150, 0),
        (Stage.FINISHED, 180, 0),
    ]
    assert not path.lacks_log
    await come_in(screen, app, alice)
    await screen.open(f"/log?trace={TRACE}")
    screen.find(marker="path").click()
    for words in (
        "180\u00a0ms au total",
        "+70\u00a0ms",
        "Ordre accepté",
        "horloge de l’exchange 01:00:00,120",
        "Position ouverte",
    ):
        await screen.should_see(words)


async def test_the_path_of_somebody_elses_alert_is_like_none(app: App, log: Logs, clock: ManualClock) -> None:
    alice, bob = await a_resident(app), await a_resident(app, name="bob", role=Role.TRADER)
    await a_carried_out_alert(app, await a_known_broker(app, alice))
    theirs = await follow(app.db, app.log_tail, clock, LogQuery(bob.id, trace_id=TRACE))
    nothing = await follow(app.db, app.log_tail, clock, LogQuery(bob.id, trace_id="f" * 32))
    assert theirs == nothing
    assert (theirs.webhook, theirs.steps, theirs.lines) == (None, [], [])


async def test_the_alert_itself_offers_its_path(screen: User, app: App, log: Logs) -> None:
    alice = await a_resident(app)
    alert = await a_carried_out_alert(app, await a_known_broker(app, alice))
    await come_in(screen, app, alice)
    await screen.open("/webhooks")
    await until(lambda: rows(screen))
    screen.find(LiveGrid).trigger("rowClicked", {"data": {"id": str(alert.id)}})
    await screen.should_see("Message reçu")
    screen.find(marker="path").click()
    await screen.should_see("180\u00a0ms au total")


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(0, "0\u00a0ms"), (12, "12\u00a0ms"), (1204, "1\u202f204\u00a0ms"), (12_345, "12,3\u00a0s"), (600_000, "10\u00a0min")],
)
def test_a_delay_is_written_as_one_reads_it(milliseconds: int, words: str) -> None:
    assert duration(timedelta(milliseconds=milliseconds)) == words


def test_two_alerts_of_one_moment_are_told_apart() -> None:
    now = MIDNIGHT
    ids = [new_row_id(now) for _ in range(2)]
    facts = {"ts": now.isoformat(), "level": "INFO", "service": "web"}
    shown = [log_row("1", facts | {"trace_id": one.hex, "msg": f"Alert {one} is taken up"}, now) for one in ids]
    assert [row["trace"] for row in shown] == [one.hex[-8:] for one in ids]
    assert [row["message"] for row in shown] == [f"Alert …{one.hex[-8:]} is taken up" for one in ids]
