"""The figures of a backtest as people read them, in their language: for the screen, the report's file, and the console."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from math import floor, log10

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from aristobot.backtest.report import Report
from aristobot.figures.table import FIGURES, Unit
from aristobot.language import _, current_language

NOTHING = "–"
_NO_BREAK = "\u00a0"
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
#: Where a figure is good above zero and bad below.
_SIGNED = {
    "net_profit", "profit_before_fees", "roi", "cagr", "hold_roi", "above_hold", "hold_bitcoin_roi", "above_bitcoin",
    "expectancy", "expectancy_r", "average_share",
    "best_share", "worst_share", "sharpe", "sortino", "calmar", "sqn",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One figure, written: its title, its value, its formula, and whether it is a gain or a loss."""

    name: str
    title: str
    value: str
    formula: str
    tone: str = ""


def lines(figures: dict[str, float | None], quote: str) -> Iterator[Line]:
    """Every figure in the order of a report."""
    for name, figure in FIGURES.items():
        value = figures.get(name)
        yield Line(name, _(figure.title), written(value, figure.unit, quote), _(figure.formula), _tone(name, value))


def written(value: float | None, unit: Unit, quote: str = "") -> str:
    """A value in its unit."""
    if value is None:
        return NOTHING
    match unit:
        case Unit.QUOTE:
            return number(value, 2) + (_NO_BREAK + quote if quote else "")
        case Unit.SHARE:
            return share(value)
        case Unit.COUNT:
            return number(value, 0)
        case Unit.TIME:
            return lasting(value)
        case Unit.R:
            return number(value, 2) + _NO_BREAK + "R"
        case Unit.RATIO:
            return number(value, 2)


def number(value: float, decimals: int) -> str:
    """A grouped number with so many decimals; beyond a thousand billions in powers of ten."""
    if abs(value) >= 1e15:
        return f"{value:.2e}".replace("e+", "\u00a0·\u00a010^")
    pattern = "#,##0." + "0" * decimals if decimals else "#,##0"
    text = format_decimal(Decimal(str(round(value, decimals))) + 0, format=pattern, locale=_locale())
    return text.replace("-", "\u2212", 1)


def price(value: float) -> str:
    """A price: more decimals where it is small."""
    size = abs(value)
    return number(value, 2 if size >= 100 else 4 if size >= 1 else 8)


def quantity(value: float) -> str:
    """Units of what was bought, to five digits that mean something, without zeros at the end."""
    text = number(value, max(0, 4 - floor(log10(abs(value)))) if value else 0)
    point = "," if current_language() == "fr" else "."
    return text.rstrip("0").rstrip(point) if point in text else text


def share(value: float, decimals: int = 2) -> str:
    """A fraction as per cent."""
    return number(value * 100, decimals) + (_NO_BREAK if current_language() == "fr" else "") + "%"


def lasting(milliseconds: float) -> str:
    """A length of time: `3 j 4 h`, `2 h 15 min`, `45 min`."""
    if milliseconds >= _DAY:
        days, rest = divmod(milliseconds, _DAY)
        return number(days, 0) + _NO_BREAK + _("d") + (f" {rest / _HOUR:.0f}{_NO_BREAK}h" if rest >= _HOUR / 2 else "")
    if milliseconds >= _HOUR:
        hours, rest = divmod(milliseconds, _HOUR)
        return f"{hours:.0f}{_NO_BREAK}h" + (f" {rest / _MINUTE:.0f}{_NO_BREAK}min" if rest >= _MINUTE / 2 else "")
    return f"{milliseconds / _MINUTE:.0f}{_NO_BREAK}min"


def day(milliseconds: float) -> str:
    """A day, UTC."""
    return format_date(datetime.fromtimestamp(milliseconds / 1000, UTC), "d MMM y", locale=_locale())


def moment(milliseconds: float) -> str:
    """A moment to the minute, UTC."""
    return format_datetime(datetime.fromtimestamp(milliseconds / 1000, UTC), "d MMM y, HH:mm", locale=_locale())


def month_names() -> list[str]:
    """The twelve months, short."""
    return [format_date(datetime(2024, one, 1, tzinfo=UTC), "LLL", locale=_locale()) for one in range(1, 13)]


def reason_name(tag: str) -> str:
    """Why a position was closed, as far as the tag is one of ours; the strategy's own otherwise."""
    known = {
        "stop_loss": _("Stop-loss"), "take_profit": _("Take-profit"), "end_of_test": _("End of the run"), "exit": _("Exit"),
        "": _("Exit"),
    }  # fmt: skip
    return known.get(tag, tag)


def leg_name(number: int, strategy: str, symbol: str, timeframe: str) -> str:
    """A leg of several, by its place."""
    return f"{number}. {strategy} · {symbol} · {timeframe}"


def run_name(strategy: str, symbol: str, timeframe: str, further: int) -> str:
    """A run by its first leg, and how many there are besides."""
    return and_more(f"{strategy} · {symbol} · {timeframe}", further)


def and_more(first: str, further: int) -> str:
    """The first of several, and how many there are besides."""
    return _("{first} and {count} more", first=first, count=further) if further > 0 else first


def refusal_name(reason: str) -> str:
    """Why an order was refused or never filled."""
    known = {
        "insufficient_funds": _("Not enough free money"), "below_minimum": _("Below the exchange’s minimum"),
        "not_reached": _("Price not reached"), "position_closed": _("Position already closed"),
    }  # fmt: skip
    return known.get(reason, reason.replace("_", " "))


def verdict(report: Report) -> tuple[str, str]:
    """What the look-ahead check found: a tone and a sentence."""
    found = report.lookahead
    if not found.clean:
        return "bad", _(
            "This strategy knows the future: at candle {candle} it decided otherwise without it.", candle=found.candle
        )
    if not found.checked:
        return "warn", _("Nothing was decided, so there was nothing to check for a look ahead.")
    return "good", _(
        "No look ahead: repeated with the future cut off at {count} candles, it decided the same.", count=found.checked
    )


def cautions(report: Report) -> list[str]:
    """What the reader should know before believing the figures."""
    found = []
    if report.stopped:
        found.append(_("The strategy fell on the way and entered no more: {error}", error=report.stopped))
    if report.variants > 1:
        found.append(
            _("{count} variants were tried on these candles: the best of many looks better than it is.", count=report.variants)
        )
    if 0 < len(report.closed) < 30:
        found.append(_("Only {count} closed trades: too few to tell skill from luck.", count=len(report.closed)))
    found += [_("{count} rows more were not kept.", count=count) for count in report.left_out.values()]
    return found


def _tone(name: str, value: float | None) -> str:
    if name not in _SIGNED or not value:
        return ""
    return "gain" if value > 0 else "loss"


@lru_cache(maxsize=4)
def _parsed(language: str) -> Locale:
    return Locale.parse("en_GB" if language == "en" else language)


def _locale() -> Locale:
    return _parsed(current_language())
