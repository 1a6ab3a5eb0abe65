"""`aristobot optimise`: better parameters for a strategy, on all cores of this machine or on a Dask cluster."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from aristobot.candle_rows import Rows
from aristobot.errors import InvalidInput
from aristobot.language import _
from aristobot.search.findings import Findings
from aristobot.store.study_tables import Study
from services import study_candles, study_sources
from services.commands import optimising_wish as wishes
from services.commands.memory_access import Memory, with_memory
from services.commands.optimising_words import SearchBar, tell
from services.optimiser import Optimiser
from services.study_book import StudyBook
from services.trial_crew import Crew, crew

#: Option, what it means, its default.
_OPTIONS: tuple[tuple[str, str, str], ...] = (
    ("exchange", "Whose candles they are", ""),
    ("symbol", "BTC/USDT, or BTCUSDT", ""),
    ("timeframe", "1m, 5m, 1h, 4h, 1d …", ""),
    ("since", "First day or moment, UTC: 2024-01-31 or 2024-01-31T12:00", ""),
    ("until", "Up to this day or moment, UTC; by default until now", ""),
    ("trials", "How many sets of parameters are tried, on each stretch of a walk forward", "100"),
    ("sampler", "How they are chosen: tpe, grid or random", "tpe"),
    ("seed", "The same seed tries the same sets", "0"),
    ("goal", "The figure to improve: sharpe, net_profit, calmar …", "sharpe"),
    ("least-trades", "Fewer closed trades than this count for nothing", "10"),
    ("scheme", "whole, split (try on the last part) or walk-forward", "split"),
    ("train", "Per cent of each stretch from which is learned", "70"),
    ("windows", "How often a walk forward moves on", "4"),
    ("cash", "Start balance in quote", "10000"),
    ("maker", "Fee of orders that rest, as a fraction; by default the pair’s own", ""),
    ("taker", "Fee of orders that take, as a fraction; by default the pair’s own", ""),
    ("slippage-bps", "Hundredths of a per cent by which orders that take are filled worse", "0"),
    ("slippage-range", "On top, a share of the candle’s range, as a fraction", "0"),
    ("fee-asset", "In what the fee of a purchase is paid: quote, or base for the coins bought", "quote"),
    ("workers", "Processes on this machine; by default one per core", "0"),
    ("scheduler", "Address of a Dask scheduler, tcp://host:8786, whose workers play instead", ""),
    ("user", "Whose search it is; by default the first administrator’s", ""),
    ("json", "Write everything that was found to this file, as JSON; - for standard output", ""),
)
_STRATEGY = Annotated[
    str,
    typer.Argument(metavar="STRATEGY", help="A name in the database, a template, a .py file, or a search’s id, to go on with it"),
]
_PARAMETERS = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="K=V", help="20 stands still, 10:50:5 is a range with a step, a,b a choice"),
]


def add_to(cli: typer.Typer) -> None:
    """Hang the command on the parser."""
    cli.command("optimise")(_as_command())


def _as_command() -> Any:
    """The command with an option for each line of the table, as the parser reads it from a signature."""
    plain, named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    spelled = {name: "as_json" if name == "json" else name.replace("-", "_") for name, *_rest in _OPTIONS}
    arguments = [
        inspect.Parameter("ctx", plain, annotation=typer.Context),
        inspect.Parameter("strategy", plain, annotation=_STRATEGY),
    ]
    for name, meaning, default in _OPTIONS:
        kind = Annotated[str, typer.Option(f"--{name}", help=meaning, show_default=bool(default))]
        arguments.append(inspect.Parameter(spelled[name], named, default=default, annotation=kind))
    arguments.append(inspect.Parameter("param", named, default=None, annotation=_PARAMETERS))

    def optimise_(ctx: typer.Context, strategy: str, param: list[str] | None = None, **options: str) -> None:
        _optimise(ctx, strategy, {name: options[spelled[name]] for name, *_rest in _OPTIONS}, param or ())

    optimise_.__doc__ = "Look for better parameters, and tell what speaks against them"
    optimise_.__signature__ = inspect.Signature(arguments)  # type: ignore[attr-defined] # inspect looks for it
    optimise_.__annotations__ = {one.name: one.annotation for one in arguments}
    return optimise_


def _optimise(ctx: typer.Context, strategy: str, given: Mapping[str, str], asked: Sequence[str]) -> None:
    workers = wishes.whole(given, "workers") or study_sources.workers_here()
    with crew(workers, given["scheduler"]) as hands:

        async def work(memory: Memory) -> Findings:
            study = await study_sources.kept(memory.db, strategy)
            if study is None:
                definition, code = await wishes.definition(memory, strategy, given, asked, hands.size)
                rows = await study_candles.candles_of(memory.settings.data_dir, definition)
                user = await study_sources.searcher(memory.db, given["user"])
                row = study_sources.study_of(user, definition, code, rows, memory.clock.now())
                study = await study_sources.keep(memory.db, row)
            else:
                rows = await study_candles.candles_of(memory.settings.data_dir, study_sources.asked_of(study))
            return await _searched(memory, study, rows, hands)

        found = with_memory(ctx, work)
    if given["json"]:
        _write(given["json"], msgspec.json.encode(found))
    if given["json"] != "-":
        tell(found)


async def _searched(memory: Memory, study: Study, rows: Rows, hands: Crew) -> Findings:
    definition = study_sources.definition_of(study, rows)
    bar, book = SearchBar(), StudyBook(memory.db, memory.clock, study.user_id, study.id)
    try:
        return await Optimiser(memory.clock, book, hands, bar.show_search).run(definition, study.code, rows)
    except asyncio.CancelledError:
        print("\n" + _("To go on: aristobot optimise {study}", study=study.id), file=sys.stderr)
        raise
    finally:
        bar.end()


def _write(path: str, content: bytes) -> None:
    if path == "-":
        print(content.decode())
        return
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise InvalidInput("unwritable_file", field="--json", value=path, detail=error.strerror or "") from None
