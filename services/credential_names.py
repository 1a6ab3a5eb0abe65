"""The exchanges of the world and what their keys are made of: asked of CCXT in a process of its own, then kept in a file."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.events import ExchangesListed

#: Seconds that the other process may take, and after which a failed try is made again.
PATIENCE = 120.0
AGAIN_AFTER = 600.0
_READER = "services.exchange_names"
_ROOT = Path(__file__).resolve().parent.parent


class Listed(msgspec.Struct, frozen=True):
    """An exchange by its short name, as it calls itself, and the names of the credentials that it asks for."""

    name: str
    title: str
    credentials: tuple[str, ...] = ()


class _Kept(msgspec.Struct):
    """The file: which CCXT said it, and what."""

    ccxt: str
    exchanges: tuple[Listed, ...]


class CredentialNames:
    """Nothing is read before somebody asks. `known` never waits: the rest comes later, told by ExchangesListed."""

    def __init__(self, folder: Path, bus: Bus, clock: Clock) -> None:
        self._file = folder / "exchanges.json"
        self._bus, self._clock = bus, clock
        self._listed: tuple[Listed, ...] = ()
        self._reading: asyncio.Task[None] | None = None
        self._tried_at = float("-inf")

    def known(self) -> tuple[Listed, ...]:
        """What is known by now; the first question has the rest looked up, beside everything else."""
        waited = self._clock.monotonic() - self._tried_at >= AGAIN_AFTER
        if not self._listed and waited and (self._reading is None or self._reading.done()):
            self._tried_at = self._clock.monotonic()
            self._reading = asyncio.create_task(self._read())
        return self._listed

    async def listed(self) -> tuple[Listed, ...]:
        """As `known`, once what can be known is there."""
        self.known()
        if self._reading is not None:
            await asyncio.shield(self._reading)
        return self._listed

    async def close(self) -> None:
        """Give up what is being looked up."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        wanted = await asyncio.to_thread(_installed)
        kept = await asyncio.to_thread(self._stored)
        if kept is None or kept.ccxt != wanted:
            said = await _ask() if wanted else None
            if said is not None:
                kept = _Kept(wanted, said)
                await asyncio.to_thread(self._store, kept)
        if kept is not None:
            self._listed = kept.exchanges
            self._bus.publish(ExchangesListed(at=self._clock.now()))

    def _stored(self) -> _Kept | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _store(self, kept: _Kept) -> None:
        draft = self._file.with_suffix(".new")
        try:
            draft.write_bytes(msgspec.json.encode(kept))
            draft.replace(self._file)
        except OSError as error:
            logger.warning("The list of exchanges cannot be kept in {}: {}", self._file, error)


def _installed() -> str:
    """The version of CCXT, without importing it; empty when it is not there."""
    try:
        return version("ccxt")
    except PackageNotFoundError:
        return ""


async def _ask() -> tuple[Listed, ...] | None:
    """The list from a process that sees neither our environment nor our memory; None when that did not work."""
    spared = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if sys.platform == "win32" else {}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _READER, cwd=_ROOT, env=spared, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, complaints = await process.communicate()
    except TimeoutError:
        logger.warning("CCXT did not name its exchanges within {:.0f} s", PATIENCE)
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return tuple(msgspec.json.decode(said, type=list[Listed]))
    except msgspec.MsgspecError:
        logger.warning("CCXT could not name its exchanges: {}", complaints.decode("utf-8", "replace")[-300:])
        return None
