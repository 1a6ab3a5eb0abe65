"""What the keeper has on its mind: positions whose exits are not, or not yet surely, as they should be."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field


@dataclass(slots=True)
class Watch:
    """Positions that need another look, by id; all moments are monotonic seconds. Lost with the process: a start looks at all."""

    unfinished: set[uuid.UUID] = field(default_factory=set)
    naked_since: dict[uuid.UUID, float] = field(default_factory=dict)
    alarmed: set[uuid.UUID] = field(default_factory=set)
    #: Exits in doubt beside which new ones were placed: the funds do not suffice for both.
    outdone: set[uuid.UUID] = field(default_factory=set)
    #: When somebody has to be looked at once more: a change in place may have come true late, or a move came too early.
    look_again: dict[uuid.UUID, float] = field(default_factory=dict)
    #: When the exits of a position were last taken back for others.
    moved_at: dict[uuid.UUID, float] = field(default_factory=dict)
    #: Until when no watched target of a position is taken: the last try came to nothing.
    resting_until: dict[uuid.UUID, float] = field(default_factory=dict)

    #: Since when the price is beyond a stop that rests all the same.
    passed_since: dict[uuid.UUID, float] = field(default_factory=dict)

    def naked(self, position_id: uuid.UUID, now: float) -> None:
        """Its stop is away from now on, unless it was before."""
        self.naked_since.setdefault(position_id, now)

    def rests(self, position_id: uuid.UUID) -> None:
        """Everything is as it should be."""
        self.unfinished.discard(position_id)
        self.naked_since.pop(position_id, None)
        self.alarmed.discard(position_id)

    def forget(self, position_id: uuid.UUID) -> None:
        """The position is out."""
        self.rests(position_id)
        self.look_again.pop(position_id, None)
        self.resting_until.pop(position_id, None)
        self.moved_at.pop(position_id, None)
        self.passed_since.pop(position_id, None)

    def due(self, now: float) -> set[uuid.UUID]:
        """Who has to be looked at now."""
        later = {position_id for position_id, when in self.look_again.items() if when <= now}
        return self.unfinished | self.naked_since.keys() | later
