"""What the checks and the trial say of a strategy: a list that leads to the lines, and how the trial went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from aristobot.diagnostics import Diagnostic, Severity
from aristobot.language import _, explain, typed
from components.page_head import panel
from components.words import Words, labelled

ICONS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "info"}


def tally(found: Sequence[Diagnostic]) -> tuple[str, str]:
    """How many errors and warnings there are, in words, and the tone in which that is said."""
    errors = sum(one.severity is Severity.ERROR for one in found)
    warnings = sum(one.severity is Severity.WARNING for one in found)
    parts = [_("1 error") if errors == 1 else _("{count} errors", count=errors)] if errors else []
    parts += [_("1 warning") if warnings == 1 else _("{count} warnings", count=warnings)] if warnings else []
    words = " · ".join(parts) or (_("advice") if found else _("clean"))
    return words, "bad" if errors else "warn" if warnings else "quiet" if found else "good"


class Findings:
    """The list; `go(line, column)` is called for the line that is chosen."""

    def __init__(self, go: Callable[[int, int], None]) -> None:
        self._go = go
        with panel(_("Remarks"), "findings") as head:
            with head:
                self._count = Words("span", "", "tag quiet").mark("findings-count")
            self._list = labelled(ui.element("div").classes("findings-list"), _("Remarks")).props("aria-live=polite")
        self.show([])

    def show(self, found: Sequence[Diagnostic]) -> None:
        """List them, the errors first in the order of the text."""
        self._list.clear()
        self._list.props["role"] = "list" if found else "group"
        words, tone = tally(found)
        self._count.set_text(words)
        self._count.classes(replace=f"tag {tone}")
        with self._list:
            if not found:
                with ui.element("div").classes("findings-none"):
                    ui.icon("check_circle").props("aria-hidden=true")
                    ui.label(_("Nothing to remark in the text."))
            for one in sorted(found, key=lambda one: (list(Severity).index(one.severity), one.line, one.column)):
                self._line(one)

    def _line(self, one: Diagnostic) -> None:
        severity = one.severity.value
        with ui.element("div").props("role=listitem"):
            button = ui.element("button").props("type=button").classes(f"finding {severity}").mark("finding")
            button.on("click", lambda: self._go(one.line, one.column))
            with button:
                ui.icon(ICONS[one.severity]).props("aria-hidden=true")
                Words("span", _("Line {line}", line=one.line), "finding-line")
                Words("span", explain(one.code, one.facts), "finding-words")


class TrialResult:
    """How the last trial went, and how far the strategy was walled in on this system."""

    def __init__(self) -> None:
        with panel(_("Trial over 300 candles"), "trial") as head:
            with head:
                self._verdict = Words("span", "", "tag quiet").mark("trial-verdict")
            self._body = ui.element("div").classes("panel-body").props("aria-live=polite")
        self.never()

    def never(self) -> None:
        """It was not tried since it was changed."""
        self._say(_("not tried"), "quiet")
        with self._body:
            ui.label(
                _("Runs the strategy over invented candles, in a process of its own behind walls. Nothing is traded.")
            ).classes("muted")

    def running(self) -> None:
        """It is being tried."""
        self._say(_("running…"), "primary")
        with self._body:
            ui.skeleton(height="16px", animation="pulse")
            ui.skeleton(height="16px", width="60%", animation="pulse")

    def show(self, document: dict[str, Any]) -> None:
        """What a review found, as it is kept with a version."""
        sound, isolation = bool(document["sound"]), document.get("isolation")
        self._say(_("passed") if sound else _("failed"), "good" if sound else "bad")
        with self._body:
            if isolation is None:
                ui.label(_("The text has errors, so it was not run.")).classes("muted")
            elif sound:
                _described(document.get("described") or {})
            else:
                ui.label(_("It ran, and fell: the reason stands among the remarks.")).classes("muted")
            if isolation is not None:
                _isolation(isolation)
            if document.get("printed"):
                Words("pre", str(document["printed"]), "code mono").mark("trial-printed")

    def _say(self, words: str, tone: str) -> None:
        self._verdict.set_text(words)
        self._verdict.classes(replace=f"tag {tone}")
        self._body.clear()


def _described(told: dict[str, Any]) -> None:
    parameters = ", ".join(f"{one.get('name')} = {typed(one.get('default'))}" for one in told.get("parameters") or [])
    with ui.element("dl").classes("facts"):
        Words("dt", _("Timeframe"))
        Words("dd", str(told.get("timeframe") or "–"))
        Words("dt", _("Parameters"))
        Words("dd", parameters or "–")


def _isolation(kept: dict[str, Any]) -> None:
    """The level in one sentence, and which walls stand."""
    level, walls = str(kept.get("level")), [str(one) for one in kept.get("walls") or []]
    icon, tone = {"sealed": ("lock", "good"), "limited": ("shield", "warn")}.get(level, ("lock_open", "bad"))
    with ui.element("div").classes(f"isolation {tone}").mark("isolation"):
        ui.icon(icon).props("aria-hidden=true")
        with ui.element("div").classes("item-words"):
            ui.label(isolation_words(level))
            names = wall_names()
            ui.label(" · ".join(names.get(one, one) for one in walls)).classes("faint small")


def isolation_words(level: str) -> str:
    """What a level of isolation means."""
    known = {
        "sealed": _("Isolation on this system: sealed. The kernel itself refuses files, network and other processes."),
        "limited": _(
            "Isolation on this system: limited. The system bounds what it can take; files and network are refused in part."
        ),
    }
    weakest = _(
        "Isolation on this system: guarded. Python alone refuses, which hostile code may get around: run only code you trust."
    )
    return known.get(level, weakest)


def wall_names() -> dict[str, str]:
    """The walls in the reader's language."""
    return {
        "no_secrets": _("no secrets"),
        "no_files": _("no files"),
        "kernel": _("filter of the kernel"),
        "no_descriptors": _("nothing can be opened"),
        "memory": _("memory bounded"),
        "processor": _("processor bounded"),
        "no_root": _("runs as nobody"),
        "ends_with_house": _("ends with the house"),
        "job_object": _("job object of Windows"),
        "guard_rails": _("guard rails of Python"),
    }
