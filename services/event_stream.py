"""Server-sent events (WHATWG HTML, 9.2.6), as far as AI providers use them: data, and comments that keep a line alive."""

from __future__ import annotations

from collections.abc import AsyncIterator

from services.ai_fault import AiFault

#: Characters of one event; more is no event.
_LONGEST = 1_000_000


async def events(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """The data of every event, whatever pieces the stream arrives in. One that the stream's end cuts off is dropped."""
    data: list[str] = []
    async for line in _lines(chunks):
        if line.startswith("data:"):
            data.append(line.removeprefix("data:").removeprefix(" "))
            if sum(map(len, data)) > _LONGEST:
                raise AiFault("ai_not_an_api")
        elif not line and data:
            yield "\n".join(data)
            data = []


async def _lines(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """Lines without their ends: CR LF or LF, which may fall between two pieces."""
    waiting = ""
    async for chunk in chunks:
        *whole, waiting = (waiting + chunk).split("\n")
        if len(waiting) > _LONGEST:
            raise AiFault("ai_not_an_api")
        for line in whole:
            yield line.removesuffix("\r")
