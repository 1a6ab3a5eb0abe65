"""The log read back from its files: every line once, the newest first, and nobody reads what is somebody else's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.log_archive import MOST_LOOKED_AT, LogQuery, Place, read_back, services_in

ANNA, BEN = uuid.UUID(int=1), uuid.UUID(int=2)
EVERYTHING = LogQuery(ANNA, administrator=True, whole_house=True)


def a_line(second: float = 0, msg: str = "hello", **differences: Any) -> dict[str, Any]:
    """A line as the writer writes it, so many seconds after noon."""
    minutes, rest = divmod(second, 60)
    moment = f"2026-11-21T12:{int(minutes):02d}:{rest:06.3f}Z"
    facts = {"ts": moment, "level": "INFO", "service": "web", "trace_id": "", "user_id": None, "msg": msg, "where": "a:b:1"}
    return {**facts, **differences}


def write(folder: Path, files: Mapping[str, list[dict[str, Any]]]) -> None:
    """These files with these lines."""
    for name, lines in files.items():
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def paged(folder: Path, query: LogQuery, limit: int, most: int = MOST_LOOKED_AT) -> Iterator[list[dict[str, Any]]]:
    """Every page, from the newest to the last."""
    place: Place | None = None
    while True:
        page = read_back(folder, query, place, limit, most)
        yield page.lines
        place = page.older
        if place is None:
            return


def told(folder: Path, query: LogQuery) -> list[str]:
    """What the first page says."""
    return [line["msg"] for line in read_back(folder, query, None, 100).lines]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab"), st.sampled_from("xyz")), max_size=60), st.integers(1, 7))
def test_every_line_comes_once_however_many_share_a_moment_and_a_text(said: list[tuple[int, str, str]], limit: int) -> None:
    said = sorted(said, key=lambda one: one[0])
    lines = [a_line(at / 1000, text, service=service) for at, service, text in said]
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, {f"{one}.log": [line for line in lines if line["service"] == one] for one in "ab"})
        found = [line for page in paged(folder, EVERYTHING, limit) for line in page]
    assert [line["ts"] for line in found] == [line["ts"] for line in reversed(lines)]
    assert sorted(map(str, found)) == sorted(map(str, lines))


def test_the_files_of_a_service_and_of_all_services_are_one_story(tmp_path: Path) -> None:
    older, newer = [a_line(1, "one"), a_line(3, "three")], [a_line(5, "five")]
    write(tmp_path, {"web.2.log": [a_line(0, "nought")], "web.1.log": older, "web.log": newer})
    write(tmp_path, {"heartbeat.log": [a_line(2, "two"), a_line(4, "four")], "notes.txt": [a_line(9, "no log")]})
    assert told(tmp_path, EVERYTHING) == ["five", "four", "three", "two", "one", "nought"]
    assert told(tmp_path, replace(EVERYTHING, service="web")) == ["five", "three", "one", "nought"]
    assert services_in(tmp_path) == {"web", "heartbeat"}


def test_a_moment_in_a_long_file_is_found_without_reading_what_is_younger(tmp_path: Path) -> None:
    lines = [a_line(number / 10, f"number {number}" + "x" * 100) for number in range(5000)]
    write(tmp_path, {"web.log": lines})
    for wanted in (0, 1, 777, 2500, 4998, 4999):
        page = read_back(tmp_path, EVERYTHING, Place(lines[wanted]["ts"]), 3)
        assert page.lines == lines[max(0, wanted - 2) : wanted + 1][::-1]


def test_half_a_line_of_a_power_cut_and_foreign_text_are_left_out(tmp_path: Path) -> None:
    whole = json.dumps(a_line(2, "whole"))
    (tmp_path / "web.log").write_text(f'Traceback\n{{"ts": "2026-11-21T12:00:01.000Z", "lev\n[1]\n{whole}\n', "utf-8")
    assert told(tmp_path, EVERYTHING) == ["whole"]


def test_a_search_that_looks_through_too_much_stops_and_goes_on(tmp_path: Path) -> None:
    lines = [a_line(number, "wanted" if number in (3, 40) else "other") for number in range(50)]
    write(tmp_path, {"web.log": lines})
    query = replace(EVERYTHING, text="Wanted")
    first = read_back(tmp_path, query, None, 10, most=20)
    assert (len(first.lines), first.complete) == (1, False)
    pages = list(paged(tmp_path, query, 10, most=20))
    assert [line["ts"] for page in pages for line in page] == [lines[40]["ts"], lines[3]["ts"]]
    assert len(pages) == 3


def test_the_filters_narrow_what_is_shown(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "web.log": [
                a_line(1, "plain", level="DEBUG"),
                a_line(2, "traced", trace_id="abcdef" + "0" * 26),
                a_line(3, "bad", level="ERROR", error="ValueError: Étrange"),
                a_line(4, "told", data={"order": "xyz"}),
            ]
        },
    )
    assert told(tmp_path, replace(EVERYTHING, level="WARNING")) == ["bad"]
    assert told(tmp_path, replace(EVERYTHING, level="INFO")) == ["told", "bad", "traced"]
    assert told(tmp_path, replace(EVERYTHING, trace_id="abcd")) == ["traced"]
    assert told(tmp_path, replace(EVERYTHING, trace_id="ef00")) == ["traced"]
    assert told(tmp_path, replace(EVERYTHING, text="étrange")) == ["bad"]
    assert told(tmp_path, replace(EVERYTHING, text="XYZ")) == ["told"]
    assert told(tmp_path, replace(EVERYTHING, since=a_line(3)["ts"])) == ["told", "bad"]


def test_who_runs_nothing_reads_their_own_lines_and_what_concerns_the_market_or_the_machine(tmp_path: Path) -> None:
    lines = [
        a_line(1, "mine", user_id=str(ANNA), level="DEBUG"),
        a_line(2, "ben's", user_id=str(BEN)),
        a_line(3, "sign-in refused", service="aristobot"),
        a_line(4, "order of somebody", service="order_monitor"),
        a_line(5, "candles are late", service="heartbeat", level="WARNING"),
        a_line(6, "chatter", service="heartbeat", level="DEBUG"),
        a_line(7, "ben's candle", service="heartbeat", user_id=str(BEN)),
    ]
    write(tmp_path, {"all.log": lines})
    assert told(tmp_path, LogQuery(ANNA)) == ["candles are late", "mine"]
    assert told(tmp_path, LogQuery(ANNA, whole_house=True)) == ["candles are late", "mine"]
    assert told(tmp_path, LogQuery(BEN)) == ["ben's candle", "candles are late", "ben's"]
    ownerless = ["chatter", "candles are late", "order of somebody", "sign-in refused"]
    assert told(tmp_path, LogQuery(ANNA, administrator=True)) == [*ownerless, "mine"]
    assert len(told(tmp_path, EVERYTHING)) == len(lines)
