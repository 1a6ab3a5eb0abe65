"""Whether a result may be luck: Tharp's SQN, Student's t-test of the mean trade, the Sharpe ratio deflated for many tries."""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, e, exp, isfinite, lgamma, log, log1p, sqrt
from statistics import NormalDist, fmean, variance

from aristobot.figures.equity import FLAT, spread
from aristobot.figures.record import Record

EULER = 0.5772156649015329
#: The continued fraction of the incomplete beta converges well within these.
MOST_TERMS, PRECISION, TINY = 500, 1e-15, 1e-300


def sqn(record: Record) -> float | None:
    """sqrt(n) * mean / standard deviation of the trades' R multiples; of their profits where a trade had no stop.

    Van Tharp's System Quality Number. Undefined for fewer than two trades or none that differ.
    """
    return _t(_outcomes(record))


def p_value(record: Record) -> float | None:
    """The chance of a mean trade this good or better if the true mean were 0: Student's one-sided t-test, n - 1 degrees."""
    t = _t(record.profits)
    return None if t is None else student_cdf(-t, len(record.closed) - 1)


def student_cdf(t: float, degrees: int) -> float:
    """Student's distribution: 1 - I(v / (v + t²); v/2, 1/2) / 2 for t > 0 (Abramowitz and Stegun 26.7.1).

    Near the middle by I(x; a, b) = 1 - I(1 - x; b, a), where the other form would lose the digits of t.
    """
    square = t * t
    if square < 1:
        return 0.5 + copysign(incomplete_beta(square / (degrees + square), 0.5, degrees / 2) / 2, t)
    tail = incomplete_beta(degrees / (degrees + square), degrees / 2, 0.5) / 2
    return 1 - tail if t > 0 else tail


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def sharpe_to_beat(variants: int, apart: float) -> float:
    """The best Sharpe ratio to expect of so many variants without any skill, whose ratios have this variance.

    sqrt(V) * ((1 - g) * Z(1 - 1/N) + g * Z(1 - 1/(N e))), g Euler's constant: Bailey and López de Prado, 2014.
    """
    if variants < 2 or apart <= 0:
        return 0.0
    normal = NormalDist()
    return sqrt(apart) * ((1 - EULER) * normal.inv_cdf(1 - 1 / variants) + EULER * normal.inv_cdf(1 - 1 / (variants * e)))


def probabilistic_sharpe(ratio: float, benchmark: float, length: int, skewness: float, kurtosis: float) -> float | None:
    """The probability that the true Sharpe ratio is above the benchmark: both per return, not per year.

    Z((SR - SR*) * sqrt(T - 1) / sqrt(1 - skewness * SR + (kurtosis - 1) / 4 * SR²)), the normal kurtosis being 3.
    Bailey and López de Prado, 2012.
    """
    width = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio * ratio
    if length < 2 or width <= 0:
        return None
    return NormalDist().cdf((ratio - benchmark) * sqrt(length - 1) / sqrt(width))


def deflated_sharpe(returns: Sequence[float], tried: Sequence[float]) -> float | None:
    """The probability that the chosen variant's true Sharpe ratio is above what luck alone gives to the best of all tried.

    `returns` are the chosen one's daily returns, `tried` the daily Sharpe ratios of all variants (mean / deviation, not
    annualised), the chosen one among them. None for fewer than three days or none that differ.
    """
    if len(returns) < 3 or (deviation := spread(returns)) <= FLAT:
        return None
    mean, count = fmean(returns), len(returns)
    apart = variance(tried) if len(tried) > 1 else 0.0
    scale = deviation * sqrt((count - 1) / count)
    third, fourth = (fmean(((one - mean) / scale) ** power for one in returns) for power in (3, 4))
    return probabilistic_sharpe(mean / deviation, sharpe_to_beat(len(tried), apart), count, third, fourth)


def _outcomes(record: Record) -> list[float]:
    return record.multiples if len(record.multiples) == len(record.closed) else record.profits


def _t(values: Sequence[float]) -> float | None:
    """sqrt(n) * mean / standard deviation."""
    if len(values) < 2:
        return None
    mean, deviation = fmean(values), spread(values)
    if deviation <= FLAT * max(1.0, abs(mean)) or not isfinite(deviation):
        return None
    return sqrt(len(values)) * mean / deviation


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta, by the modified method of Lentz."""
    c, d = 1.0, 1 / _kept(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, MOST_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / _kept(1 + term * d), _kept(1 + term / c)
            found *= c * d
        if abs(c * d - 1) < PRECISION:
            break
    return found


def _kept(value: float) -> float:
    """Never quite zero."""
    return value if abs(value) > TINY else TINY
