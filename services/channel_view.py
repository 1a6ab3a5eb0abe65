"""A channel as it may be shown, and its secrets as they are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aristobot.logs import hide
from aristobot.notices import Outlet
from aristobot.store.notice_tables import NotificationChannel
from aristobot.vault import Vault


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as it may be shown: never its secrets. `fault` is an error's code, empty while it works."""

    channel: Outlet
    enabled: bool
    settings: Mapping[str, Any]
    fault: str
    fault_facts: Mapping[str, Any]
    failing_since: datetime | None
    worked_at: datetime | None

    @property
    def ready(self) -> bool:
        """Whether messages can leave: a bot needs a chat before."""
        return self.channel is not Outlet.TELEGRAM or bool(self.settings.get("chat_id"))


def view_of(row: NotificationChannel) -> ChannelView:
    """The channel of a row."""
    return ChannelView(
        channel=row.channel,
        enabled=row.enabled,
        settings=dict(row.settings or {}),
        fault=row.fault,
        fault_facts=dict(row.fault_facts or {}),
        failing_since=row.failing_since,
        worked_at=row.worked_at,
    )


def sealed(vault: Vault, row: NotificationChannel, secret: Mapping[str, str]) -> str:
    """The secrets of a channel, sealed for its row alone."""
    return vault.seal(json.dumps(dict(secret)), *_place(row))


def opened(vault: Vault, row: NotificationChannel) -> dict[str, str]:
    """The secrets of a channel. Raises SealBroken."""
    if not row.secret_sealed:
        return {}
    found: dict[str, str] = json.loads(vault.unseal(row.secret_sealed, *_place(row)))
    hide(*(value for value in found.values() if value))
    return found


def _place(row: NotificationChannel) -> tuple[str, ...]:
    return "notification_channels", str(row.user_id), str(row.id), "secret"
