"""The desktop window, as far as it can be seen without a desktop."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aristobot import window
from aristobot.bootstrap import ROOT


def test_it_waits_until_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert window.wait_for(url, seconds=1)
    assert not window.wait_for(url, seconds=0.15)


@pytest.mark.parametrize("arguments", [[], ["not-an-address"], ["file:///etc/passwd"], ["http://a", "b", "c"]])
def test_wrong_usage_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert window.main(arguments) == 2
    assert "URL" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for a browser is a script")
def test_without_a_window_engine_any_chromium_shows_the_page_and_keeps_its_login(tmp_path: Path) -> None:
    (tmp_path / "webview.py").write_text("raise ImportError('no engine here')")
    browser = tmp_path / "chromium"
    browser.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{tmp_path}/seen'\n")
    browser.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "aristobot.window", url, str(tmp_path / "data")],
            env={"PATH": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{ROOT}"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0
    assert "no engine here" in done.stderr
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen[0] == f"--app={url}"
    assert f"--user-data-dir={tmp_path / 'data' / 'window-browser'}" in seen


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
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "aristobot.window", url],
            env={"PATH": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{ROOT}", "SEEN": str(tmp_path / "seen"), "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    seen = json.loads((tmp_path / "seen").read_text("utf-8"))
    assert (seen["url"], seen["told"], seen["private"]) == (url, with_program, True)
    if with_program:
        shown = (tmp_path / "shown").read_text("utf-8").splitlines()
        assert shown == ["--app-name=Aristobot", "--", 'Aristobot – "Ordre"', "-h; rm $(x) 'BTC'"]


@pytest.mark.parametrize(("platform", "program"), [("darwin", "osascript"), ("win32", "powershell"), ("linux", "notify-send")])
def test_no_desktop_gets_words_as_code(platform: str, program: str) -> None:
    hostile = "'; Remove-Item C:\\ #"
    command = window.notifier(platform, hostile, hostile)
    assert command[0] == program
    assert not [word for word in command if hostile in word and word != hostile]
