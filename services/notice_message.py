"""From lines behind the bell to one message that leaves the house, in its reader's language."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from aristobot.language import _, use_language
from aristobot.store.notice_tables import Notification
from services.notice_words import kind_title, sentence_of
from services.notifiers.channel import Item, Message

#: A message tells so many in full; of the rest it tells how many they are.
MOST_LINES = 10


def compose(rows: Sequence[Notification], batch: uuid.UUID, language: str, now: datetime) -> Message:
    """One message for these lines, oldest first."""
    with use_language(language):
        title = kind_title(rows[0].kind) if len(rows) == 1 else _("{count} notifications", count=len(rows))
        lines = [sentence_of(rows[0])] if len(rows) == 1 else [f"• {_whole(row)}" for row in rows[-MOST_LINES:]]
        if len(rows) > MOST_LINES:
            lines.insert(0, _("{count} earlier ones stand in the list on the screen.", count=len(rows) - MOST_LINES))
        items = tuple(
            Item(str(row.id), row.kind.value, row.code, sentence_of(row), row.last_at, row.count, row.facts or {}) for row in rows
        )
    return Message(id=str(batch), title=title, text="\n".join(lines), at=now, items=items)


def _whole(row: Notification) -> str:
    return _("{title}: {words}", title=kind_title(row.kind), words=sentence_of(row))


def trial(language: str, now: datetime) -> Message:
    """A message that says that it is only a test."""
    with use_language(language):
        return Message(str(uuid.uuid4()), _("Test"), _("This is a test: notifications arrive here."), now)
