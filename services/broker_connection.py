"""Trying a broker's keys at its exchange, step by step, each with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from aristobot.clock import Clock
from aristobot.errors import BadKey, DataError, ExchangeError, MissingRight
from aristobot.exchange import Credentials, ExchangeClient, KeyRights
from aristobot.portfolio import Balance
from services.key_state import WORRYING_OFFSET_MS

_PATIENCE = 10.0
_R = TypeVar("_R")


class StepState(StrEnum):
    """How a step went; SKIPPED when an earlier one made it pointless."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One check. `reason` is a code for the language room (`error.…` or `reason.…`), with its facts.

    `refused` says that it was a no to the key.
    """

    name: str
    state: StepState
    reason: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    refused: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """Every step in order: `reachable`, `clock`, `key`, `read`, `trade`, `withdraw`, `ip`, `balances`."""

    steps: tuple[Step, ...]
    rights: KeyRights | None = None
    balances: tuple[Balance, ...] = ()
    clock_offset_ms: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing failed. Warnings do not count."""
        return all(step.state in (StepState.OK, StepState.WARNING) for step in self.steps)


NAMES = ("reachable", "clock", "key", "read", "trade", "withdraw", "ip", "balances")


async def try_connection(
    client: ExchangeClient, keys: Credentials | None, clock: Clock, *, withdraw_accepted: bool = False
) -> ConnectionTest:
    """Ask the exchange for its time, for what the key may do, and for the balances. Never raises for what it finds."""
    steps: list[Step] = []
    offset = await _offset(client, clock, steps)
    rights = await _rights(client, keys, steps) if offset is not None else None
    balances: tuple[Balance, ...] = ()
    if rights is not None and keys is not None:
        steps += judge(rights, withdraw_accepted=withdraw_accepted)
        held = await _asked("balances", client.balances(keys), steps)
        balances = tuple(held or ())
    steps += [Step(name, StepState.SKIPPED, "reason.step_skipped") for name in NAMES[len(steps) :]]
    return ConnectionTest(tuple(steps), rights, balances, offset or 0)


async def rights_of(client: ExchangeClient, keys: Credentials) -> KeyRights | None:
    """What the key may do; None when the exchange refuses it or does not answer in ten seconds."""
    with suppress(ExchangeError, TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            return await client.key_rights(keys)
    return None


def judge(rights: KeyRights, *, withdraw_accepted: bool = False) -> list[Step]:
    """What a key may do, against what it should: read and trade, never withdraw, best from one address alone."""
    return [
        _wanted("read", rights.can_read, "reason.key_cannot_read"),
        _wanted("trade", rights.can_trade, "reason.key_cannot_trade"),
        Step("withdraw", StepState.WARNING, "reason.key_withdraw_accepted")
        if rights.can_withdraw and withdraw_accepted
        else _wanted("withdraw", not rights.can_withdraw, "reason.key_may_withdraw"),
        _from_where(rights),
    ]


def _from_where(rights: KeyRights) -> Step:
    if rights.ip_restricted is None:
        return Step("ip", StepState.WARNING, "reason.key_address_untold")
    return Step("ip", StepState.OK) if rights.ip_restricted else Step("ip", StepState.WARNING, "reason.key_from_anywhere")


def _wanted(name: str, holds: bool, reason: str) -> Step:
    return Step(name, StepState.OK) if holds else Step(name, StepState.FAILED, reason)


async def _offset(client: ExchangeClient, clock: Clock, steps: list[Step]) -> int | None:
    before = clock.now()
    theirs: datetime | None = await _asked("reachable", client.server_time(), steps)
    if theirs is None:
        return None
    middle = before + (clock.now() - before) / 2
    offset = (theirs - middle) // timedelta(milliseconds=1)
    worrying = abs(offset) >= WORRYING_OFFSET_MS
    state = StepState.WARNING if worrying else StepState.OK
    steps.append(Step("clock", state, "reason.clock_off" if worrying else "", {"offset_ms": offset}))
    return offset


async def _rights(client: ExchangeClient, keys: Credentials | None, steps: list[Step]) -> KeyRights | None:
    if keys is None:
        steps.append(Step("key", StepState.FAILED, "reason.no_key"))
        return None
    return await _asked("key", client.key_rights(keys), steps)


async def _asked(name: str, call: Awaitable[_R], steps: list[Step]) -> _R | None:
    try:
        answer = await call
    except (ExchangeError, DataError) as error:
        refused = isinstance(error, BadKey | MissingRight)
        steps.append(Step(name, StepState.FAILED, f"error.{error.code}", error.facts, refused))
        return None
    steps.append(Step(name, StepState.OK))
    return answer
