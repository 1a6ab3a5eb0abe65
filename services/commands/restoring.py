"""`restore`, `verify`: what is remembered, or a backup of it, looked at and put in place."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from aristobot.clock import SystemClock
from aristobot.language import _, explain
from aristobot.settings import Settings
from aristobot.store.carrying import address
from aristobot.store.restoring import restore as put_back
from aristobot.store.safekeeping import opened_backup
from aristobot.store.shelf import Shelf
from aristobot.store.verification import Check, Report
from aristobot.store.verification import verify as look_at
from aristobot.vault import Vault
from services.commands.memory_access import OPERATOR, alone
from services.commands.options import settings_of
from services.key_rotation import Adopted, adopt, unopened_in

CHECK_FAILED = 7


def add_to(cli: typer.Typer) -> None:
    """Hang the commands on the parser."""
    cli.command("restore")(restore)
    cli.command("verify")(verify)


def restore(ctx: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup")]) -> None:
    """Put a backup in the place of the database; trading then waits for a human"""
    settings, outcome = settings_of(ctx), []
    with alone(settings):
        header = put_back(
            settings.database_url,
            file,
            Shelf.of(settings),
            SystemClock().now(),
            by=OPERATOR.name,
            then=lambda url: outcome.append(adopt(url, settings.master_key_file)),
        )
    if header is None:
        print(_("This backup was not sealed: anybody who has the file can read it."), file=sys.stderr)
    for adopted in outcome:
        _tell(adopted, settings)
    print(_("The backup is in place. Trading is halted: look at your exchanges, then resume."), file=sys.stderr)


def _tell(adopted: Adopted, settings: Settings) -> None:
    """What of a restored memory is not as it was."""
    path = settings.master_key_file
    if adopted.sealed:
        print(_("Sealed again with today's key: {count}.", count=adopted.sealed), file=sys.stderr)
    if adopted.lost:
        words = _(
            "{count} keys or secrets were sealed with a key that {path} does not hold: enter them anew.",
            count=adopted.lost,
            path=path,
        )
        print(words, file=sys.stderr)
    if not adopted.audit_holds:
        print(_("The audit in the backup does not hold under the keys in {path}: look into it.", path=path), file=sys.stderr)


def verify(
    ctx: typer.Context, file: Annotated[str, typer.Argument(metavar="FILE", help="A backup, instead of the database")] = ""
) -> int:
    """Check integrity, migrations, seals and invariants; answers in JSON"""
    settings = settings_of(ctx)
    if file:
        return _verify_backup(settings, Path(file))
    vault = Vault.open_or_create(settings.master_key_file)
    report = look_at(settings.database_url, vault.derive("audit"))
    if all(check.passed for check in report.checks if check.name in ("integrity", "revision")):
        lost = unopened_in(settings.database_url, vault)
        words = explain("error.seals_unopened", {"count": lost, "path": settings.master_key_file})
        report = Report((*report.checks, Check("seals", (words,) if lost else ())))
    print(json.dumps(report.as_json(), default=str))
    return 0 if report.passed else CHECK_FAILED


def _verify_backup(settings: Settings, file: Path) -> int:
    """As a restore would open it; nothing is replaced."""
    with opened_backup(file, Shelf.of(settings)) as opened:
        keys = Vault.open_or_create(settings.master_key_file).derive_ever("audit")
        reports = [look_at(address(opened.file), key) for key in keys]
    report = next((one for one in reports if one.passed), reports[0])
    header = opened.header
    said = {
        "file": str(file),
        "sealed": header is not None,
        "key": header and header.key_id,
        "created": header and header.created,
    }
    print(json.dumps({**report.as_json(), "backup": said}, default=str))
    return 0 if report.passed else CHECK_FAILED
