"""News in words: the sentence of a line, the title of its kind, in the reader's language, numbers as they are written there."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal

from aristobot.errors import DataError
from aristobot.language import _, current_language, explain
from aristobot.money import amount
from aristobot.notices import NoticeKind, Outlet
from aristobot.store.notice_tables import Notification

#: Facts that are amounts, or several, and how many decimals they take at most; a price as many as its size asks for.
_AMOUNTS = {"quantity": 8, "wanted": 8, "profit": 2, "price": None, "stop": None, "target": None}
_GOOD = frozenset({"reason.told_closed_gain", "reason.told_released", "reason.told_exchange_back", "reason.told_key_good"})
_BAD = frozenset({"reason.told_stop_missing", "reason.told_halt", "reason.told_channel_failed"})
_BAD_KINDS = frozenset({NoticeKind.BACKUP, NoticeKind.SERVICE, NoticeKind.STRATEGY_FAILED})
_WARNING_KINDS = frozenset(
    {
        NoticeKind.ORDER_REFUSED,
        NoticeKind.ORDER_UNKNOWN,
        NoticeKind.ALERT_REFUSED,
        NoticeKind.ALERT_MISSED,
        NoticeKind.NEW_DEVICE,
        NoticeKind.EXCHANGE,
        NoticeKind.KEY,
    }
)


def sentence(code: str, facts: Mapping[str, Any] | None) -> str:
    """The news in one sentence, in the current language. A fact that is itself a code is said in words."""
    return explain(code, {name: _said(name, value, facts or {}) for name, value in (facts or {}).items()})


def sentence_of(row: Notification) -> str:
    """The line in words; one that came several times says how often."""
    words = sentence(row.code, row.facts)
    return f"{words} (×{row.count})" if row.count > 1 else words


def kind_title(kind: NoticeKind) -> str:
    """The name of a kind, for titles and switches."""
    return {
        NoticeKind.ORDER_FILLED: _("Order filled"),
        NoticeKind.ORDER_REFUSED: _("Order refused"),
        NoticeKind.ORDER_UNKNOWN: _("Order in doubt"),
        NoticeKind.POSITION_OPENED: _("Position opened"),
        NoticeKind.POSITION_CLOSED: _("Position closed"),
        NoticeKind.STOP_MISSING: _("Position without its stop"),
        NoticeKind.HALT: _("Trading stopped or resumed"),
        NoticeKind.EXCHANGE: _("Exchange unreachable or back"),
        NoticeKind.KEY: _("Key refused or in order again"),
        NoticeKind.ALERT_REFUSED: _("Alert refused"),
        NoticeKind.ALERT_MISSED: _("Alert missing"),
        NoticeKind.NEW_DEVICE: _("Sign-in from a new device"),
        NoticeKind.BACKUP: _("Backup failed"),
        NoticeKind.SERVICE: _("Service fallen"),
        NoticeKind.CHANNEL: _("Notifications do not leave"),
        NoticeKind.STRATEGY_FAILED: _("Strategy paused or fallen"),
        NoticeKind.STRATEGY_SAYS: _("Word of a strategy"),
    }[kind]


def outlet_name(outlet: Outlet) -> str:
    """The name of a way out."""
    return {
        Outlet.TOAST: _("On the page"),
        Outlet.SOUND: _("Sound"),
        Outlet.BROWSER: _("Browser"),
        Outlet.TELEGRAM: "Telegram",
        Outlet.EMAIL: _("E-mail"),
        Outlet.WEBHOOK: _("Outbound webhook"),
    }[outlet]


def tone_of(kind: NoticeKind, code: str) -> str:
    """How grave a line is: `bad`, `warn`, `good`, or empty."""
    if code in _GOOD:
        return "good"
    if code in _BAD or kind in _BAD_KINDS:
        return "bad"
    return "warn" if kind in _WARNING_KINDS else ""


def _said(name: str, value: Any, facts: Mapping[str, Any]) -> str:
    text = str(value)
    if name in _AMOUNTS:
        return " / ".join(_number(one, _AMOUNTS[name]) for one in text.split(", "))
    if text.startswith(("reason.", "error.")):
        return explain(text, {key: other for key, other in facts.items() if key != name})
    return text


def _number(text: str, decimals: int | None) -> str:
    """An amount with so many decimals at most; None: as many as a price of its size needs."""
    try:
        value: Decimal = amount(text)
    except DataError:
        return text
    if decimals is None:
        decimals = 2 if value >= 1000 else 4 if value >= 1 else 8
    pattern = "#,##0." + ("00" if decimals == 2 else "#" * decimals)
    written = str(format_decimal(value, format=pattern, locale="en_GB" if current_language() == "en" else "fr"))
    return written.replace("-", "\N{MINUS SIGN}", 1)
