"""What happens to strategies at work, as facts on the bus."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from aristobot.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationUpdated(Event):
    """An activation was made, changed, decided something or is gone; its row says what."""

    activation_id: uuid.UUID

    @property
    def key(self) -> object:
        """One per activation."""
        return self.activation_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyFailed(Event):
    """A strategy at work does not enter any more: it fell in its own code, or its process broke its limits three times.

    `code` and `facts` say why; `paused` whether it is not even asked any more.
    """

    activation_id: uuid.UUID
    strategy: str
    symbol: str
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySpoke(Event):
    """A strategy tells its owner something."""

    activation_id: uuid.UUID
    strategy: str
    symbol: str
    text: str
