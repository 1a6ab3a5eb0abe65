"""The house's side of one search's process: starts it, hears how far it is, and has it leave in order."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from aristobot.errors import AristobotError
from aristobot.settings import PREFIX

_ROOT = Path(__file__).resolve().parent.parent
#: Importing makes a multitude of objects that stay: looking through them is time lost, until the child enables it again.
_BEGIN = "import gc, sys; gc.disable(); sys.path.insert(0, sys.argv[1]); from services.study_child import main; main()"
#: Seconds it gets to give its trials back.
_FAREWELL = 3.0


class SearchFailed(AristobotError):
    """A search ended before its end; the code says why. `trace` is for the log, when it was a mistake of ours."""

    default_code = "study_process_ended"

    def __init__(self, code: str | None = None, *, trace: str = "", **facts: object) -> None:
        super().__init__(code, **facts)
        self.trace = trace


class StudyProcess:
    """One child that searches one study."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, wanted: Mapping[str, str]) -> StudyProcess:
        """A process that searches what is wanted: database_url, data_dir, user_id, study_id.

        They go over the pipe: an address with a password may neither stand in the list of processes nor in the environment.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        windows = sys.platform == "win32"
        more: dict[str, Any] = {"creationflags": 0x08000000} if windows else {"start_new_session": True}  # no console window
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-I", "-c", _BEGIN, str(_ROOT)]
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=kept, cwd=_ROOT, **more)
        assert process.stdin is not None
        with suppress(ConnectionError):
            process.stdin.write(json.dumps(dict(wanted)).encode() + b"\n")
            await process.stdin.drain()
        return cls(process)

    async def heard(self) -> AsyncIterator[dict[str, Any]]:
        """How far it is, again and again, until it is done. Raises SearchFailed when it does not get there."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message: dict[str, Any] = json.loads(line)
            if "failed" in message:
                raise SearchFailed(message["failed"], trace=message.get("trace", ""), **message["facts"])
            if "done" in message:
                return
            if "tried" in message:
                yield message
        raise SearchFailed(exit_code=await self._process.wait())

    async def leave(self) -> None:
        """Close the pipe: it gives its trials back and ends; for good when it takes too long. Harmless when it has gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _FAREWELL)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
