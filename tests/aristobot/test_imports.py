"""What a package would bring along only because it is installed stays away, and whoever needs it finds it."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from aristobot.imports import without


def test_a_package_is_not_there_meanwhile_and_is_there_afterwards() -> None:
    sys.modules.pop("this", None)
    with without("this"), pytest.raises(ImportError):
        importlib.import_module("this")
    assert "this" not in sys.modules


def test_what_was_imported_before_stays() -> None:
    with without("json"):
        assert importlib.import_module("json").loads("1") == 1


def test_it_is_there_again_after_an_error() -> None:
    with pytest.raises(RuntimeError), without("this"):
        raise RuntimeError
    assert "this" not in sys.modules


def test_who_needs_the_clients_finds_them_beside_the_screen() -> None:
    code = (
        "import pages, sys; pages.leave_clients_out(); import nicegui; assert 'aiohttp' not in sys.modules; "
        "import aiohttp, requests; print(aiohttp.ClientSession.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "ClientSession"
