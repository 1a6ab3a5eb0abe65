"""Files of others: read whatever their spelling, and when not, the line, the field and the cure are named."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aristobot.candle_import import named_in, read_file, symbol_of
from aristobot.candle_rows import COLUMNS, data_hash, holes
from aristobot.errors import DataError, InvalidInput
from aristobot.language import explain
from aristobot.market import Timeframe

HEAD = "t,o,h,l,c,v\n"
FIRST = 1_703_923_200_000
SOUND = [[FIRST + n * 3_600_000, 100.5 + n, 102 + n, 99 + n, 101.25 + n, 7.5] for n in range(5)]
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a CSV file with this text."""

    def written(text: str) -> Path:
        path = tmp_path / "binance_BTCUSDT_1h.csv"
        path.write_text(text, "utf-8")
        return path

    return written


def lines(head: str, separator: str = ",", moment: Callable[[int], str] = str) -> str:
    """The sound candles as text."""
    rows = [[moment(int(row[0])), *(str(one) for one in row[1:])] for row in SOUND]
    return head + "".join(separator.join(row) + "\n" for row in rows)


def iso(ms: int) -> str:
    """ISO 8601 with a Z."""
    return str(np.datetime64(ms, "ms")) + "Z"


@pytest.mark.parametrize(
    "text",
    [
        lines(HEAD),
        lines(""),
        lines("timestamp;open;high;low;close;volume\n", ";").replace(".", ","),
        lines("Open_Time\tOpen\tHigh\tLow\tClose\tVolume\n", "\t"),
        lines("date,open,high,low,close,Volume BTC\n", moment=iso),
        lines("unix,open,high,low,close,volume\n", moment=lambda ms: str(ms // 1000)),
        lines("unix,open,high,low,close,volume\n", moment=lambda ms: str(ms * 1000)),
        "\ufeff" + lines(HEAD),
        lines(HEAD) + "\n\n",
        HEAD + "".join(lines("").splitlines(keepends=True)[::-1]) + lines(""),
    ],
    ids=["plain", "no header", "decimal comma", "tabs", "ISO", "seconds", "microseconds", "BOM", "empty lines", "order, doubles"],
)
def test_the_same_candles_in_many_spellings(write: Write, text: str) -> None:
    rows, timeframe = read_file(write(text))

    assert timeframe is Timeframe.H1
    assert rows.tolist() == [[row[0], row[1], row[4], row[2], row[3], row[5]] for row in SOUND]


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        (lines(HEAD).replace("102.25", "abc"), 3, "close"),
        (lines(HEAD).replace(str(FIRST), "yesterday"), 2, "time"),
        (lines(HEAD) + "1703941200000,1,2\n", 7, "close"),
        (lines(HEAD).replace("104,101", "104,999"), 4, "open"),
        (lines(HEAD).replace("7.5", "-1"), 2, "volume"),
        (lines(HEAD).replace("103.25", "nan"), 4, "close"),
    ],
)
def test_what_cannot_be_is_named_with_its_line_and_field(write: Write, text: str, line: int, field: str) -> None:
    with pytest.raises(DataError) as wrong:
        read_file(write(text))

    assert (wrong.value.facts["line"], wrong.value.facts["field"]) == (line, field)
    assert str(line) in explain(wrong.value, language="en")


def test_what_is_no_such_file_says_what_would_help(write: Write, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="import_columns"):
        read_file(write("t,o,h,l\n1,2,3,4\n"))
    with pytest.raises(DataError, match="import_empty"):
        read_file(write(HEAD))
    with pytest.raises(InvalidInput, match="import_which_timeframe"):
        read_file(write(HEAD + "1703923200000,1,1,1,1,1\n1703923207000,1,1,1,1,1\n"))
    with pytest.raises(InvalidInput, match="import_no_file"):
        read_file(tmp_path / "nowhere.csv")
    for name in ("broken.csv.gz", "broken.parquet", "broken.csv"):
        (tmp_path / name).write_bytes(b"\x1f\x8b\x08\x00\xff\xfe garbage" * 3)
        with pytest.raises(InvalidInput, match="import_unreadable"):
            read_file(tmp_path / name)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["", HEAD, HEAD + "\n\n"], ids=["no byte", "a head alone", "a head and empty lines"])
def test_a_file_without_candles_is_said_to_be_empty_and_nothing_is_warned_of(write: Write, text: str) -> None:
    with pytest.raises(DataError, match="import_empty"):
        read_file(write(text))


