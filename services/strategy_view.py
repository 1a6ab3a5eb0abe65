"""What an activation shows of itself after each candle: watched values, filters, why it does not enter, its last decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aristobot.clock import LAST_MS, from_milliseconds, iso_milliseconds
from aristobot.errors import AristobotError
from aristobot.store.strategy_tables import Activation
from aristobot.strategy_orders import Decision


def view_of(
    row: Activation, decision: Decision, closed_at: datetime, shown: Mapping[str, Any], refusal: AristobotError | None
) -> dict[str, Any]:
    """The view as an activation's row keeps it; `shown` is what the strategy shows, `refusal` what of the house holds it back."""
    last = summary(decision)
    kept = (row.view or {}).get("last")
    return {
        "at": iso_milliseconds(closed_at),
        "watch": shown.get("watch", []),
        "filters": shown.get("filters", []),
        "last": {"at": iso_milliseconds(closed_at), **last} if last else kept,
        "blocks": [[code, facts] for code, facts in _blocks(row, decision, closed_at, refusal)],
    }


def summary(decision: Decision) -> dict[str, Any]:
    """What a decision wants, in a few words for the list; empty for nothing."""
    wants = {
        "enter": len(decision.entries),
        "close": decision.close,
        "cancel": decision.cancel_entries,
        "sell": len(decision.exits or ()),
        "exits": decision.stops is not None or decision.targets is not None,
    }
    return {name: value for name, value in wants.items() if value}


def _blocks(
    row: Activation, decision: Decision, closed_at: datetime, refusal: AristobotError | None
) -> list[tuple[str, dict[str, str]]]:
    """Why there is no entry: the house, the strategy's own fall, a lock or a protection, a filter, or simply no signal."""
    state, found = row.vars or {}, []
    if refusal is not None:
        found.append((f"error.{refusal.code}", {name: str(value) for name, value in refusal.facts.items()}))
    if state.get("stopped"):
        found.append(("reason.run_stopped_itself", {"detail": str(state["stopped"])[:200]}))
    until = min(int(state.get("locked_until") or 0), LAST_MS)  # a lock may be meant for ever
    if until and from_milliseconds(until) > closed_at:
        facts = {"until": iso_milliseconds(from_milliseconds(until)), "why": str(state.get("lock_reason", ""))}
        found.append(("reason.run_locked", facts))
    if decision.refused:
        found.append(("reason.run_held_back", {"why": ", ".join(decision.refused)}))
    if not found and not decision.entries:
        found.append(("reason.run_no_signal", {}))
    return found
