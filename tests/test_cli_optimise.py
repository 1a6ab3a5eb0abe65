"""Searches from the command line: the table of the best, what speaks against them, going on, and what cannot be searched."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aristobot.candle_files import CandleFiles
from aristobot.candle_series import CandleSeries
from aristobot.market import Timeframe
from services.cli import main
from tests.cli_house import alone_in
from tests.services.searching import WAVES, waves

SERIES = ("--exchange", "binance", "--symbol", "BTC/USDT", "--timeframe", "1h", "--since", "2024-01-01", "--until", "2024-02-20")


class House:
    """The command line against a data folder with candles, an administrator and a strategy."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.strategy = folder / "waves.py"
        self.err = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run one command; its standard output."""
        result = main([*words, "--data-dir", str(self.folder), "--language", "en"], lambda _: 0)
        out, self.err = self._capsys.readouterr()
        assert result == code, (words, result, out, self.err)
        return out.strip()


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> House:
    """A house with 1,200 hours."""
    alone_in(tmp_path, monkeypatch)
    (tmp_path / "word").write_text("a long enough password 7\n")
    house = House(tmp_path / "data", capsys)
    house("init", "--admin", "ada", "--password-file", str(tmp_path / "word"))
    CandleFiles(house.folder).merge(CandleSeries("binance", "BTC/USDT", Timeframe.H1), waves(), datetime(2026, 1, 1, tzinfo=UTC))
    house.strategy.write_text(WAVES)
    return house


def test_the_best_stand_in_a_table_with_what_speaks_against_them_and_the_study_is_kept(house: House) -> None:
    table = house(
        "optimise", str(house.strategy), *SERIES, "--trials", "20", "--goal", "net_profit", "--least-trades", "3",
        "--workers", "1", "--param", "leave=12", "--param", "enter=20:45:5", "--sampler", "grid", "--json", "found.json",
    )  # fmt: skip

    head, best, *_others = table.splitlines()
    assert head.split()[-2:] == ["leave", "enter"] or head.split()[-2:] == ["enter", "leave"]
    assert "35" in best.split()
    assert "On the unseen candles" in house.err
    assert re.search(r"⚠ Only \d+ trades closed", house.err)
    found = json.loads(Path("found.json").read_text())
    assert found["tried"] == 6
    with closing(sqlite3.connect(house.folder / "aristobot.db")) as rows:
        assert rows.execute("SELECT strategy, status FROM studies").fetchall() == [("Waves", "done")]
        study = rows.execute("SELECT lower(hex(id)) FROM studies").fetchone()[0]
        kept = rows.execute("SELECT id FROM studies").fetchone()[0]

    again = house("optimise", str(kept) if isinstance(kept, str) else study, "--workers", "1")
    assert again == table


def test_what_cannot_be_searched_is_said_in_one_line(house: House) -> None:
    for words, sentence in (
        ("--goal beauty", "no figure beauty"),
        ("--param slow=3:9", "no parameter slow"),
        ("--param enter=7 --param leave=9", "Nothing varies"),
        ("--param enter=9:7", "cannot be 9:7"),
        ("--sampler genetic", "Choose one of: tpe, grid, random"),
        ("--trials many", "whole number"),
        ("--scheme split --train 5", "between 10 and 95"),
        ("--until 2024-01-02", "too few for a search"),
        ("--user nobody", "no user nobody"),
    ):
        house("optimise", str(house.strategy), *SERIES, *words.split(), code=2)

        assert sentence in house.err
        assert len(house.err.strip().splitlines()) == 1
