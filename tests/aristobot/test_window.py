"""The desktop window, as far as it can be seen without a desktop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aristobot import window
from aristobot.bootstrap import ROOT
from aristobot.clock import SystemClock


def test_it_waits_until_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert window.wait_for(url, seconds=1)
    assert not window.wait_for(url, seconds=0.15)


@pytest.mark.parametrize("arguments", [[], ["not-an-address"], ["file:///etc/passwd"], ["http://a", "b", "c"]])
def test_wrong_usage_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert window.main(arguments) == 2
    assert "URL" in capsys.readouterr().err


POSIX = pytest.mark.skipif(os.name != "posix", reason="the stand-in for a browser is a script")
#: Engines that do not work: one that is not there, and one that lacks a library of the system and ends its process.
BROKEN = {"missing": "raise ImportError('no engine here')", "falling": "import os; os.abort()"}


def a_program(folder: Path, name: str) -> Path:
    """Put a program there that writes down what it was called with, a line each; the file it writes to."""
    program, seen = folder / name, folder / "seen"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{seen}'\n")
    program.chmod(0o755)
    return seen


def opened(folder: Path, **extra: str) -> tuple[str, subprocess.CompletedProcess[str]]:
    """The window on an address where somebody listens, with the programs and the engine of this folder alone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "aristobot.window", url, str(folder / "data")],
            env={"PATH": str(folder), "PYTHONPATH": f"{folder}:{ROOT}", "PYTHONUTF8": "1", **extra},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    return url, done


@POSIX
@pytest.mark.parametrize("engine", BROKEN)
def test_without_a_window_engine_any_chromium_shows_the_page_and_keeps_its_login(tmp_path: Path, engine: str) -> None:
    (tmp_path / "webview.py").write_text(BROKEN[engine])
    seen = a_program(tmp_path, "chromium")
    url, done = opened(tmp_path)
    assert done.returncode == 0
    assert "chromium shows the page in a window of its own" in done.stderr
    assert ("no engine here" in done.stderr) is (engine == "missing")
    arguments = seen.read_text().splitlines()
    assert arguments[0] == f"--app={url}"
    assert f"--user-data-dir={tmp_path / 'data' / 'window-browser'}" in arguments


@POSIX
def test_with_neither_engine_nor_chromium_the_browser_gets_the_page_and_its_address_is_said(tmp_path: Path) -> None:
    (tmp_path / "webview.py").write_text(BROKEN["missing"])
    seen = a_program(tmp_path, "any-browser")
    url, done = opened(tmp_path, BROWSER=f"{tmp_path / 'any-browser'} %s")
    assert done.returncode == 0
    assert "There is no native window here" in done.stderr
    assert f"The page is at {url}, in your browser" in done.stderr
    assert url in seen.read_text()


#: A window engine whose window stays open until somebody ends it.
PATIENT = """
import os, pathlib, time
settings = {}
def create_window(*words, **look): pass
def start(**how):
    pathlib.Path(os.environ["SEEN"]).write_text(str(os.getpid()))
    time.sleep(600)
"""


@POSIX
def test_the_window_closes_when_the_house_lets_go_of_it_and_not_by_a_ctrl_c_that_is_meant_for_the_house(tmp_path: Path) -> None:
    (tmp_path / "webview.py").write_text(PATIENT)
    seen = tmp_path / "seen"
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        window_process = subprocess.Popen(
            [sys.executable, "-m", "aristobot.window", "--leash", url],
            env={"PATH": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{ROOT}", "SEEN": str(seen)},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        waiting = SystemClock()
        while not (seen.exists() and seen.read_text()) and window_process.poll() is None:
            asyncio.run(waiting.sleep(0.05))
        window_process.send_signal(signal.SIGINT)
        assert window_process.poll() is None
        _, said = window_process.communicate(timeout=60)
        assert (window_process.returncode, said) == (0, b"")
    with pytest.raises(ProcessLookupError):
        os.kill(int(seen.read_text()), 0)


@POSIX
def test_whoever_closes_the_window_reads_that_the_house_keeps_working(tmp_path: Path) -> None:
    (tmp_path / "webview.py").write_text("settings = {}\ndef create_window(*words, **look): pass\ndef start(**how): pass\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        window_process = subprocess.Popen(
            [sys.executable, "-m", "aristobot.window", "--leash", url],
            env={"PATH": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{ROOT}"},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert window_process.wait(60) == 0
        _, said = window_process.communicate()
    assert said == f"The window is closed. Aristobot keeps working: {url}\n"


#: A window engine that shows nothing: it remembers how it was asked, and plays a page that tells something.
ENGINE = """
import json, os, pathlib
settings, asked = {}, {}
def create_window(title, url, js_api, **look):
    asked.update(title=title, url=url, api=js_api, look=sorted(look))
def start(**how):
    told = asked.pop("api").tell('Aristobot – "Ordre"', "-h; rm $(x) 'BTC'")
    pathlib.Path(os.environ["SEEN"]).write_text(json.dumps({**asked, "told": told, "private": how["private_mode"]}))
"""


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="the stand-in is a script for a Linux desktop")
@pytest.mark.parametrize("with_program", [True, False])
def test_the_window_hands_the_pages_news_to_the_desktop_word_for_word(tmp_path: Path, with_program: bool) -> None:
    (tmp_path / "webview.py").write_text(ENGINE)
    if with_program:
        program = tmp_path / "notify-send"
        program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{tmp_path}/shown'\n")
        program.chmod(0o755)
    url, done = opened(tmp_path, SEEN=str(tmp_path / "seen"))
    assert (done.returncode, done.stderr) == (0, "")
    seen = json.loads((tmp_path / "seen").read_text("utf-8"))
    assert (seen["url"], seen["told"], seen["private"]) == (url, with_program, False)  # a kept storage keeps the login
    if with_program:
        shown = (tmp_path / "shown").read_text("utf-8").splitlines()
        assert shown == ["--app-name=Aristobot", "--", 'Aristobot – "Ordre"', "-h; rm $(x) 'BTC'"]


@pytest.mark.parametrize(("platform", "program"), [("darwin", "osascript"), ("win32", "powershell"), ("linux", "notify-send")])
def test_no_desktop_gets_words_as_code(platform: str, program: str) -> None:
    hostile = "'; Remove-Item C:\\ #"
    command = window.notifier(platform, hostile, hostile)
    assert command[0] == program
    assert not [word for word in command if hostile in word and word != hostile]
