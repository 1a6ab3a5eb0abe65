"""On which candles a search learns, and on which unseen ones its answer is tried."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from aristobot.errors import InvalidInput


class Scheme(StrEnum):
    """WHOLE: learn from everything. SPLIT: try on the last part. WALK_FORWARD: learn and try again and again, moving on."""

    WHOLE = "whole"
    SPLIT = "split"
    WALK_FORWARD = "walk-forward"


class Span(msgspec.Struct, frozen=True):
    """Candles that open from `since` on and before `until`, UTC ms. Earlier ones only warm the indicators up."""

    since: int
    until: int


class Fold(msgspec.Struct, frozen=True):
    """What one search learns from, and the candles after it that it never sees."""

    train: Span
    test: Span | None = None


class Plan(msgspec.Struct, frozen=True):
    """`train` is the share of each stretch to learn from; `windows` is how often a walk forward moves on."""

    scheme: Scheme = Scheme.SPLIT
    train: float = 0.7
    windows: int = 4

    def folds(self, since: int, until: int) -> tuple[Fold, ...]:
        """The parts of a time from `since` to `until` in UTC ms; InvalidInput for shares or windows that cannot be.

        A walk forward has windows of equal length: its tests follow each other without a gap up to the end, and each is
        preceded by train / (1 - train) times its own length to learn from (Robert Pardo, 1992).
        """
        if self.scheme is Scheme.WHOLE:
            return (Fold(Span(since, until)),)
        if not 0.1 <= self.train <= 0.95:
            raise InvalidInput("out_of_range", field="--train", minimum="10", maximum="95")
        if self.scheme is Scheme.SPLIT:
            border = since + int((until - since) * self.train)
            return (Fold(Span(since, border), Span(border, until)),)
        if not 2 <= self.windows <= 50:
            raise InvalidInput("out_of_range", field="--windows", minimum="2", maximum="50")
        times = self.train / (1 - self.train)
        test = (until - since) / (self.windows + times)
        edges = [since + int((times + number) * test) for number in range(self.windows)] + [until]
        return tuple(
            Fold(Span(since + int(number * test), edges[number]), Span(edges[number], edges[number + 1]))
            for number in range(self.windows)
        )
