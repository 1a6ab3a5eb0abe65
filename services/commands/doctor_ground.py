"""The doctor's line about the ground: which database library, on what kind of disk."""

from __future__ import annotations

import sqlite3

from aristobot.errors import ConfigurationError
from aristobot.language import explain
from aristobot.settings import Settings
from aristobot.store.ground import refuse_network_share, weaknesses
from services.commands.finding import Finding


def ground_finding(settings: Settings) -> Finding:
    """Whether the database may lie where it does, and what is weak under it; the words hold the cure."""
    try:
        refuse_network_share(settings.database_url, settings.data_dir)
    except ConfigurationError as error:
        return Finding("ground", "failed", explain(error))
    weak = [explain(one.code, one.facts) for one in weaknesses(settings.database_url)]
    sound = f"SQLite {sqlite3.sqlite_version}" if settings.is_sqlite else "PostgreSQL"
    return Finding("ground", "warning", " ".join(weak)) if weak else Finding("ground", "ok", sound)