def test_packed_csv_and_parquet_hold_the_same_candles(write: Write, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    plain, _ = read_file(write(lines(HEAD)))
    packed = tmp_path / "x.csv.gz"
    packed.write_bytes(gzip.compress(lines(HEAD).encode()))
    columns = list(zip(*SOUND, strict=True))
    for name, times in (("a.parquet", columns[0]), ("b.parquet", np.array(columns[0], dtype="datetime64[ms]"))):
        table = {"timestamp": times, **dict(zip(("open", "high", "low", "close", "volume"), columns[1:], strict=True))}
        parquet.write_table(pyarrow.table(table), tmp_path / name)

    hashes = {data_hash(read_file(path)[0]) for path in (packed, tmp_path / "a.parquet", tmp_path / "b.parquet")}

    assert hashes == {data_hash(plain)}


def test_a_file_with_more_rows_than_are_wanted_is_refused_before_it_fills_the_memory(write: Write, tmp_path: Path) -> None:
    text = write(lines(HEAD))
    assert len(read_file(text, most=5)[0]) == 5
    parquet, wide = tmp_path / "candles.parquet", tmp_path / "wide.csv.gz"
    columns = {name: [row[at] for row in SOUND] for at, name in enumerate(("time", "open", "high", "low", "close", "volume"))}
    pytest.importorskip("pyarrow.parquet").write_table(pytest.importorskip("pyarrow").table(columns), parquet)
    wide.write_bytes(gzip.compress(b"t,o,h,l,c,v\n" + b"1" * 2_000_000))  # one line that would never end
    for path in (text, parquet, wide):
        with pytest.raises(InvalidInput) as refused:
            read_file(path, most=4)
        assert refused.value.code == "import_too_many_rows"
        assert path.name in explain(refused.value, language="en")


def test_a_parquet_file_with_an_empty_field_names_it(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = {"t": [FIRST, FIRST + 60_000], "o": [1.0, 1.0], "h": [1.0, 1.0], "l": [1.0, 1.0], "c": ["1", None], "v": [1.0, 1.0]}
    parquet.write_table(pyarrow.table(table), tmp_path / "x.parquet")

    with pytest.raises(DataError) as wrong:
        read_file(tmp_path / "x.parquet")

    assert (wrong.value.facts["line"], wrong.value.facts["field"]) == (2, "close")


def test_executions_become_whole_minutes(write: Write) -> None:
    ticks = [(5, 100, 1), (61, 101, 1), (70, 105, 2), (80, 99, 3), (119, 100, 1), (185, 100, 1), (239, 102, 1), (250, 1, 1)]
    text = "trade_id,t,price,qty,buyer_is_maker\n" + "".join(f"1,{FIRST + s * 1000},{p},{q},0\n" for s, p, q in ticks)

    rows, timeframe = read_file(write(text))

    assert timeframe is Timeframe.M1
    assert rows.tolist() == [[FIRST + 60_000, 101, 100, 105, 99, 7], [FIRST + 180_000, 100, 102, 102, 100, 2]]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("binance_BTCUSDT_4h_2023-12_2024-03.csv.gz", ("binance", "BTC/USDT", "4h")),
        ("bybit_linear_DOGEUSDT_1m_2025-06.csv.gz", ("bybit", "DOGE/USDT", "1m")),
        ("freqtrade_ETH_BTC_5m_2018-01.csv.gz", ("freqtrade", "ETH/BTC", "5m")),
        ("kraken_BTC-EUR_1h.parquet", ("kraken", "BTC/EUR", "1h")),
        ("BTCUSDT-1m.csv", ("", "", "")),
        ("mine.csv", ("", "", "")),
    ],
)
def test_a_files_name_tells_whose_candles_it_holds(name: str, told: tuple[str, str, str]) -> None:
    assert named_in(Path(name)) == told


def test_a_pair_is_read_in_every_spelling() -> None:
    assert {symbol_of(one) for one in ("BTCUSDT", "btc/usdt", "BTC-USDT")} == {"BTC/USDT"}
    with pytest.raises(InvalidInput):
        symbol_of("BITCOIN")


@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=8), max_size=6))
def test_no_file_is_too_strange_to_be_refused_in_our_words(
    tmp_path_factory: pytest.TempPathFactory, table: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("strange") / "x.csv"
    with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
        csv.writer(file).writerows([["t", "o", "h", "l", "c", "v"], *table] if table else [])

    with pytest.raises((DataError, InvalidInput)):
        read_file(path)


def test_columns_keep_their_places() -> None:
    assert COLUMNS == ("time", "open", "close", "high", "low", "volume")
    assert holes(np.asfortranarray(np.array([[0.0, 1, 1, 1, 1, 1]])), Timeframe.M1) == []
