"""What an exchange does by itself, and what Aristobot does in its place."""

from __future__ import annotations

from nicegui import ui

from aristobot.exchange import Capabilities
from aristobot.language import _
from components.words import Words, labelled


def capability_badges(can: Capabilities) -> None:
    """One badge per trait: green where the exchange does it, grey where the house does it the long way."""
    with labelled(ui.element("div").classes("badges whole").props("role=list"), _("What the exchange does by itself")):
        for native, name, ours in _traits(can):
            badge = Words("span", name, f"tag {'good' if native else 'quiet'}").props("role=listitem")
            badge.props["title"] = _("The exchange does this itself.") if native else ours


def _traits(can: Capabilities) -> list[tuple[bool, str, str]]:
    together = _("Aristobot rests the stop and watches the target, as long as it runs.")
    return [
        (can.native_oco, _("Stop and target together (OCO)"), together),
        (can.native_otoco, _("Exits with the entry (OTOCO)"), _("Aristobot places the exits as soon as the entry is filled.")),
        (can.edit_order, _("Orders edited in place"), _("Aristobot cancels the order and places another.")),
        (can.amends_stops, _("Stops moved without a gap"), _("A moved stop is away for a moment.")),
        (can.private_stream, _("Fills told at once"), _("Aristobot asks every ten seconds.")),
    ]
