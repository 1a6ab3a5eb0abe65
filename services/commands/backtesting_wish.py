"""What a backtest is asked on the command line: texts become a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from aristobot.candle_import import symbol_of
from aristobot.candle_series import CandleSeries
from aristobot.errors import InvalidInput
from aristobot.market import timeframe_of
from aristobot.money import amount
from services.backtest_run import Costs, Run
from services.commands.candles import moment_of
from services.commands.memory_access import Memory

_T = TypeVar("_T")


def run_of(text: str, given: Mapping[str, str], parameters: Sequence[str], memory: Memory) -> Run:
    """The run that is asked for. Raises InvalidInput for what cannot be."""
    return Run(
        text=text,
        series=CandleSeries(given["exchange"].lower(), symbol_of(given["symbol"]), timeframe_of(given["timeframe"])),
        since=moment_of(given["since"], "--since"),
        until=moment_of(given["until"], "--until") if given["until"] else memory.clock.now(),
        parameters=dict(_pair(one) for one in parameters),
        cash=amount(given["cash"]),
        costs=_costs(given),
        detail=_chosen(given, "detail", {"yes": True, "no": False}),
    )


def _costs(given: Mapping[str, str]) -> Costs:
    maker, taker = (amount(given[name]) if given[name] else None for name in ("maker", "taker"))
    bps, share, latency = (float(amount(given[name])) for name in ("slippage-bps", "slippage-range", "latency"))
    return Costs(maker, taker, bps, latency, share, _chosen(given, "fee-asset", {"quote": "quote", "base": "base"}))


def _chosen(given: Mapping[str, str], name: str, known: Mapping[str, _T]) -> _T:
    try:
        return known[given[name].lower()]
    except KeyError:
        raise InvalidInput("no_such_choice", field=f"--{name}", value=given[name][:40], known=", ".join(known)) from None


def _pair(text: str) -> tuple[str, int | float | bool | str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise InvalidInput("not_a_parameter", field="--param", value=text[:40])
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, {"true": True, "false": False}.get(value.lower(), value)
