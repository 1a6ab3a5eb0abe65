"""How a halt is written: how far it goes, whom it stops, and why."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from aristobot.kinds import HaltLevel, HaltScope
from aristobot.language import _, explain
from aristobot.store.tables import Halt
from services.notice_facts import HOUSE_HANDS, halt_reason


def level_words(level: HaltLevel) -> str:
    """The level in one word, for a tag."""
    return {HaltLevel.HALT: _("Halt"), HaltLevel.REDUCE: _("Reductions only"), HaltLevel.FLATTEN: _("Sell everything")}[level]


def level_meaning(level: HaltLevel) -> str:
    """What the level lets through."""
    return {
        HaltLevel.HALT: _("No new entry; exits and protections go on"),
        HaltLevel.REDUCE: _("Only orders that make positions smaller"),
        HaltLevel.FLATTEN: _("Cancel entries and sell every position now"),
    }[level]


def scope_words(halt: Halt, names: Mapping[uuid.UUID, str]) -> str:
    """Whom it stops; `names` are those of users, brokers, strategies and activations."""
    if halt.scope is HaltScope.ALL:
        return _("The whole house")
    name = names.get(halt.scope_id, "") if halt.scope_id is not None else ""
    words = {
        HaltScope.USER: _("Account of {name}", name=name),
        HaltScope.BROKER: _("Broker {name}", name=name),
        HaltScope.STRATEGY: _("Strategy {name}", name=name or str(halt.scope_id)[:8]),
    }
    return words[halt.scope]


def reason_words(halt: Halt) -> str:
    """Why: a reason of the house in words, what a person wrote as it is."""
    why = halt_reason(halt.reason)
    return explain(why) if why.startswith("reason.") else why


def setter_words(halt: Halt) -> str:
    """Who set it: a person, or the house itself."""
    if halt.set_by in HOUSE_HANDS:
        return _("Aristobot itself")
    return _("the HALT file") if halt.reason == "halt_file" else halt.set_by
