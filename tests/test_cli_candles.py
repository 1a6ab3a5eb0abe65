"""The candle store from the command line: a file read in, a history fetched from the simulated exchange, a list of what is there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aristobot.candle_files import CandleFiles
from services.cli import main
from tests.cli_house import alone_in
from tests.house import ROOT


class House:
    """The command line against a data folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.err = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run one command; its standard output."""
        result = main(["candles", *words, "--data-dir", str(self.folder), "--language", "en"], lambda _: 0)
        out, self.err = self._capsys.readouterr()
        assert result == code, (words, result, out, self.err)
        return out.strip()


@pytest.fixture
def house(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> House:
    """A house without candles, in a folder without `.env`."""
    alone_in(tmp_path, monkeypatch)
    return House(tmp_path / "data", capsys)


@pytest.fixture
def simulator() -> Iterator[str]:
    """The address of a simulated exchange in a process of its own."""
    command = [sys.executable, "-m", "aristobot", "simulator", "--port", "0", "--control-port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())["url"]
        running.terminate()


def test_a_file_is_read_in_and_listed(house: House, tmp_path: Path) -> None:
    file = tmp_path / "binance_BTCUSDT_1h_2024.csv"
    rows = [(1_703_923_200_000 + hour * 3_600_000, 100, 102, 99, 101, 7) for hour in range(48) if hour not in (5, 6)]
    file.write_text("t,o,h,l,c,v\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    house("import", str(file))
    assert "46 candles added of 46" in house.err
    assert "2 candles are missing" in house.err
    house("import", str(file))
    assert "0 candles added of 46" in house.err

    (listed,) = json.loads(house("list", "--json"))
    named = ("exchange", "symbol", "timeframe", "candles", "missing", "first")
    assert tuple(listed[name] for name in named) == ("binance", "BTC/USDT", "1h", 46, 2, "2023-12-30T08:00:00.000Z")
    assert house("list").startswith("binance  BTC/USDT  1h")


def test_what_cannot_be_read_names_the_line_and_the_cure(house: House, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("t,o,h,l,c,v\n1703923200000,1,1,1,1,1\n1703926800000,1,1,1,one,1\n")

    house("import", str(file), code=2)
    assert "--exchange" in house.err
    house("import", str(file), "--exchange", "kraken", "--symbol", "BTC/EUR", code=2)
    assert "3" in house.err
    assert "close" in house.err
    house("import", str(tmp_path / "nowhere.csv"), "--exchange", "kraken", "--symbol", "BTC/EUR", code=2)
    house("download", "binance", "BTCUSDT", "1h", "--since", "last year", code=2)
    house("download", "nowhere", "BTCUSDT", "1h", "--since", "2024-01-01", code=2)
    house("download", "kraken", "BTCUSDT", "3m", "--since", "2024-01-01", code=2)
    assert "3m" in house.err
    assert json.loads(house("list", "--json")) == []


def test_a_history_is_fetched_and_fetched_no_second_time(house: House, simulator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARISTOBOT_BINANCE_REST_URL", f"{simulator}/binance")
    wanted = ("download", "binance", "BTCUSDT", "1h", "--since", "2026-01-01", "--until", "2026-03-01T12:00")

    house(*wanted)
    assert "1428 candles added" in house.err
    assert "100%" in house.err
    house(*wanted)
    assert "0 candles added" in house.err

    (summary,) = CandleFiles(house.folder).listing()
    assert (summary.candles, summary.holes) == (1428, ())


def _hear_ctrl_c() -> None:
    """Whoever was started in the background of a script hands down that Ctrl-C is for others."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


async def test_a_stopped_download_ends_in_order(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aristobot", "candles", "download", "binance", "BTC/USDT", "1m", "--since", "2020-01-01"]
    environ = {**os.environ, "ARISTOBOT_BINANCE_REST_URL": "http://127.0.0.1:9"}
    running = await asyncio.create_subprocess_exec(
        *command, "--data-dir", str(tmp_path), cwd=ROOT, env=environ, stderr=asyncio.subprocess.PIPE, preexec_fn=_hear_ctrl_c
    )
    assert running.stderr is not None
    assert b"0%" in await running.stderr.readline()
    running.send_signal(2)
    async with asyncio.timeout(15):
        assert await running.wait() == 130
    assert b"Traceback" not in await running.stderr.read()
