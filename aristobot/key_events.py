"""What happens to the keys of brokers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from aristobot.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDoubted(Event):
    """An exchange refused a broker's key, or took one that it had refused: the key is worth a look."""

    broker_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyJudged(Event):
    """A key that was in order is not any more, for the reason that `code` and `facts` tell; or is again: no code."""

    broker_id: uuid.UUID
    code: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
