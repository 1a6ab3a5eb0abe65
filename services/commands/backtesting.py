"""`aristobot backtest`: a strategy over candles of the store, behind the same walls as in the house."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from aristobot.errors import InvalidInput
from aristobot.language import _
from services import backtest_words as words
from services.backtest_candles import instrument_of
from services.backtest_detail import read_candles
from services.backtest_report import as_html, leg_tables
from services.backtest_run import Pace, Played, material_of, played
from services.backtest_sentences import assumptions
from services.commands.backtesting_wish import run_of
from services.commands.candles import Bar
from services.commands.memory_access import Memory, with_memory

_SHOWN = {
    "net_profit", "fees", "roi", "hold_roi", "hold_bitcoin_roi", "cagr", "max_drawdown_share", "sharpe", "sortino", "count",
    "win_rate", "profit_factor", "expectancy", "exposure", "p_value",
}  # fmt: skip
#: Option, what it means, its default; None: it must be given.
_OPTIONS: tuple[tuple[str, str, str | None], ...] = (
    ("exchange", "Whose candles they are", None),
    ("symbol", "BTC/USDT, or BTCUSDT", None),
    ("timeframe", "Length of a candle", None),
    ("since", "First day or moment, UTC: 2024-01-31 or 2024-01-31T12:00", None),
    ("until", "Up to this day or moment, UTC; by default until now", ""),
    ("cash", "Start balance in quote", "10000"),
    ("allotted", "What the strategy may spend of it, besides its own gains; by default all that is free", ""),
    ("maker", "Fee of orders that rest, as a fraction; by default the pair’s own", ""),
    ("taker", "Fee of orders that take, as a fraction; by default the pair’s own", ""),
    ("slippage-bps", "Hundredths of a per cent by which orders that take are filled worse", "0"),
    ("slippage-range", "On top, a share of the candle’s range, as a fraction", "0"),
    ("fee-asset", "In what the fee of a purchase is paid: quote, or base for the coins bought", "quote"),
    ("detail", "Follow the minutes inside larger candles: yes or no", "no"),
    ("latency", "Seconds until an order reaches the exchange", "0"),
    ("json", "Write the whole report to this file, as JSON; - for standard output", ""),
    ("html", "Write the report to this file, as a page that opens alone", ""),
)
_STRATEGY = Annotated[str, typer.Argument(metavar="STRATEGY", help="A name in the database, a template, or a .py file")]
_PARAMETERS = Annotated[list[str] | None, typer.Option("--param", metavar="K=V", help="A parameter; may be repeated")]
_LEGS = Annotated[
    list[str] | None,
    typer.Option(
        "--leg",
        metavar="STRATEGY,SYMBOL[,TIMEFRAME[,ALLOTTED]][,K=V…]",
        help="One strategy more over the same balance; may be repeated",
    ),
]


def add_to(cli: typer.Typer) -> None:
    """Hang the command on the parser."""
    cli.command("backtest")(_with_options(backtest))


def backtest(ctx: typer.Context, strategy: str, given: Mapping[str, str], parameters: Sequence[str], legs: Sequence[str]) -> None:
    """Play a strategy, or several over one balance, over the past behind its walls, and tell its figures"""
    bar = Bar()

    async def work(memory: Memory) -> Played:
        run = await run_of(memory, strategy, given, parameters, legs)
        pace = Pace(memory.clock, lambda stage, done, left: bar.fraction(done))
        try:
            folder, span = memory.settings.data_dir, (run.since, run.until)
            read, pair = (lambda series: read_candles(folder, series, span)), partial(instrument_of, memory.db)
            return await played(run, await material_of(run, read, pair), pace)
        finally:
            bar.end()

    found = with_memory(ctx, work)
    if given["json"] == "-":
        print(msgspec.json.encode(found.report).decode())
    else:
        _tell(found)
    if given["json"] not in ("", "-"):
        _write(given["json"], msgspec.json.encode(found.report))
    if given["html"]:
        _write(given["html"], as_html(Path(strategy).stem, found.report).encode())


def _tell(found: Played) -> None:
    """The figures that matter most, what was assumed, and what to beware of."""
    report = found.report
    for line in words.lines(report.figures, report.symbol.partition("/")[2]):
        if line.name in _SHOWN:
            print(f"{line.title:<28} {line.value:>20}")
    for heading, head, rows in leg_tables(report):
        print(f"\n{heading}")
        for row in (head, *rows):
            print(f"{row[0]:<44}" + "".join(f"{cell:>18}" for cell in row[1:]))
    for sentence in (words.verdict(report)[1], *words.cautions(report), *assumptions(report)):
        print(sentence, file=sys.stderr)


def _with_options(function: Any) -> Any:
    """The command with an option for each line of the table, as the parser reads it from a signature."""
    arguments = [
        inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        inspect.Parameter("strategy", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=_STRATEGY),
    ]
    for name, meaning, default in _OPTIONS:
        kind = Annotated[str, typer.Option(f"--{name}", help=meaning, show_default=bool(default))]
        least = inspect.Parameter.empty if default is None else default
        arguments.append(inspect.Parameter(_spelled(name), inspect.Parameter.KEYWORD_ONLY, default=least, annotation=kind))
    for name, several in (("param", _PARAMETERS), ("leg", _LEGS)):
        arguments.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=several))

    def taking(ctx: typer.Context, strategy: str, **options: Any) -> None:
        given = {name: options[_spelled(name)] for name, *_rest in _OPTIONS}
        function(ctx, strategy, given, options["param"] or (), options["leg"] or ())

    taking.__doc__ = function.__doc__
    taking.__signature__ = inspect.Signature(arguments)  # type: ignore[attr-defined]  # inspect looks for it
    taking.__annotations__ = {one.name: one.annotation for one in arguments}
    return taking


def _spelled(name: str) -> str:
    return "as_" + name if name in ("json", "html") else name.replace("-", "_")


def _write(path: str, content: bytes) -> None:
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise InvalidInput("unwritable_file", field="FILE", value=path, detail=error.strerror or "") from None
    print(_("Written: {path}", path=path), file=sys.stderr)
