"""An alert drawn on one market, traded on another of the same base: BTC/USDT asked for, BTC/EUR bought.

Absolute prices are converted by the ratio of the two markets' present prices, so that a stop two per cent below the one lies
two per cent below the other. Percentages mean the same everywhere and stay. Pure: prices in, a signal or a refusal out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from aristobot.errors import RiskRefused
from aristobot.market import Instrument, Symbol
from aristobot.money import HUNDRED, ZERO, divided, plain, round_down, round_up, times
from aristobot.signals import PriceSpec, Signal, Target

#: Coins that promise to be worth one unit of the same money. Two of one line are checked against each other.
_PEGS = (
    frozenset({"USD", "USDT", "USDC", "FDUSD", "TUSD", "USDP", "DAI", "BUSD", "PYUSD", "USDG", "USD1", "USDS", "RLUSD", "USDE"}),
    frozenset({"EUR", "EURC", "EURI", "EURT", "EURR", "EURQ", "AEUR"}),
    frozenset({"GBP", "TGBP"}),
)


@dataclass(frozen=True, slots=True)
class Remap:
    """Two markets of one base at one moment: the alert's, and ours with its instrument. Prices are the markets' last ones.

    `cross` is what one unit of our quote costs in the alert's quote (EUR/USDT: 1.08), where somebody knows it; for two coins
    of one money it is one.
    """

    alerts: Symbol
    alerts_price: Decimal
    ours: Instrument
    our_price: Decimal
    cross: Decimal | None = None


def symbol_in(symbol: Symbol, quote: str) -> Symbol:
    """The market of the same base in another quote."""
    return f"{symbol.partition('/')[0]}/{quote}"


def needs_prices(signal: Signal) -> bool:
    """Whether a signal names a price that has to be converted; without one the other symbol is all it takes."""
    absolute = [spec for spec in _specs(signal) if not spec.relative]
    return bool(absolute) or signal.is_limit


def remapped(signal: Signal, remap: Remap, most_divergence: Decimal) -> Signal:
    """The signal in the prices of our market, rounded to its tick: stops up, targets up, a limit never worse than asked.

    Refused (RiskRefused) when a price is missing (`remap_no_price`); when the two markets, or the alert and its own market, are
    more than `most_divergence` per cent apart (`remap_diverged`); when a stop would not lie below the price at which the position
    is or will be held, or a target not above it (`remap_wrong_side`). A sale at the market has nothing to convert and is never
    refused.
    """
    if not signal.is_entry and not needs_prices(signal):
        return signal
    for market, price in ((remap.alerts, remap.alerts_price), (remap.ours.symbol, remap.our_price)):
        if price <= ZERO:
            raise RiskRefused("remap_no_price", symbol=market)
    _check_markets(remap, most_divergence)
    if signal.price is not None and not signal.is_limit:  # a market order's price is the close its alert was drawn on
        _check(remap, remap.alerts_price, signal.price, most_divergence)
    converted = _converted(signal, remap)
    _check_sides(converted, remap)
    return converted


def in_percent(signal: Signal, price: Decimal) -> Signal:
    """The signal with its exits as distances in per cent from `price`, at which its alert was drawn: they hold in any quote."""

    def spec(one: PriceSpec) -> PriceSpec:
        return one if one.relative else PriceSpec(divided(times(one.value - price, HUNDRED), price, 8), relative=True)

    return replace(
        signal,
        stop_loss=None if signal.stop_loss is None else spec(signal.stop_loss),
        take_profit=tuple(Target(one.share, spec(one.price)) for one in signal.take_profit),
    )


def _check_markets(remap: Remap, most: Decimal) -> None:
    """Both markets price the same thing: they differ by the rate between their quotes, and by little else."""
    quotes = {remap.alerts.partition("/")[2], remap.ours.quote}
    cross = Decimal(1) if any(quotes <= peg for peg in _PEGS) else remap.cross
    if cross is not None:
        _check(remap, remap.alerts_price, times(remap.our_price, cross), most)


def _check(remap: Remap, one: Decimal, other: Decimal, most: Decimal) -> None:
    apart = divided(times(abs(one - other), HUNDRED), one, 4)
    if apart > most:
        facts = {"symbol": remap.alerts, "ours": remap.ours.symbol, "percent": plain(apart), "maximum": plain(most)}
        raise RiskRefused("remap_diverged", **facts)


def _converted(signal: Signal, remap: Remap) -> Signal:
    tick, buys = remap.ours.tick, signal.is_entry

    def price(value: Decimal, *, up: bool) -> Decimal:
        exact = divided(times(value, remap.our_price), remap.alerts_price)
        return round_up(exact, tick) if up else round_down(exact, tick)

    def spec(one: PriceSpec) -> PriceSpec:
        return one if one.relative else PriceSpec(price(one.value, up=True))

    return replace(
        signal,
        price=None if signal.price is None else price(signal.price, up=not buys),
        stop_loss=None if signal.stop_loss is None else spec(signal.stop_loss),
        take_profit=tuple(Target(one.share, spec(one.price)) for one in signal.take_profit),
    )


def _check_sides(signal: Signal, remap: Remap) -> None:
    """Exits of a long position, counted from the price at which it will be entered, or at which the market is."""
    held_at = signal.price if signal.is_entry and signal.is_limit and signal.price else remap.our_price
    stop = signal.stop_loss
    if stop is not None and not stop.relative and not ZERO < stop.value < held_at:
        raise _wrong_side("stop_loss", stop, held_at, remap)
    for target in signal.take_profit:
        if not target.price.relative and target.price.value <= held_at:
            raise _wrong_side("take_profit", target.price, held_at, remap)


def _wrong_side(field: str, spec: PriceSpec, held_at: Decimal, remap: Remap) -> RiskRefused:
    return RiskRefused("remap_wrong_side", field=field, price=str(spec), market=plain(held_at), symbol=remap.ours.symbol)


def _specs(signal: Signal) -> Iterable[PriceSpec]:
    return (spec for spec in (signal.stop_loss, *(one.price for one in signal.take_profit)) if spec is not None)
