"""`/health`, `/ready`, `/metrics`, `/api/health/`: is it alive, is it ready, how does it do."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from aristobot import __version__
from aristobot.language import explain
from aristobot.store import brokers, orders
from aristobot.store.ground import weaknesses
from services.api.auth import House, Reader
from services.api.values import Facts, Moment, Out
from services.api_tokens import TokenHolder
from services.app import App
from services.key_state import KeyState

router = APIRouter(tags=["health"])


class ServiceOut(Out):
    """A supervised service; `since` is when it became what it is."""

    name: str
    state: str
    since: Moment
    age_seconds: int
    restarts: int
    detail: str


class ExchangeOut(Out):
    """An exchange; `reachable` and its clock are null before the first look, what is told of answers before the first one."""

    exchange: str
    reachable: bool | None
    since: Moment | None
    clock_offset_ms: int | None
    clock_uncertainty_ms: int | None
    detail: str
    requests: int
    failures: int
    success_percent: float | None
    mean_ms: float | None
    p99_ms: float | None
    weight_used: int
    weight_limit: int
    weight_left: int
    reconnects: int
    instruments: int
    instruments_at: Moment | None


class WeaknessOut(Out):
    """Something under the database that is not as sound as it could be."""

    code: str
    message: str


class ConcernOut(Out):
    """Something about a key that its owner ought to look at; a grave one stands in the way of trading."""

    code: str
    message: str
    grave: bool


class RoundsOut(Out):
    """What the order monitor's rounds over a broker came to since the start; the last one by itself.

    `weight` is what the exchange's shared budget lost during the round; `failure` is a code, empty when it went well.
    """

    rounds: int
    changed: int
    imported: int
    failures: int
    last_at: Moment
    last_looked_at: int
    last_changed: int
    last_imported: int
    last_failure: str
    last_ms: float
    last_weight: int


class RestartOut(Out):
    """What happened while the house was away, as its last start found it. `closed_brokers` still wait to be compared."""

    id: uuid.UUID
    at: Moment
    away_since: Moment | None
    seen_at: Moment | None
    items: list[Facts]
    repaired_candles: dict[str, int]
    closed_brokers: list[uuid.UUID]


class BrokerHealthOut(Out):
    """A broker of the user, as its exchange is at the broker's own addresses where it has some.

    `key_made_at` is as the exchange says, else since when we have the key.
    """

    id: uuid.UUID
    name: str
    exchange: str
    reachable: bool | None
    clock_offset_ms: int | None
    key_rights: Facts
    key_made_at: Moment | None
    key_concerns: list[ConcernOut]
    open_orders: int
    reconciled: bool
    monitor: RoundsOut | None


class HealthOut(Out):
    """Everything at one look. Sizes in bytes, lag in milliseconds, candle ages in seconds."""

    version: str
    ready: bool
    waiting_for: list[str]
    loop_lag_ms: float
    database: str
    database_weaknesses: list[WeaknessOut]
    disk_free: int
    disk_total: int
    services: list[ServiceOut]
    exchanges: list[ExchangeOut]
    brokers: list[BrokerHealthOut]
    candle_ages: dict[str, int | None]
    queues: dict[str, int]
    webhooks: dict[str, int]
    restart_report: RestartOut | None


@router.head("/health", include_in_schema=False)
@router.get("/health")
async def alive() -> dict[str, str]:
    """It lives."""
    return {"status": "ok", "version": __version__}


@router.head("/ready", include_in_schema=False)
@router.get("/ready")
async def ready(house: House) -> JSONResponse:
    """200 once start-up reconciliation is done, else 503."""
    waiting = list(house.waiting_for())
    return JSONResponse({"ready": not waiting, "waiting_for": waiting}, 503 if waiting else 200)


@router.get("/api/health/")
async def health(house: House, who: Reader) -> HealthOut:
    """Every service, exchange, broker and stream, and how the process itself does."""
    disk = shutil.disk_usage(house.settings.data_dir)
    return HealthOut(
        version=__version__,
        ready=not house.waiting_for(),
        waiting_for=list(house.waiting_for()),
        loop_lag_ms=round(await _loop_lag(house), 3),
        database="sqlite" if house.db.is_sqlite else "postgresql",
        database_weaknesses=[
            WeaknessOut(code=one.code, message=explain(one.code, one.facts, who.language))
            for one in await asyncio.to_thread(weaknesses, house.settings.database_url)
        ],
        disk_free=disk.free,
        disk_total=disk.total,
        services=_services(house),
        exchanges=[_exchange(house, name) for name in house.gateway.exchanges()],
        brokers=await _brokers(house, who),
        candle_ages=_candle_ages(house),
        queues=house.bus.waiting(),
        webhooks=_webhooks(house),
        restart_report=await _restart(house, who),
    )


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(house: House, who: Reader) -> PlainTextResponse:
    """The same figures for Prometheus."""
    lines = "".join(f"{line}\n" for line in _metric_lines(house, await _loop_lag(house)))
    return PlainTextResponse(lines, media_type="text/plain; version=0.0.4")


async def _loop_lag(house: App) -> float:
    """Milliseconds that one turn of the event loop takes now."""
    begun = house.clock.monotonic()
    await house.clock.sleep(0)
    return (house.clock.monotonic() - begun) * 1000


def _services(house: App) -> list[ServiceOut]:
    now = house.clock.now()
    return [
        ServiceOut(
            name=one.name,
            state=one.state,
            since=one.since,
            age_seconds=int((now - one.since).total_seconds()),
            restarts=one.restarts,
            detail=one.detail,
        )
        for one in house.supervisor.states()
    ]


def _exchange(house: App, name: str) -> ExchangeOut:
    found, catalog = house.gateway.health(name), house.catalog.state(name)
    stats = found.stats
    seen, answered = found.reachable is not None, stats.requests > stats.failures
    return ExchangeOut(
        exchange=name,
        reachable=found.reachable,
        since=found.since,
        clock_offset_ms=found.clock_offset_ms if seen else None,
        clock_uncertainty_ms=found.clock_uncertainty_ms if seen else None,
        detail=found.detail,
        requests=stats.requests,
        failures=stats.failures,
        success_percent=round(stats.success_percent, 3) if stats.requests else None,
        mean_ms=stats.mean_ms if answered else None,
        p99_ms=stats.p99_ms if answered else None,
        weight_used=stats.weight_used,
        weight_limit=stats.weight_limit,
        weight_left=stats.weight_left,
        reconnects=stats.reconnects,
        instruments=catalog.total,
        instruments_at=catalog.at,
    )


async def _brokers(house: App, who: TokenHolder) -> list[BrokerHealthOut]:
    rows = await house.db.read(who.user_id, brokers.mine)
    alive = await house.db.read(who.user_id, orders.alive)
    shown = []
    for row in rows:
        known, key = house.gateway.health(row.exchange, row.endpoints), KeyState.of(row)
        shown.append(
            BrokerHealthOut(
                id=row.id,
                name=row.name,
                exchange=row.exchange,
                reachable=known.reachable,
                clock_offset_ms=known.clock_offset_ms if known.reachable is not None else None,
                key_rights=row.key_rights or {},
                key_made_at=key.made_at,
                key_concerns=[
                    ConcernOut(code=one.code, message=explain(one.code, one.facts, who.language), grave=one.grave)
                    for one in key.concerns(house.clock.now())
                ],
                open_orders=sum(order.broker_id == row.id for order in alive),
                reconciled=row.id in house.floor.reconciled,
                monitor=_rounds(house, row.id),
            )
        )
    return shown


def _rounds(house: App, broker_id: uuid.UUID) -> RoundsOut | None:
    found = house.monitor.rounds.of(broker_id)
    if found is None:
        return None
    last = found.last
    return RoundsOut(
        rounds=found.rounds,
        changed=found.changed,
        imported=found.imported,
        failures=found.failures,
        last_at=last.at,
        last_looked_at=last.looked_at,
        last_changed=last.changed,
        last_imported=last.imported,
        last_failure=last.failure,
        last_ms=last.ms,
        last_weight=last.weight,
    )


async def _restart(house: App, who: TokenHolder) -> RestartOut | None:
    told = await house.monitor.reports.newest(who.user_id)
    if told is None:
        return None
    return RestartOut(
        id=told.row.id,
        at=told.row.at,
        away_since=told.row.away_since,
        seen_at=told.row.seen_at,
        items=list(told.row.items or ()),
        repaired_candles=told.candles,
        closed_brokers=[one.id for one in told.closed],
    )


def _candle_ages(house: App) -> dict[str, int | None]:
    pulse = house.heartbeat.status()
    return {timeframe.value: int(age) if age is not None else None for timeframe, age in pulse.ages.items()}


def _webhooks(house: App) -> dict[str, int]:
    counters = house.receiver.counters
    return {"received": counters.received, "rejected": counters.rejected, "duplicates": counters.duplicates}


def _metric_lines(house: App, lag: float) -> Iterator[str]:
    yield from _gauge("aristobot_ready", {"": not house.waiting_for()})
    yield from _gauge("aristobot_loop_lag_milliseconds", {"": round(lag, 3)})
    yield from _gauge("aristobot_webhooks", {f'result="{name}"': count for name, count in _webhooks(house).items()}, "counter")
    states = house.supervisor.states()
    yield from _gauge("aristobot_service_up", {f'service="{one.name}"': one.state == "running" for one in states})
    yield from _gauge("aristobot_service_restarts", {f'service="{one.name}"': one.restarts for one in states}, "counter")
    known = [_exchange(house, name) for name in house.gateway.exchanges()]
    levels = {"up": "reachable", "clock_offset_ms": "clock_offset_ms", "mean_ms": "mean_ms", "p99_ms": "p99_ms"}
    for name, field in levels.items():  # what is not known yet has no sample
        found = {f'exchange="{one.exchange}"': getattr(one, field) for one in known}
        yield from _gauge(f"aristobot_exchange_{name}", {label: value for label, value in found.items() if value is not None})
    counted = {f'exchange="{one.exchange}"': one.weight_left for one in known if one.weight_limit}
    yield from _gauge("aristobot_exchange_weight_left", counted)
    for field in ("requests", "failures", "reconnects"):
        counts = {f'exchange="{one.exchange}"': getattr(one, field) for one in known}
        yield from _gauge(f"aristobot_exchange_{field}", counts, "counter")
    ages = {f'timeframe="{name}"': age for name, age in _candle_ages(house).items() if age is not None}
    yield from _gauge("aristobot_candle_age_seconds", ages)
    yield from _gauge("aristobot_queue_length", {f'queue="{name}"': size for name, size in house.bus.waiting().items()})


def _gauge(name: str, values: dict[str, Any], kind: str = "gauge") -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    for labels, value in values.items():
        yield f"{name}{{{labels}}} {int(value) if isinstance(value, bool) else value}" if labels else f"{name} {float(value):g}"
