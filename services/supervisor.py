"""Keeps the running services alive: start in order, restart after a fall with a growing pause, stop in reverse order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.events import ServiceStateChanged
from aristobot.logs import log_context, masked

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
#: Seconds of running after which a fall is a new incident and the pauses begin at one second again.
HEALTHY_AFTER = 60.0
#: Seconds that all services together may take to clean up when they are told to stop, and what the last ones still get.
GRACE = 3.5
LEAST_GRACE = 0.1

STOPPED = "stopped"
RUNNING = "running"
FALLEN = "fallen"


class Service(Protocol):
    """Something that runs until it is cancelled; an exception, or coming back by itself, is a fall."""

    @property
    def name(self) -> str:
        """Its name, also that of its log file."""

    async def run(self) -> None:
        """Work until cancelled."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """How a service is: `stopped`, `running` or `fallen`, since when, and how often it fell since the start."""

    name: str
    state: str
    since: datetime
    restarts: int = 0
    detail: str = ""


class EndedByItself(RuntimeError):
    """A service came back from `run` although nobody had told it to stop."""


@dataclass(slots=True)
class _Incident:
    """The falls of one service that belong together: from the first one until a minute of health."""

    pause: float = FIRST_PAUSE
    said: str = ""


class Supervisor:
    """One task per service; a fall of one never touches the others."""

    def __init__(self, bus: Bus, clock: Clock, services: Sequence[Service]) -> None:
        names = [service.name for service in services]
        if len(set(names)) != len(names):
            raise ValueError(f"two services share a name: {', '.join(sorted(names))}")
        self._bus, self._clock = bus, clock
        self._services = tuple(services)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._states = {name: ServiceState(name, STOPPED, clock.now()) for name in names}

    async def start(self) -> None:
        """Start every service that does not run yet, in order; each has begun before the next one is started."""
        for service in self._services:
            task = self._tasks.get(service.name)
            if task is None or task.done():
                self._tasks[service.name] = asyncio.create_task(self._keep_alive(service), name=f"service:{service.name}")
                await self._clock.sleep(0)

    async def stop(self) -> None:
        """Cancel the services in reverse order, each cleaned up before the next is told; the grace is for all together."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GRACE
        for service in reversed(self._services):
            task = self._tasks.pop(service.name, None)
            if task is None:
                continue
            task.cancel()
            _, late = await asyncio.wait({task}, timeout=max(LEAST_GRACE, deadline - loop.time()))
            if late:
                logger.error("{} does not stop and is left behind", service.name)
            self._set(service.name, STOPPED)

    def states(self) -> list[ServiceState]:
        """How each service is, in the order of their start."""
        return list(self._states.values())

    async def _keep_alive(self, service: Service) -> None:
        incident = _Incident()
        with log_context(service=service.name):
            while await self._run_once(service, incident):
                await self._clock.sleep(incident.pause)
                incident.pause = min(incident.pause * 2, LONGEST_PAUSE)

    async def _run_once(self, service: Service, incident: _Incident) -> bool:
        """Run until it falls; False when it was told to stop."""
        health = asyncio.create_task(self._watch_health(service.name, incident))
        self._set(service.name, RUNNING)
        try:
            await service.run()
            raise EndedByItself(f"{service.name} came back although nobody told it to stop")
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 # any fall, also a cancellation that leaked out
            if _told_to_stop():
                if not isinstance(error, asyncio.CancelledError):
                    logger.opt(exception=error).error("{} failed while stopping", service.name)
                return False
            self._note_fall(service.name, error, incident)
            return True
        finally:
            health.cancel()

    async def _watch_health(self, name: str, incident: _Incident) -> None:
        """After a minute without a fall the incident is over."""
        await self._clock.sleep(HEALTHY_AFTER)
        if incident.said:
            logger.info("{} has recovered", name)
        incident.pause, incident.said = FIRST_PAUSE, ""

    def _note_fall(self, name: str, error: BaseException, incident: _Incident) -> None:
        what = masked(f"{type(error).__name__}: {error}")
        if what != incident.said:  # the same fault again is known already
            logger.opt(exception=error).error("{} fell: {}. Next try in {:.0f} s", name, what, incident.pause)
            incident.said = what
        self._set(name, FALLEN, restarts=self._states[name].restarts + 1, detail=what)

    def _set(self, name: str, state: str, *, restarts: int | None = None, detail: str = "") -> None:
        now = self._clock.now()
        counted = self._states[name].restarts if restarts is None else restarts
        self._states[name] = ServiceState(name, state, now, counted, detail)
        self._bus.publish(ServiceStateChanged(at=now, service=name, state=state, detail=detail))


def _told_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
