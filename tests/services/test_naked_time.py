"""Stops are moved by alerts at every exchange, every other time with a fault: for how long was nothing there?

Time is the exchange's own, on a clock that leaps (`tests.services.leaping`); every answer takes up to 0.3 s, clients wait as
long as they do in earnest. What is measured stands in the exchange's ledger. `ARISTOBOT_MOVES` says how many moves in all.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from aristobot.clock import to_milliseconds
from services.simulator.ledger import ledger
from tests.reliability.timeline import Timeline
from tests.services.earnest import EarnestHouse, Venue, an_earnest_house, resting_stops
from tests.services.leaping import run_leaping
from tests.services.trading import Trader

D = Decimal
MOVES = int(os.environ.get("ARISTOBOT_MOVES", "240"))
USERS = 3
VENUES = (Venue("binance"), Venue("kraken"), Venue("bitget", "classic"), Venue("bitget", "unified"))
#: What changes a stop that rests.
CHANGES = {"binance": ("list.cancel", "list.place"), "kraken": ("order.amend",), "bitget": ("order.amend",)}
#: What each of them holds, and what it costs.
PRICES = {"BTC/USDT": 60_000, "ETH/USDT": 3000, "SOL/USDT": 150, "XRP/USDT": 2}
#: Seconds between two alerts of one trader, and for which a move is waited for.
PACE, PATIENCE = 1.5, 120.0
#: The longest way of a question and its answer, in seconds, and what takes it.
LATENCY = 0.3
_REQUESTS = ("order.*", "list.*", "orders.*", "fills", "account")
#: What may go wrong once with a request that changes something.
FAULTS: tuple[dict[str, Any], ...] = (
    {"do": "accept_then_hang"},
    {"do": "accept_then_5xx"},
    {"do": "accept_then_5xx", "lag": 2},
    {"do": "refuse_5xx"},
    {"do": "refuse"},
    {"do": "short_body"},
    {"do": "disconnect"},
    {"do": "-1007"},
    {"do": "-1007", "accept": False},
    {"do": "-1008"},
    {"do": "delayed_accept", "seconds": 2},
    {"do": "slow", "seconds": 3},
    {"do": "slow_reply", "seconds": 3},
    {"do": "lagging_reads", "seconds": 3},
    {"do": "429", "retry_after": 1},
)


@dataclass
class Move:
    """When it was asked for (milliseconds since 1970), of what, and the fault that it met."""

    at: float
    symbol: str
    fault: str = ""


@dataclass
class Record:
    """Spells without a stop, in seconds and with the fault before them; how many moves there were; what was oversold."""

    spells: list[tuple[float, str]] = field(default_factory=list)
    moves: int = 0
    faults: int = 0
    oversold: list[str] = field(default_factory=list)

    def add(self, timeline: Timeline, history: list[Move]) -> None:
        """What the ledger says of the moves of one account."""
        self.oversold += timeline.oversold()
        self.moves += len(history)
        self.faults += sum(bool(move.fault) for move in history)
        for symbol in PRICES:
            moves = [move for move in history if move.symbol == symbol]
            for began, seconds in timeline.naked_spells({symbol}):
                self.spells.append((seconds, next((move.fault for move in reversed(moves) if move.at <= began), "")))

    def longest(self, *, faulty: bool) -> tuple[float, str]:
        """The longest spell after a move that met a fault, or after one that did not."""
        return max((spell for spell in self.spells if bool(spell[1]) == faulty), default=(0.0, ""))

    def told(self) -> str:
        """The figures."""
        by_fault = [sorted(seconds for seconds, fault in self.spells if bool(fault) == faulty) for faulty in (False, True)]
        calm, shaken = (
            f"{len(spells)} spells, p50 {spells[len(spells) // 2]:.2f} s, longest {spells[-1]:.2f} s" if spells else "never"
            for spells in by_fault
        )
        return f"{self.moves} moves, {self.faults} of them with a fault; naked without one: {calm}; with one: {shaken}"


async def many_moves(folder: Path, template: Path) -> dict[Venue, Record]:
    """Let everybody buy everywhere, and have their stops moved again and again; what the ledger says of it."""
    records: defaultdict[Venue, Record] = defaultdict(Record)
    async with an_earnest_house(folder, template) as house:
        traders = [pair for _ in range(USERS) for pair in zip(VENUES, await house.traders(*VENUES), strict=True)]
        for _, trader in traders:
            await _buy(house, trader)
        house.simulator.world.faults.random(1.0, 5, seconds=LATENCY, kinds=("slow",), events=_REQUESTS)
        moving = (_moves(house, venue, trader, number) for number, (venue, trader) in enumerate(traders))
        histories = await asyncio.gather(*moving)
        told = ledger(house.simulator.venue.accounts.values(), house.simulator.venue.names)
        await house.clock.sleep(1)
    for (venue, trader), history in zip(traders, histories, strict=True):
        records[venue].add(Timeline(trader.account.key, told), history)
    return records


async def _buy(house: EarnestHouse, trader: Trader) -> None:
    """Something of everything, above a stop."""
    for symbol, price in PRICES.items():
        words: dict[str, Any] = {"symbol": symbol.replace("/", ""), "percent": 15, "stop_loss": str(_stop(symbol, 940))}
        ended = await house.alert(trader, action="BuyMarket", take_profit=str(price * 2), **words)
        assert ended.outcome == "ordered", (ended.reason, ended.reason_facts)
        await house.clock.sleep(1)  # which is what Kraken wants between two questions of one address


async def _moves(house: EarnestHouse, venue: Venue, trader: Trader, number: int) -> list[Move]:
    """Move one stop after the other up or down, every other time with a fault; each is a move, so that none keeps its fault."""
    history: list[Move] = []
    chance, standing = Random(number), dict.fromkeys(PRICES, 940)
    faults = list(itertools.product(CHANGES[venue.exchange], FAULTS))
    symbols, met = itertools.cycle(PRICES), itertools.cycle(chance.sample(faults, k=len(faults)))
    await house.clock.sleep(chance.uniform(0, PACE))
    for count in range(MOVES // USERS // len(VENUES)):
        move = Move(float(to_milliseconds(house.clock.now())), next(symbols))
        if (count + number) % 2:
            on, what = next(met)
            house.faults({"on": on, "key": trader.account.key} | what)
            move.fault = f"{on} {what}"
        standing[move.symbol] = chance.choice([part for part in range(950, 990) if part != standing[move.symbol]])
        await _moved(house, trader, move.symbol, _stop(move.symbol, standing[move.symbol]))
        history.append(move)
    return history


async def _moved(house: EarnestHouse, trader: Trader, symbol: str, stop: Decimal) -> None:
    """Ask for it by an alert, and wait until it is so."""
    clock = house.clock
    began = clock.monotonic()
    alert = {"symbol": symbol.replace("/", ""), "action": "MAJ", "stop_loss": str(stop), "id": f"{symbol} {began}"}
    await house.send(trader, alert)
    await clock.sleep(PACE)
    while [one.stop_price for one in resting_stops(trader, symbol)] != [stop]:
        assert clock.monotonic() - began < PATIENCE, "the stop does not come to where it shall be"
        await clock.sleep(0.5)


def _stop(symbol: str, part: int) -> Decimal:
    """So many thousandths of the price."""
    return D(PRICES[symbol]) * part / 1000


def test_a_moved_stop_is_away_for_no_longer_than_promised(
    tmp_path: Path, sqlite_template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = run_leaping(many_moves(tmp_path / "house", sqlite_template))
    with capsys.disabled():
        print("", *(f"{' '.join(venue)}: {record.told()}" for venue, record in records.items()), sep="\n")
    for venue, record in records.items():
        most, most_with_a_fault = (3.0, 10.0) if venue.exchange == "binance" else (0.0, 0.0)
        assert record.moves == MOVES // USERS // len(VENUES) * USERS
        assert record.oversold == []
        assert record.longest(faulty=False)[0] <= most, venue
        seconds, fault = record.longest(faulty=True)
        assert seconds <= most_with_a_fault, (venue, fault)
