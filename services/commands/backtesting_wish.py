"""What a backtest is asked on the command line: texts become a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from aristobot.candle_import import symbol_of
from aristobot.candle_series import CandleSeries
from aristobot.errors import AristobotError, InvalidInput
from aristobot.market import timeframe_of
from aristobot.money import amount
from services.backtest_legs import LegWish, check_legs
from services.backtest_run import Costs, Leg, Run
from services.commands.candles import moment_of
from services.commands.memory_access import Memory
from services.commands.trial_options import chosen, split_pair, text_of

Plain = int | float | bool | str


async def run_of(memory: Memory, strategy: str, given: Mapping[str, str], parameters: Sequence[str], legs: Sequence[str]) -> Run:
    """The run that is asked for; each of `legs` is one strategy more. Raises InvalidInput for what cannot be, NotFound."""
    cash = amount(given["cash"])
    allotted = amount(given["allotted"]) if given["allotted"] else None
    first = LegWish(
        strategy=_named(strategy),
        text=await text_of(memory, strategy),
        symbol=symbol_of(given["symbol"]),
        timeframe=timeframe_of(given["timeframe"]).value,
        parameters=dict(_pair(one) for one in parameters),
        allotted=allotted,
    )
    further = [await _leg(memory, one, first.timeframe) for one in legs]
    check_legs(first, further, cash)
    return Run(
        legs=tuple(_played(one, given["exchange"].lower()) for one in (first, *further)),
        since=moment_of(given["since"], "--since"),
        until=moment_of(given["until"], "--until") if given["until"] else memory.clock.now(),
        cash=cash,
        costs=_costs(given),
        detail=chosen(given, "detail", {"yes": True, "no": False}),
    )


async def _leg(memory: Memory, text: str, timeframe: str) -> LegWish:
    """A leg as it is typed: `STRATEGY,SYMBOL[,TIMEFRAME[,ALLOTTED]][,K=V…]`; without a timeframe the first leg's."""
    parts = [one.strip() for one in text.split(",")]
    plain = [one for one in parts if "=" not in one]
    if not 2 <= len(plain) <= 4 or parts[: len(plain)] != plain or not all(plain):
        raise InvalidInput("not_a_leg", field="--leg", value=text[:60])
    strategy, symbol, frame, allotted = [*plain, "", ""][:4]
    try:
        return LegWish(
            strategy=_named(strategy),
            text=await text_of(memory, strategy),
            symbol=symbol_of(symbol),
            timeframe=timeframe_of(frame or timeframe).value,
            parameters=dict(_pair(one) for one in parts[len(plain) :]),
            allotted=_allotted(allotted),
        )
    except AristobotError as error:
        facts = {**error.facts, "among": text[:60]}
        raise type(error)(error.code, **facts) from None


def _allotted(text: str) -> Decimal | None:
    return amount(text) if text else None


def _named(strategy: str) -> str:
    return Path(strategy).stem if strategy.endswith(".py") else strategy


def _played(leg: LegWish, exchange: str) -> Leg:
    series = CandleSeries(exchange, leg.symbol, timeframe_of(leg.timeframe))
    return Leg(leg.text, series, leg.parameters, leg.allotted, leg.strategy)


def _costs(given: Mapping[str, str]) -> Costs:
    maker, taker = (amount(given[name]) if given[name] else None for name in ("maker", "taker"))
    bps, share, latency = (float(amount(given[name])) for name in ("slippage-bps", "slippage-range", "latency"))
    return Costs(maker, taker, bps, latency, share, chosen(given, "fee-asset", {"quote": "quote", "base": "base"}))


def _pair(text: str) -> tuple[str, Plain]:
    """A parameter, its value read as what it looks like."""
    name, value = split_pair(text)
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, {"true": True, "false": False}.get(value.lower(), value)
