"""What a page held is free again the moment its visitor is given up.

Every element of NiceGUI has three bags (properties, classes, styles), and each bag is told of its own changes: it holds
itself. Python finds such rings only by looking through every object of every open page, seldom and with the loop standing
still; until then pages that are gone stay. Cut open, they go by themselves, one by one.
"""

from __future__ import annotations

from nicegui import Client

#: Where NiceGUI keeps who is told of a change. They are its own: where another version keeps them elsewhere, nothing is cut.
_BAGS = ("_props", "_classes", "_style")
_TOLD = "_change_handlers"


def part_from(client: Client) -> None:
    """Cut what would hold itself. The client is about to be deleted: nobody asks any more what has changed on it."""
    for element in client.elements.values():
        for holder in (*(getattr(element, bag, None) for bag in _BAGS), element):
            _cut(holder)
    client.outbox.message_history.clear()  # what was sent, in case the visitor came back


def _cut(holder: object) -> None:
    """Of a bag, or of a field: its handlers lead back to what made them."""
    handlers = getattr(holder, _TOLD, None)
    if isinstance(handlers, list):
        handlers.clear()
