"""What a page held is free again the moment its visitor is given up.

Every element of NiceGUI has three bags (properties, classes, styles), and each bag is told of its own changes: it holds
itself. Python finds such rings only by looking through every object of every open page, seldom and with the loop standing
still; until then pages that are gone stay. Cut open, they go by themselves, one by one.
"""

from __future__ import annotations

from nicegui import Client
from nicegui.element import Element


def part_from(client: Client) -> None:
    """Cut what would hold itself. The client is about to be deleted: nobody asks any more what has changed on it."""
    for element in client.elements.values():
        _cut(element)
    client.outbox.message_history.clear()  # what was sent, in case the visitor came back


def _cut(element: Element) -> None:
    for bag in (element._props, element._classes, element._style):
        bag._change_handlers.clear()
    for name in ("_change_handlers", "_click_handlers"):  # of fields and buttons: they lead back to what made them
        handlers = vars(element).get(name)
        if isinstance(handlers, list):
            handlers.clear()
