"""What a run assumed, in sentences: rules, costs, pairs, parameters, and what is needed to find it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from aristobot.backtest.bitcoin import Beside
from aristobot.backtest.legs import LegReport
from aristobot.backtest.report import Report
from aristobot.language import _, typed
from services import backtest_words as words

#: The lot of a pair that no catalogue lists.
FREE_STEP = "0.00000001"


def assumptions(report: Report) -> list[str]:
    """How orders were filled, and what is needed to find this result again."""
    low, high = (words.number(one, 2) for one in (report.band.pessimistic, report.band.optimistic))
    found = [_(one) for one in report.rules]
    found.append(
        _("Where a candle does not tell what came first: from {low} to {high} {quote}.", low=low, high=high, quote=_quote(report))
    )
    found += [*_bitcoin(report), *_costs(report)]
    found.append(_("Start balance: {cash} {quote}.", cash=words.number(report.cash, 2), quote=_quote(report)))
    found.append(_("Candles before the first decision: {count}.", count=words.number(report.warmup, 0)))
    found += _parameters(report)
    found.append(
        _("Seed {seed}, code {code}, data {data}.", seed=report.seed, code=report.code_hash[:12], data=report.data_hash[:12])
    )
    return found


def parameters_of(report: Report) -> dict[str, object]:
    """Every parameter by its name; of several strategies with the place of its own before it."""
    if not report.legs:
        return dict(report.parameters)
    return {f"{number}. {name}": value for number, leg in enumerate(report.legs, 1) for name, value in leg.parameters.items()}


def _quote(report: Report) -> str:
    return report.symbol.partition("/")[2]


def _bitcoin(report: Report) -> Iterator[str]:
    """Why holding bitcoin is not beside, or what it is here."""
    gap = report.bitcoin
    match gap.beside if gap is not None else None:
        case Beside.MISSING:
            assert gap is not None
            wanted, missing = words.number(gap.wanted, 0), words.number(gap.missing, 0)
            yield _(
                "Holding bitcoin is not compared: of {wanted} prices of {symbol} {missing} are not in the store. Download its"
                " candles and run again.",
                wanted=wanted,
                missing=missing,
                symbol=gap.symbol,
            )
        case Beside.TRADED:
            yield _("Holding bitcoin is what holding the pair is here.")
        case Beside.QUOTE:
            yield _("The balance is in bitcoin: who holds it leaves it as it is.")


def _costs(report: Report) -> Iterator[str]:
    """Fees and steps; of several pairs for each, what they have alike once."""
    costs = {leg.symbol: leg.costs for leg in report.legs} or {report.symbol: report.costs}
    for sentence in (_fees, _steps):
        said = {symbol: sentence(one, _quote(report)) for symbol, one in costs.items()}
        if len(set(said.values())) == 1:
            yield next(iter(said.values()))
        else:
            yield from (_("{among}: {words}", among=symbol, words=one) for symbol, one in said.items())


def _fees(costs: Mapping[str, str], _quote: str) -> str:
    return _(
        "Fees: maker {maker}, taker {taker}.",
        **{name: words.share(float(costs[name]), 3) for name in ("maker", "taker")},
    )


def _steps(costs: Mapping[str, str], quote: str) -> str:
    steps = {name: costs[name] for name in ("tick", "lot", "min_notional")}
    if steps["min_notional"] == "0" and steps["lot"] == FREE_STEP:
        return _("The exchange’s steps and minimums for this pair are not known here: none were applied.")
    shown = {name: typed(Decimal(value)) for name, value in steps.items()}
    return _("Steps of the pair: price {tick}, quantity {lot}; least order {min_notional} {quote}.", quote=quote, **shown)


def _parameters(report: Report) -> list[str]:
    if not report.legs:
        return [f"{name} = {typed(value)}" for name, value in report.parameters.items()]
    return [_leg(number, leg, _quote(report)) for number, leg in enumerate(report.legs, 1)]


def _leg(number: int, leg: LegReport, quote: str) -> str:
    """A leg with what it was given."""
    given = [f"{name} = {typed(value)}" for name, value in leg.parameters.items()]
    if leg.allotted is not None:
        given.append(_("allotted {amount} {quote}", amount=words.number(leg.allotted, 2), quote=quote))
    name = words.leg_name(number, leg.strategy, leg.symbol, leg.timeframe)
    return _("{among}: {words}", among=name, words=", ".join(given)) if given else name
