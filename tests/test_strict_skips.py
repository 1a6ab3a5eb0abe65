"""Where everything is said to be installed, skipping is failing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT

SKIPS = """
import pytest

def test_passes(): pass

def test_skips(): pytest.skip("no browser here")

@pytest.mark.skipif(True, reason="no server here")
def test_is_skipped(): pass

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail(): assert False
"""
SKIPS_ALTOGETHER = 'import pytest\npytest.skip("not on this machine", allow_module_level=True)\n'


@pytest.mark.parametrize(
    ("content", "required", "outcome"),
    [
        (SKIPS, "0", "1 passed, 2 skipped, 1 xfailed"),
        (SKIPS, "1", "1 failed, 1 passed, 1 xfailed, 1 error"),
        (SKIPS_ALTOGETHER, "0", "1 skipped"),
        (SKIPS_ALTOGETHER, "1", "1 error"),
    ],
    ids=["tests-at-home", "tests-in-ci", "file-at-home", "file-in-ci"],
)
def test_a_skip_is_a_failure_where_everything_is_required(tmp_path: Path, content: str, required: str, outcome: str) -> None:
    (tmp_path / "test_it.py").write_text(content)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "tests.strict_skips",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "ARISTOBOT_REQUIRE_ALL": required},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome in done.stdout
    if required == "1":
        assert "skipped where everything is required" in done.stdout
