"""What is wrong or risky about the message of an alert, before TradingView sends it for the first time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aristobot.alert_text import (
    AlertChoice,
    is_known,
    is_plot,
    likely_price,
    placeholders,
    understood,
)
from aristobot.money import HUNDRED, ZERO, plain
from aristobot.signals import Action, Parsed, Signal, longest_lag

#: A placeholder that is a value by itself: right after a colon, comma or bracket, not inside a string.
_UNQUOTED = re.compile(r"[:\[,]\s*(\{\{[^{}]+\}\})")

_CHART_SYMBOL = re.compile(r'"symbole?"\s*:\s*"[^"]*\{\{ticker\}\}', re.IGNORECASE)


class Tone(StrEnum):
    """How grave a remark is: `bad` will not work, `warn` may surprise, `info` is good to know."""

    BAD = "bad"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Remark:
    """A code for the language room, with its facts."""

    tone: Tone
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the house would make of a message, and what is to be said about it. Of a strategy: its buy and its sale."""

    parsed: tuple[Parsed, ...]
    remarks: tuple[Remark, ...]

    @property
    def works(self) -> bool:
        """Whether the house would follow the alert."""
        return all(one.commands for one in self.parsed) and not any(one.tone is Tone.BAD for one in self.remarks)


def read_back(text: str, choice: AlertChoice, now: datetime) -> Reading:
    """Read a message as the house will once TradingView has filled it in: the built one, or one changed by hand."""
    close = likely_price(choice)
    parsed = [understood(text, now, close=close)]
    if "{{strategy.order.action}}" in text:
        sold = {"strategy_order_action": "sell", "strategy_market_position": "flat", "strategy_prev_market_position": "long"}
        parsed.append(understood(text, now, close=close, **sold))
    refusals = [Remark(Tone.BAD, one.reason, one.facts) for one in parsed if one.reason]
    return Reading(tuple(parsed), (*refusals[:1], *_of_text(text, choice), *_of_meaning(parsed, choice)))


def _of_text(text: str, choice: AlertChoice) -> Iterator[Remark]:
    for found in _UNQUOTED.findall(text):
        yield Remark(Tone.BAD, "reason.alert_unquoted", {"placeholder": found})
    for name in placeholders(text):
        shown = {"placeholder": "{{" + name + "}}"}
        if not is_known(name):
            yield Remark(Tone.BAD, "reason.alert_unknown_placeholder", shown)
        elif is_plot(name):
            yield Remark(Tone.WARN, "reason.alert_may_be_nan", shown)
        elif name.startswith("strategy.") and not choice.is_strategy:
            yield Remark(Tone.BAD, "reason.alert_strategy_only", shown)
    if _CHART_SYMBOL.search(text):
        yield Remark(Tone.INFO, "reason.alert_perpetual_chart")


def _of_meaning(parsed: list[Parsed], choice: AlertChoice) -> Iterator[Remark]:
    ignored = list(dict.fromkeys(name for one in parsed for name in one.ignored))
    if ignored:
        yield Remark(Tone.WARN, "reason.alert_ignored", {"fields": ignored})
    if any(one.commands and not one.has_time for one in parsed):
        yield Remark(Tone.WARN, "reason.alert_no_time")
    for signal in (command for one in parsed for command in one.commands):
        if signal.is_entry:
            yield from _of_entry(signal)
        elif signal.action is Action.SELL_MARKET and choice.is_strategy and signal.percent < HUNDRED:
            yield Remark(Tone.WARN, "reason.alert_sells_part", {"percent": plain(signal.percent)})


def _of_entry(entry: Signal) -> Iterator[Remark]:
    if entry.stop_loss is None:
        yield Remark(Tone.WARN, "reason.alert_no_stop")
    left = HUNDRED - sum((one.share for one in entry.take_profit), ZERO)
    if entry.take_profit and left:
        yield Remark(Tone.INFO, "reason.alert_shares_left", {"percent": plain(left)})
    limit = round(longest_lag(60).total_seconds()), round(longest_lag(3600).total_seconds())
    yield Remark(Tone.INFO, "reason.alert_age", {"least": limit[0], "most": limit[1]})
