"""The raw stream: what the market says, line by line, as it comes. It can be held, and it never grows without end."""

from __future__ import annotations

from collections import deque
from itertools import count

from nicegui import ui

from aristobot.events import CandleUpdated
from aristobot.language import _
from components import formats
from components.live import Live
from components.page_head import panel
from components.viewer import zone
from components.words import Words, labelled

#: Lines that the panel keeps, and how often a second it is written to.
LINES = 150
PER_SECOND = 4
_CLOSED, _MOVING = "gain", ""

Line = tuple[int, str, str]


class StreamLog(ui.element, component="stream_log.js"):
    """The list itself: text only, newest on top."""

    def __init__(self, name: str, waiting: str) -> None:
        super().__init__()
        self._props.update(most=LINES, waiting=waiting)
        labelled(self, name)

    def add(self, lines: list[Line]) -> None:
        """Put lines on top; the first of them is the newest."""
        self.run_method("add", lines)


class StreamPanel:
    """Candles of every symbol that is followed, with a button that holds them."""

    def __init__(self, live: Live) -> None:
        self._numbers = count()
        self._waiting: deque[Line] = deque(maxlen=LINES)
        self._heard = 0
        self._held = False
        with panel(_("Raw stream"), "stream-panel") as head:
            self._log = StreamLog(_("Raw stream"), _("Waiting for the next message…"))
        with head:
            self._count = Words("span", "", "muted small")
            self._button = ui.button(icon="pause", on_click=self._toggle).props("flat round dense color=white").mark("hold")
        self._tell()
        live.each(CandleUpdated, do=self._hear)
        live.latest(CandleUpdated, do=lambda _: self._write(), max_fps=PER_SECOND)

    def _hear(self, event: CandleUpdated) -> None:
        self._heard += 1
        self._waiting.appendleft((next(self._numbers), line(event), _CLOSED if event.candle.closed else _MOVING))

    def _write(self) -> None:
        """Write what has come meanwhile: one message for all of it, whichever candle brought us here."""
        if self._waiting and not self._held:
            self._log.add(list(self._waiting))
            self._waiting.clear()
            self._count.set_text(_("{count} messages", count=formats.number(self._heard)))

    def _toggle(self) -> None:
        self._held = not self._held
        self._tell()
        self._write()

    def _tell(self) -> None:
        self._button.set_icon("play_arrow" if self._held else "pause")
        labelled(self._button, _("Go on") if self._held else _("Pause"))
        self._button.props(f"aria-pressed={str(self._held).lower()}")
        if self._held:
            self._count.set_text(_("Paused"))


def line(event: CandleUpdated) -> str:
    """One message as a line: when it came, of what, the figures, and whether that was the end."""
    candle, came = event.candle, event.received_at.astimezone(zone())
    texts = (candle.open_text, candle.high_text, candle.low_text, candle.close_text, candle.volume_text)
    figures = " ".join(f"{name} {_bare(text)}" for name, text in zip("OHLCV", texts, strict=True))
    when = f"{came:%H:%M:%S}.{came.microsecond // 1000:03d}"
    return f"{when} {event.exchange} {candle.symbol} {candle.timeframe:<3} {figures}{' ✓' if candle.closed else ''}"


def _bare(text: str) -> str:
    """The exchange's own digits without the zeros it pads them with."""
    return text.rstrip("0").rstrip(".") if "." in text else text
