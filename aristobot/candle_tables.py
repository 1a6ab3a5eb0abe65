"""Tables out of files: CSV, also packed with gzip, and Parquet. What cannot be read is named with its line and field.

Columns are known by their names in many spellings; separators and units of time are recognised.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from aristobot.candle_rows import COLUMNS
from aristobot.errors import DataError, InvalidInput

Progress = Callable[[float], None]
#: Names of the columns, their values, and the line of each row.
Table = tuple[tuple[str, ...], np.ndarray[Any, np.dtype[np.float64]], Sequence[int]]

#: Every spelling of a column, in small letters.
_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "time": ("t", "time", "timestamp", "date", "datetime", "open_time", "opentime", "open time", "unix", "ts", "start"),
    "open": ("o", "open", "open_price"),
    "close": ("c", "close", "close_price", "last"),
    "high": ("h", "high", "max"),
    "low": ("l", "low", "min"),
    "volume": ("v", "volume", "vol", "base_volume", "volume_base", "volume btc", "basevolume"),
    "price": ("p", "price"),
    "quantity": ("q", "qty", "quantity", "amount", "size"),
}
#: Without a header: Binance's monthly files, and everybody who writes time, open, high, low, close, volume.
_USUAL_ORDER = ("time", "open", "high", "low", "close", "volume")
_EVERY = 20_000
#: A longer line is none of a table, however much a packed file makes of it.
_LONGEST_LINE = 64 * 1024
#: Characters of a row, where they are counted instead of rows.
_WIDE = 200
_YEAR_1990, _YEAR_2096 = 6.3e11, 4.0e12


def read_table(path: Path, progress: Progress, most: int | None = None) -> Table:
    """The columns that count, in our names and order: those of candles, or time, price and quantity. Times in milliseconds.

    Raises DataError with line, field and value for what is no number, InvalidInput for a file that is neither, and for one with
    more than `most` rows, before they fill the memory.
    """
    if not path.is_file():
        raise InvalidInput("import_no_file", field="FILE", value=str(path))
    return _parquet(path, most) if path.name.endswith((".parquet", ".pq")) else _csv(path, progress, most)


def _csv(path: Path, progress: Progress, most: int | None) -> Table:
    """Names, values and line numbers."""
    size = max(1, path.stat().st_size)
    try:
        with path.open("rb") as raw, _unpacked(raw) as file:
            lines = (line.decode("utf-8-sig") for line in iter(lambda: file.readline(_LONGEST_LINE), b""))
            told = 0

            def ticking() -> Iterator[str]:
                nonlocal told
                unpacked = 0
                for number, line in enumerate(lines):
                    unpacked += len(line)
                    _within(max(number, unpacked // _WIDE), most, path)
                    if number - told >= _EVERY:
                        told = number
                        progress(min(1.0, raw.tell() / size))
                    yield line

            return _table(ticking(), path)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise InvalidInput("import_unreadable", field="FILE", value=path.name, detail=type(error).__name__) from None


def _within(rows: int, most: int | None, path: Path) -> None:
    if most is not None and rows > most:
        raise InvalidInput("import_too_many_rows", field="file", value=path.name, most=most)


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[return-value] # both give lines of bytes


def _table(lines: Iterator[str], path: Path) -> Table:
    first = next(lines, "")
    if not first:
        raise DataError("import_empty", file=path.name)
    delimiter = max((",", ";", "\t", "|"), key=first.count)
    comma = delimiter == ";"
    head = [one.strip().strip('"').lower() for one in next(csv.reader([first], delimiter=delimiter), [])]
    has_header = not _is_number(head[0] if head else "") and _moment(head[0] if head else "") is None
    names, places = _columns(head if has_header else [], len(head), path)
    body = list(lines if has_header else _again(first, lines))
    start = 2 if has_header else 1
    quick = None if comma else _all_numbers(body, delimiter, places)
    if quick is not None:
        return names, quick, range(start, start + len(quick))
    values: list[list[float]] = []
    numbers: list[int] = []
    for number, row in enumerate(csv.reader(body, delimiter=delimiter), start):
        if row:
            values.append(_figures(row, names, places, number, comma=comma))
            numbers.append(number)
    return names, np.array(values, dtype=np.float64).reshape(len(values), len(names)), numbers


def _all_numbers(body: Sequence[str], delimiter: str, places: Sequence[int]) -> Any:
    """The whole table at once, ten times as fast; None where a line is empty, quoted, or holds anything but numbers."""
    if not any(line.strip() for line in body):
        return None  # NumPy would warn of it
    try:
        values = np.loadtxt(body, delimiter=delimiter, usecols=places, ndmin=2, comments=None, dtype=np.float64)
    except ValueError:
        return None
    if len(values) != len(body) or not len(values):
        return None
    unit = _unit(float(values[0, 0]))
    if unit is None or (values[:, 0] * unit < _YEAR_1990).any() or (values[:, 0] * unit >= _YEAR_2096).any():
        return None
    values[:, 0] = np.round(values[:, 0] * unit)
    return values


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _columns(head: Sequence[str], width: int, path: Path) -> tuple[tuple[str, ...], list[int]]:
    """The columns that count, and where they stand."""
    if not head:
        if width < len(_USUAL_ORDER):
            raise DataError("import_columns", file=path.name, missing=", ".join(_USUAL_ORDER[width:]), found="–")
        return _USUAL_ORDER, list(range(len(_USUAL_ORDER)))
    places = {name: next((head.index(one) for one in spelled if one in head), -1) for name, spelled in _SPELLINGS.items()}
    wanted = ("time", "price", "quantity") if places["open"] < 0 <= min(places["price"], places["quantity"]) else COLUMNS
    missing = [name for name in wanted if places[name] < 0]
    if missing:
        raise DataError("import_columns", file=path.name, missing=", ".join(missing), found=", ".join(head)[:80])
    return wanted, [places[name] for name in wanted]


def _figures(row: Sequence[str], names: Sequence[str], places: Sequence[int], line: int, *, comma: bool) -> list[float]:
    try:
        found = [float(row[place].replace(",", ".") if comma else row[place]) for place in places[1:]]
        moment = _moment(row[places[0]])
        if moment is not None:
            return [moment, *found]
    except (ValueError, IndexError):
        pass
    for name, place in zip(names, places, strict=True):
        text = row[place].strip() if place < len(row) else ""
        readable = _moment(text) is not None if name == "time" else _is_number(text.replace(",", ".") if comma else text)
        if not readable:
            raise DataError("import_bad_field", line=line, field=name, value=text[:40])
    raise DataError("import_bad_field", line=line, field=names[0], value=row[places[0]][:40])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> float | None:
    """Milliseconds since 1970 of a count of seconds, milliseconds, microseconds or nanoseconds, or of an ISO 8601 text (UTC)."""
    text = text.strip().strip('"')
    try:
        return _in_milliseconds(float(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _in_milliseconds(count: float) -> float | None:
    unit = _unit(count)
    return None if unit is None else float(round(count * unit))


def _unit(count: float) -> float | None:
    """What makes milliseconds of it, by its size: nothing lies before 1990, nothing after 2096."""
    return next((unit for unit in (1000.0, 1.0, 0.001, 0.000001) if _YEAR_1990 <= count * unit < _YEAR_2096), None)


def _parquet(path: Path, most: int | None) -> Table:
    try:
        arrow = importlib.import_module("pyarrow")  # tens of megabytes: only for whoever imports such a file
        parquet = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise InvalidInput("import_no_parquet", field="FILE", value=path.name) from None
    try:
        _within(parquet.ParquetFile(path).metadata.num_rows, most, path)
        table = parquet.read_table(path)
    except (arrow.ArrowException, OSError) as error:
        raise InvalidInput("import_unreadable", field="FILE", value=path.name, detail=type(error).__name__) from None
    head = [str(one).lower() for one in table.column_names]
    names, places = _columns(head, len(head), path)
    columns = []
    for name, place in zip(names, places, strict=True):
        values = table.column(place).to_numpy()
        columns.append(_times(values) if name == "time" else _floats(values, name))
    return names, np.column_stack(columns), range(1, table.num_rows + 1)


def _floats(values: Any, name: str) -> Any:
    try:
        return values.astype(np.float64)
    except (ValueError, TypeError):
        at = next((number for number, one in enumerate(values) if one is None or not _is_number(str(one))), 0)
        raise DataError("import_bad_field", line=at + 1, field=name, value=str(values[at])[:40]) from None


def _times(values: Any) -> Any:
    if np.issubdtype(values.dtype, np.datetime64):
        return values.astype("datetime64[ms]").astype(np.int64).astype(np.float64)
    found = [_moment(str(one)) for one in values]
    if None in found:
        at = found.index(None)
        raise DataError("import_bad_field", line=at + 1, field="time", value=str(values[at])[:40])
    return np.array(found, dtype=np.float64)
