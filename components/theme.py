"""How the house looks: the tokens of `theme.css`, handed to NiceGUI once."""

from __future__ import annotations

from pathlib import Path

from nicegui import app as web
from nicegui import ui

PRIMARY = "#00D4FF"
GOOD = "#00FF88"
BAD = "#FF0055"
WARN = "#FFB020"
PANEL = "#0D1422"
GROUND = "#070B14"
#: For what is drawn on a canvas, where the style sheet does not reach.
TEXT = "#E6EEFF"
MUTED = "#93A4C4"
FAINT = "#7385A8"
LINE = "#1D2940"
RAISED = "#131C2E"
BAD_TEXT = "#FF5C8D"
INK = "#03131B"

STYLE = Path(__file__).with_name("theme.css")


def setup() -> None:
    """Give every page the colours and the style sheet; to be called once before the first page is served."""
    web.colors(primary=PRIMARY, secondary=PRIMARY, accent=GOOD, positive=GOOD, negative=BAD, info=PRIMARY, warning=WARN,
               dark=PANEL, dark_page=GROUND, ink=INK)  # fmt: skip
    ui.add_css(STYLE, shared=True)
