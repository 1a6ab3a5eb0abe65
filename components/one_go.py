"""A new page reaches the browser in one message, and is laid out once.

Otherwise NiceGUI sends what is there whenever the drawing waits, for a row of the database say, and each time the browser
draws everything anew. That the page before is gone, and the menu's mark, are sent at once.
"""

from __future__ import annotations

import asyncio

from nicegui import Client

from aristobot.clock import Clock

#: Seconds that a page which waits for something else is held back at most.
LONGEST = 0.15
#: What wakes NiceGUI's sender; while an attribute of this name lies over the method, it sleeps.
_WAKING = "_set_enqueue_event"
#: Turns of the loop in which the sender has woken up and taken what there was.
_TURNS = 10


async def hold_back(client: Client, clock: Clock, longest: float = LONGEST) -> None:
    """Send nothing more until `let_go`, or for so many seconds. Before the browser's socket is open: no difference."""
    outbox = client.outbox
    if not client.has_socket_connection or not callable(getattr(outbox, _WAKING, None)):
        return  # the first page travels whole; and another NiceGUI may send in another way: then pages come in pieces
    for _turn in range(_TURNS):
        if not outbox.updates and not outbox.messages:
            break
        await clock.sleep(0)

    def sleep_on() -> None:
        """What there is to send waits."""

    def in_the_end() -> None:
        if vars(outbox).get(_WAKING) is sleep_on:
            let_go(client)

    vars(outbox)[_WAKING] = sleep_on
    asyncio.get_running_loop().call_later(longest, in_the_end)


def let_go(client: Client) -> None:
    """Send what was held back; nothing held, nothing done."""
    if vars(client.outbox).pop(_WAKING, None) is not None:
        getattr(client.outbox, _WAKING)()
