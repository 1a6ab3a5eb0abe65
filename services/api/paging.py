"""Lists in pages: newest first, a cursor that survives whatever arrives meanwhile."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Generic, Protocol, TypeVar

from fastapi import Depends, Query

from aristobot.errors import InvalidInput
from services.api.values import Moment, Out

MOST = 500
Row = TypeVar("Row")
Item = TypeVar("Item")
Place = tuple[datetime, uuid.UUID]


def made(row: Created) -> Place:
    """Where a row stands by when it was created."""
    return row.created_at, row.id


class Created(Protocol):
    """A row that says when it was created."""

    id: uuid.UUID
    created_at: datetime


Made = TypeVar("Made", bound=Created)


class Page(Out, Generic[Item]):
    """One page of a list; `next` is the cursor of the page after it, null at the end."""

    items: list[Item]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a request wants of a list: at most `limit` rows, older than `before`, not older than `since`."""

    limit: int
    before: Place | None
    since: datetime | None

    @property
    def wanted(self) -> int:
        """Rows to ask for: one more than shown tells whether there is a next page."""
        return self.limit + 1

    def page(
        self, rows: Sequence[Row], place: Callable[[Row], Place], show: Callable[[Row], object] | None = None
    ) -> dict[str, object]:
        """The page that these rows, newest first, make; `place` says where each stands, `show` what is answered for it."""
        shown = [row for row in rows[: self.limit] if self.since is None or place(row)[0] >= self.since]
        more = len(rows) > self.limit and len(shown) == self.limit
        items = shown if show is None else [show(row) for row in shown]
        return {"items": items, "next": cursor_of(place(shown[-1])) if more else None}

    def part(self, rows: Sequence[Row], place: Callable[[Row], Place]) -> tuple[list[Row], str | None]:
        """Of a list that is known whole, in whatever order it stands: the rows of this page, and the cursor of the next.

        InvalidInput when the row behind which the page begins has gone.
        """
        left = [row for row in rows if self.since is None or place(row)[0] >= self.since]
        if self.before is not None:
            places = [place(row) for row in left]
            if self.before not in places:
                raise InvalidInput("bad_cursor", field="cursor")
            left = left[places.index(self.before) + 1 :]
        shown = left[: self.limit]
        return shown, cursor_of(place(shown[-1])) if len(left) > len(shown) else None

    def recent(self, rows: Sequence[Made], show: Callable[[Made], object]) -> dict[str, object]:
        """The page of rows that stand where they were created."""
        return self.page(rows, lambda row: (row.created_at, row.id), show)


def listing(
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    cursor: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[Moment | None, Query()] = None,
) -> Listing:
    """The paging part of a query string."""
    return Listing(limit, place_of(cursor) if cursor else None, since)


Listed = Annotated[Listing, Depends(listing)]


def cursor_of(place: Place) -> str:
    """Opaque text for a place in a list."""
    moment, row_id = place
    return base64.urlsafe_b64encode(f"{moment.isoformat()} {row_id}".encode()).decode().rstrip("=")


def number_of(cursor: str) -> int:
    """The number that a cursor is in a list whose rows are counted; InvalidInput when it is none."""
    if not (cursor.isascii() and cursor.isdigit()):
        raise InvalidInput("bad_cursor", field="cursor")
    return min(int(cursor), 2**62)


def place_of(cursor: str) -> Place:
    """The place that a cursor stands for; InvalidInput when it is none of ours."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _, row_id = text.rpartition(" ")
        when, place_id = datetime.fromisoformat(moment), uuid.UUID(row_id)
        if when.tzinfo is not None:
            return when.astimezone(UTC), place_id
    except (ValueError, OverflowError, binascii.Error):
        pass
    raise InvalidInput("bad_cursor", field="cursor")
