"""How a strategy at work is written: how it stands, what it decided, why it does not enter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from aristobot.kinds import ActivationStatus
from aristobot.language import _, explain
from aristobot.store.activations import Shown
from components import formats
from services.notice_words import sentence


def status_tag(status: ActivationStatus, halted: bool) -> tuple[str, str]:
    """The word for how it stands, and its tone."""
    if halted and status is ActivationStatus.RUNNING:
        return _("Held by the kill switch"), "bad"
    return {
        ActivationStatus.RUNNING: (_("At work"), "good"),
        ActivationStatus.STOPPED: (_("At rest"), "quiet"),
        ActivationStatus.PAUSED: (_("Paused"), "bad"),
        ActivationStatus.FAILED: (_("Enters no more"), "bad"),
    }[status]


def why_words(shown: Shown) -> str:
    """Why it is paused or enters no more; empty while nothing is wrong."""
    return explain(f"error.{shown.row.reason}", shown.row.reason_facts or {}) if shown.row.reason else ""


def decision_words(view: Mapping[str, Any] | None) -> str:
    """The last decision in a few words, with its moment."""
    last = (view or {}).get("last")
    if not last:
        return _("None yet")
    wants = {
        "enter": _("entry"),
        "close": _("sale of everything"),
        "cancel": _("entry taken back"),
        "sell": _("partial sale"),
        "exits": _("exits"),
    }
    told = [words for name, words in wants.items() if last.get(name)]
    return f"{', '.join(told)} · {formats.day_short(datetime.fromisoformat(last['at']))}"


def no_entry_words(shown: Shown) -> list[str]:
    """Why there is no entry now."""
    view = shown.row.view or {}
    if shown.row.status is ActivationStatus.STOPPED:
        return [_("It is stopped.")]
    if "warming" in view:
        have, need = view["warming"]
        return [_("It needs {need} candles and has {have}.", need=need, have=have)]
    if shown.position is not None:
        return [_("It holds a position.")]
    if not view:
        return [_("It waits for its first closed candle.")]
    return [sentence(code, _facts(facts)) for code, facts in view.get("blocks", ())]


def exit_words(shown: Shown) -> list[str]:
    """What guards the position that is held."""
    if shown.bracket is None or not (shown.bracket.stop_price or shown.bracket.targets):
        return [_("No exit rests: the strategy itself decides when to sell.")]
    told = [_("Stop at {price}.", price=formats.price(shown.bracket.stop_price))] if shown.bracket.stop_price else []
    for share, price in shown.bracket.targets or ():
        told.append(_("{share} at {price}.", share=formats.percent(Decimal(share)), price=formats.price(Decimal(price))))
    return told


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A moment among the facts, as the reader writes it."""
    told = dict(facts)
    if "until" in told:
        told["until"] = formats.day_short(datetime.fromisoformat(told["until"]))
    return told
