"""A Python editor for strategies: NiceGUI's CodeMirror in our colours, with wavy lines, completion and a copy in the browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from nicegui import events, ui

from aristobot.diagnostics import Diagnostic
from aristobot.language import _, explain
from aristobot.strategy_catalog import completions
from components import ahead

Do = Callable[[], Awaitable[object] | object]


class _Help(ui.element, component="code_help.js"):
    """What extends the editor in the browser."""

    def __init__(self, field: ui.codemirror, label: str) -> None:
        super().__init__()
        self._props["editor"] = field.id
        self._props["label"] = label
        self._props["catalogue"] = [tuple(one) for one in completions()]
        self._props["phrases"] = _phrases()


class CodeEditor:
    """The field and its help. `typed` is called after every change that the user made, `found` with an unsaved copy."""

    def __init__(self, label: str, typed: Do, found: Callable[[str], Awaitable[object] | object]) -> None:
        ahead.at_once(ahead.EDITOR)
        self._typed = typed
        self._showing = False
        self.field = ui.codemirror(language="Python", theme="oneDark", on_change=self._changed).classes("code-editor")
        self.field.mark("code")
        self._help = _Help(self.field, label)
        self._help.on("found", lambda event: found(_text(event)))

    @property
    def text(self) -> str:
        """What stands in it."""
        return str(self.field.value or "")

    def show(self, text: str, place: str = "") -> None:
        """Put a text in. `place` names the copy that the browser keeps of what is typed; a copy that differs is `found`."""
        self._showing = True
        self.field.set_value(text)
        self._showing = False
        self._help.run_method("mark", [], _units(text))
        if place:
            self._help.run_method("begin", place, text)

    def replace(self, text: str) -> None:
        """Put a text in as if the user had typed it, in one step that can be undone."""
        self.field.set_value(text)

    def mark(self, text: str, found: Iterable[Diagnostic]) -> None:
        """Underline what was found in `text`; it is passed over when something else stands there by now."""
        self._help.run_method("mark", [_shown(one) for one in found], _units(text))

    def jump(self, line: int, column: int) -> None:
        """Put the cursor there, in sight."""
        self._help.run_method("jump", line, column)

    def settled(self, text: str) -> None:
        """The house has this text by now: the browser needs no copy."""
        self._help.run_method("settled", _units(text))

    async def _changed(self) -> None:
        if self._showing:
            return
        pending = self._typed()
        if isinstance(pending, Awaitable):
            await pending


def _units(text: str) -> int:
    """The length as the browser counts it, in UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _text(event: events.GenericEventArguments) -> str:
    return str(event.args.get("text", ""))


def _shown(one: Diagnostic) -> dict[str, object]:
    place = {"line": one.line, "column": one.column, "end_line": one.end_line, "end_column": one.end_column}
    return {**place, "severity": one.severity.value, "message": explain(one.code, one.facts)}


def _phrases() -> dict[str, str]:
    """CodeMirror's own words."""
    return {
        "Find": _("Find"),
        "Replace": _("Replace"),
        "next": _("next"),
        "previous": _("previous"),
        "all": _("all"),
        "match case": _("match case"),
        "by word": _("whole words"),
        "regexp": _("pattern"),
        "replace": _("replace"),
        "replace all": _("replace all"),
        "close": _("close"),
        "Go to line": _("Go to line"),
        "go": _("go"),
        "Completions": _("Suggestions"),
        "current match": _("current match"),
        "No diagnostics": _("Nothing to remark"),
        "Diagnostics": _("Remarks"),
    }
