"""How much of a result hung on luck: the same closed trades in other orders, or drawn again, over many rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

#: As the report names them: bad, poor, the middle, good, best but for one in twenty.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_AT_ONCE = 2_000_000
_Floats = NDArray[np.float64]


def drawn_again(profits: Sequence[float], cash: float, rounds: int = 1000, seed: int = 0) -> dict[str, list[float]]:
    """As many trades drawn with putting back (Efron's bootstrap, 1979): quantiles of the net `profit` in quote and of the
    deepest `drawdown` as a share of its peak. Empty for fewer than two.
    """
    chance = np.random.default_rng(seed)
    return _rounds(profits, cash, rounds, lambda values, count: chance.choice(values, (count, len(values))))


def reordered(profits: Sequence[float], cash: float, rounds: int = 1000, seed: int = 0) -> dict[str, list[float]]:
    """The same trades in other orders: the profit stays, the drawdown does not. Empty for fewer than two."""
    chance = np.random.default_rng(seed)
    return _rounds(profits, cash, rounds, lambda values, count: chance.permuted(np.tile(values, (count, 1)), axis=1))


def quantiles(values: Sequence[float] | _Floats) -> list[float]:
    """The values at QUANTILES; empty for none."""
    return [float(one) for one in np.quantile(values, QUANTILES)] if len(values) else []


def _rounds(profits: Sequence[float], cash: float, rounds: int, mix: Callable[[_Floats, int], _Floats]) -> dict[str, list[float]]:
    if len(profits) < 2:
        return {}
    values = np.asarray(profits, dtype=np.float64)
    part = max(1, _MOST_AT_ONCE // len(values))
    ends: list[_Floats] = []
    depths: list[_Floats] = []
    for at in range(0, rounds, part):
        mixed = mix(values, min(part, rounds - at))
        course = cash + np.concatenate([np.zeros((len(mixed), 1)), np.cumsum(mixed, axis=1)], axis=1)
        peaks = np.maximum.accumulate(course, axis=1)
        depths.append(((peaks - course) / peaks).max(axis=1))
        ends.append(course[:, -1] - cash)
    return {"profit": quantiles(np.concatenate(ends)), "drawdown": quantiles(np.concatenate(depths))}
