"""Turns skipping into failing where everything is said to be installed (`ARISTOBOT_REQUIRE_ALL=1`)."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


def everything_is_required() -> bool:
    """Whether this run may not skip."""
    return os.environ.get("ARISTOBOT_REQUIRE_ALL") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that skips itself has failed; one that is expected to fail (xfail) has not."""
    report = yield
    if everything_is_required() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped where everything is required: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole file that skips itself has failed as well."""
    report = yield
    if everything_is_required() and report.outcome == "skipped":
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped where everything is required: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
