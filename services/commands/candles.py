"""`candles list`, `candles download`, `candles import`: the candle store without the screen."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from aristobot.bus import Bus
from aristobot.candle_files import CandleFiles
from aristobot.candle_import import named_in, read_file, symbol_of
from aristobot.candle_series import CandleSeries, SeriesSummary
from aristobot.clock import SystemClock, iso_milliseconds
from aristobot.errors import InvalidInput
from aristobot.language import _
from aristobot.market import timeframe_of
from services.candle_download import CandleDownload, Outcome, Progress
from services.commands.memory_access import Memory, with_memory
from services.commands.options import AsJson, print_rows, settings_of
from services.exchange_gateway import ExchangeGateway

_BAR = 30
Symbol = Annotated[str, typer.Argument(help="BTC/USDT, or BTCUSDT")]
Since = Annotated[str, typer.Option("--since", metavar="DATE", help="First day or moment, UTC: 2024-01-31 or 2024-01-31T12:00")]
Until = Annotated[str, typer.Option("--until", metavar="DATE", help="Up to this day or moment, UTC; by default until now")]


def add_to(cli: typer.Typer) -> None:
    """Hang the commands on the parser."""
    candles = typer.Typer(rich_markup_mode=None)
    candles.command("list")(list_candles)
    candles.command("download")(download)
    candles.command("import")(import_file)
    cli.add_typer(candles, name="candles", help="Candle history: download, import, list")


def list_candles(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List what the store holds, with what is missing"""
    settings = settings_of(ctx)
    print_rows([_row(one) for one in CandleFiles(settings.data_dir).listing()], as_json=as_json)


def download(
    ctx: typer.Context,
    exchange: Annotated[str, typer.Argument(help="its name, as in the account dialog")],
    symbol: Symbol,
    timeframe: Annotated[str, typer.Argument(help="1m, 5m, 1h, 4h, 1d …")],
    since: Since,
    until: Until = "",
) -> None:
    """Fetch what is missing from an exchange; stopped and started again, it goes on from where it was"""
    series = CandleSeries(exchange.lower(), symbol_of(symbol), timeframe_of(timeframe))
    clock = SystemClock()
    span = (moment_of(since, "--since"), moment_of(until, "--until") if until else clock.now())
    bar = Bar()

    async def work(memory: Memory) -> Outcome:
        gateway = ExchangeGateway(memory.db, Bus(), clock, memory.vault, memory.settings)
        try:
            files = CandleFiles(memory.settings.data_dir)
            return await CandleDownload(files, gateway.client(series.exchange), clock, series, span, bar.show).run()
        finally:
            bar.end()
            await gateway.close()

    done = with_memory(ctx, work)
    _say(_("{added} candles added.", added=done.added))
    if done.empty:
        _say(_("{count} intervals are empty at the exchange itself.", count=done.empty))
    if done.unavailable:
        _say(_("{count} older candles are no longer kept by the exchange: import them from a file.", count=done.unavailable))


def import_file(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, CSV packed with gzip, or Parquet")],
    exchange: Annotated[str, typer.Option("--exchange", help="Whose candles they are, when the file's name does not tell")] = "",
    symbol: Annotated[str, typer.Option("--symbol", help="Which pair, when the file's name does not tell")] = "",
    timeframe: Annotated[str, typer.Option("--timeframe", help="Length of a candle, when the candles do not tell")] = "",
) -> None:
    """Read candles from a file into the store"""
    settings = settings_of(ctx)
    named = named_in(file)
    whose, what = exchange.lower() or named[0], symbol_of(symbol) if symbol else named[1]
    if not whose or not what:
        raise InvalidInput("import_which_series", field="--symbol" if whose else "--exchange", value=file.name)
    bar = Bar()
    rows, found = read_file(file, timeframe_of(timeframe) if timeframe else None, bar.fraction)
    series = CandleSeries(whose, what, found)
    files = CandleFiles(settings.data_dir)
    added = files.merge(series, rows, SystemClock().now())
    bar.end()
    facts = {"series": f"{whose} {what} {found.value}", "added": added, "read": len(rows)}
    _say(_("{series}: {added} candles added of {read}.", **facts))
    summary = files.summary(series)
    if summary is not None and summary.missing:
        _say(_("{count} candles are missing in between.", count=summary.missing))


class Bar:
    """A progress bar on standard error; where nobody watches, a line at each tenth."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._tenth = -1
        self._shown = False

    def show(self, progress: Progress) -> None:
        """How far a download is."""
        left = f"  {progress.done:,}/{progress.total:,}  {progress.rate:,.0f}/s  {clock_of(progress.seconds_left)}"
        self.draw(progress.done / progress.total if progress.total else 1.0, left)

    def fraction(self, done: float) -> None:
        """How much of a file is read."""
        self.draw(done, "")

    def end(self) -> None:
        """Leave the line as it is and begin another."""
        if self._shown and self._watched:
            print(file=sys.stderr)

    def draw(self, done: float, words: str) -> None:
        """The bar at a part of its length, with words behind it."""
        if self._watched:
            full = round(done * _BAR)
            print(f"\r{'█' * full}{'░' * (_BAR - full)} {done:4.0%}{words}\033[K", end="", file=sys.stderr, flush=True)
        elif int(done * 10) > self._tenth:
            self._tenth = int(done * 10)
            print(f"{done:4.0%}{words}", file=sys.stderr)
        self._shown = True


def clock_of(seconds: float) -> str:
    """A duration as 0:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def moment_of(text: str, option: str) -> datetime:
    """A day or moment, in UTC where it does not say otherwise. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("not_a_date", field=option, value=text[:40]) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _row(one: SeriesSummary) -> dict[str, object]:
    return {
        "exchange": one.series.exchange,
        "symbol": one.series.symbol,
        "timeframe": one.series.timeframe.value,
        "first": iso_milliseconds(one.first),
        "last": iso_milliseconds(one.last),
        "candles": one.candles,
        "missing": one.missing,
        "bytes": one.size_bytes,
    }


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)
