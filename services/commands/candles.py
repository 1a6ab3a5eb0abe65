"""`candles list`, `candles download`, `candles import`: the candle store without the screen."""

from __future__ import annotations

import typer

from aristobot.candle_files import CandleFiles, SeriesSummary
from aristobot.clock import iso_milliseconds
from services.commands.options import AsJson, print_rows, settings_of


def add_to(cli: typer.Typer) -> None:
    """Hang the commands on the parser."""
    candles = typer.Typer(rich_markup_mode=None)
    candles.command("list")(list_candles)
    cli.add_typer(candles, name="candles", help="Candle history: download, import, list")


def list_candles(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List what the store holds, with what is missing"""
    settings = settings_of(ctx)
    print_rows([_row(one) for one in CandleFiles(settings.data_dir).listing()], as_json=as_json)


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
