"""`doctor`: one line per check, with the cure."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
import sys
import webbrowser
from dataclasses import asdict
from typing import Annotated

import typer

from aristobot.errors import AristobotError
from aristobot.language import _, explain
from aristobot.settings import Settings
from aristobot.store.verification import verify
from aristobot.vault import Vault
from services.commands.doctor_alerts import alert_findings
from services.commands.doctor_exchanges import exchange_findings
from services.commands.doctor_ground import ground_finding
from services.commands.finding import Finding
from services.commands.options import settings_of
from services.strategy_host import isolation_here

CHECK_FAILED = 7
_ENOUGH_DISK = 500 * 1024 * 1024


def add_to(cli: typer.Typer) -> None:
    """Hang the command on the parser."""
    cli.command("doctor")(doctor)


def doctor(ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON")] = False) -> int:
    """Look whether everything Aristobot needs is there, and say what helps"""
    settings = settings_of(ctx)
    here = [
        _python(),
        _database(settings),
        ground_finding(settings),
        _disk(settings),
        _browser(),
        _window(),
        asyncio.run(_strategies()),
    ]
    readable = all(one.state != "failed" for one in here if one.check == "database")
    findings = [*here, *asyncio.run(exchange_findings(settings)), *asyncio.run(alert_findings(settings, readable=readable))]
    if as_json:
        print(json.dumps({"ok": _all_well(findings), "checks": [asdict(one) for one in findings]}))
    else:
        signs = {"ok": "✓", "warning": "!", "failed": "✗"}
        for one in findings:
            print(f"{signs[one.state]} {one.check}: {one.detail}" + (f"  → {one.cure}" if one.cure else ""))
    return 0 if _all_well(findings) else CHECK_FAILED


def _all_well(findings: list[Finding]) -> bool:
    return all(one.state != "failed" for one in findings)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding("python", "ok", version)
    return Finding("python", "warning", version, _("Aristobot is tried with Python 3.11 to 3.13. Install one of those."))


def _database(settings: Settings) -> Finding:
    try:
        report = verify(settings.database_url, Vault.open_or_create(settings.master_key_file).derive("audit"))
    except AristobotError as error:
        cure = _("Check --database-url, or create the database with: aristobot init --admin NAME")
        return Finding("database", "failed", explain(error), cure)
    wrong = [problem for check in report.checks for problem in check.problems]
    if wrong:
        return Finding("database", "failed", "; ".join(wrong[:3]), _("Restore a backup: aristobot restore FILE"))
    return Finding("database", "ok", "SQLite" if settings.is_sqlite else "PostgreSQL")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data_dir).free
    detail = _("{free} MB free", free=free // 1024**2)
    if free >= _ENOUGH_DISK:
        return Finding("disk", "ok", detail)
    return Finding("disk", "failed", detail, _("Free at least 500 MB, or move the data folder with --data-dir."))


def _browser() -> Finding:
    try:
        found = webbrowser.get().name
    except webbrowser.Error:
        return Finding("browser", "warning", _("none found"), _("Open the address from another machine, or run with --headless."))
    return Finding("browser", "ok", str(found))


def _window() -> Finding:
    if importlib.util.find_spec("webview") is None:
        return Finding("window", "warning", _("none found"), _("Install it with: pip install pywebview"))
    return Finding("window", "ok", "pywebview")


async def _strategies() -> Finding:
    """How far the code of strategies is kept from everything else on this system."""
    try:
        isolation = await isolation_here()
    except (AristobotError, OSError) as error:
        detail = explain(error) if isinstance(error, AristobotError) else str(error)
        return Finding(
            "strategies", "failed", detail, _("Strategies cannot run here. Look into the log, and at the Python installation.")
        )
    detail = f"{explain(isolation.level.value)} ({', '.join(explain(wall.value) for wall in isolation.walls)})"
    if isolation.is_sealed:
        return Finding("strategies", "ok", detail)
    cure = _("Run only strategies whose code you trust here; on Linux 5.13 and later the kernel itself keeps them in.")
    return Finding("strategies", "warning", detail, cure)
