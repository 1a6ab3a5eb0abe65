"""What SQLite is told of its tables, so that it looks for rows by what is rare.

Every statement of a user's session names the user, and most name a broker. Left to guess, SQLite takes each index for as good as
any other, and walks through everything that somebody ever did to find one order. The figures are estimates for a household, alike
in every file and never gathered: how an order is found must not depend on when somebody counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, groupby

import sqlalchemy as sa

from aristobot.store.whole import all_tables

_ROWS = 1_000_000
#: What is open, or unread, is that much less than what ever was.
_LASTING = 1_000
#: How many rows of a table belong to one user, or to one broker.
_SHARED = {"user_id": 100_000, "broker_id": 50_000}
#: How many have anything else in common besides.
_HANDFUL = 10
#: All indices with their columns in one question: asked one by one they would be most of what a start does before anything else.
_INDICES = """
SELECT tables.name, indices.name, indices."unique", indices.partial, columns.name
FROM sqlite_master AS tables, pragma_index_list(tables.name) AS indices, pragma_index_info(indices.name) AS columns
WHERE tables.type = 'table'
ORDER BY tables.name, indices.name, columns.seqno
"""
#: A line of `sqlite_stat1`: table, index, its rows, and how many of them share the first column, the first two, and so on.
_Line = tuple[str, str, str]


def inform(connection: sa.Connection) -> None:
    """Write the estimates into an SQLite database, unless they are there; connections that open afterwards go by them."""
    wanted = set(_lines(connection))
    if wanted == _known(connection):
        return
    connection.exec_driver_sql("ANALYZE installation")  # makes the table in which they are kept
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", sorted(wanted))


def _known(connection: sa.Connection) -> set[_Line]:
    if not sa.inspect(connection).has_table("sqlite_stat1"):
        return set()
    return {(table, index, figures) for table, index, figures in connection.exec_driver_sql("SELECT * FROM sqlite_stat1")}


def _lines(connection: sa.Connection) -> Iterator[_Line]:
    """One for each index that begins with a user or a broker. SQLite takes all others for precise by itself."""
    ours = {table.name for table in all_tables()}
    for (table, index, unique, partial), named in groupby(connection.exec_driver_sql(_INDICES), lambda row: tuple(row[:4])):
        columns = [column for *_, column in named]
        if table in ours and columns[0] in _SHARED:
            rows = [_ROWS, *accumulate((_SHARED.get(one, _HANDFUL) for one in columns), min)]
            if partial:
                rows = [max(count // _LASTING, 1) for count in rows]
            if unique:
                rows[-1] = 1
            yield table, index, " ".join(map(str, rows))
