"""What a browser gets when no page can be drawn: one without NiceGUI, that asks again by itself while the memory is away."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse, JSONResponse, Response

from aristobot.errors import StoreError
from aristobot.language import _, current_language, explain, use_language
from components import theme

#: Seconds until the page asks again.
PAUSE = 5

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{again_soon}<title>Aristobot</title>
<style>
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: {ground}; color: {muted};
  font: 15px/1.5 Roboto, system-ui, sans-serif; }}
main {{ box-sizing: border-box; width: min(420px, 100% - 32px); padding: 32px; text-align: center; background: {panel};
  border: 1px solid {line}; border-radius: 12px; }}
h1 {{ margin: 0 0 12px; font-size: 18px; font-weight: 600; color: {text}; }}
p {{ margin: 0 0 12px; }}
a {{ display: inline-block; margin-top: 12px; padding: 10px 20px; color: {primary}; border: 1px solid {primary};
  border-radius: 8px; text-decoration: none; }}
a:focus-visible {{ outline: 2px solid {primary}; outline-offset: 2px; }}
</style>
</head>
<body><main role="alert"><h1>{title}</h1><p>{why}</p><p>{then}</p><a href="">{again}</a></main></body>
</html>
"""


def away_page(error: StoreError, language: str) -> Response:
    """503 with a page in this language; it loads what was asked for as soon as that can be had again."""
    with use_language(language):
        page = _page(explain(error), _("This page tries again by itself every few seconds."), f'content="{PAUSE}"')
    return HTMLResponse(page, 503, _LATER)


def away_answer(error: StoreError) -> Response:
    """503 for what is no page."""
    return JSONResponse({"error": {"code": error.code}}, 503, _LATER)


def fault_page(language: str) -> Response:
    """500 with a page in this language, for a mistake of ours."""
    with use_language(language):
        return HTMLResponse(_page(_("Something went wrong here."), _("The log has the details.")), 500)


_LATER = {"Retry-After": str(PAUSE)}


def _page(why: str, then: str, refresh: str = "") -> str:
    words = {"title": _("Aristobot cannot show this page now"), "why": why, "then": then, "again": _("Try again")}
    colours = {"ground": theme.GROUND, "panel": theme.PANEL, "line": theme.LINE, "text": theme.TEXT, "muted": theme.MUTED}
    again_soon = f'<meta http-equiv="refresh" {refresh}>' if refresh else ""
    return _PAGE.format(
        language=current_language(),
        again_soon=again_soon,
        primary=theme.PRIMARY,
        **colours,
        **{name: escape(text) for name, text in words.items()},
    )
