"""The walls of a strategy's process in the order in which they are raised, each tried before it is said to stand."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum

from services.sandbox.guards import guard
from services.sandbox.landlock import close_the_files
from services.sandbox.limits import (
    become_nobody,
    die_with_the_house,
    keep_others_out,
    limit_memory,
    no_new_things,
    tell_where_it_fell,
)
from services.sandbox.seccomp import close_the_kernel


class Wall(StrEnum):
    """One thing that user code cannot do, or take, whatever it tries."""

    #: No environment, no argument, no descriptor but its pipes.
    NO_SECRETS = "no_secrets"
    #: Landlock, tried: nothing can be opened, by name or by path.
    NO_FILES = "no_files"
    #: The kernel's filter, tried: no socket, no process, no signal to others, no file.
    KERNEL = "kernel"
    #: No descriptor can be opened at all.
    NO_DESCRIPTORS = "no_descriptors"
    MEMORY = "memory"
    PROCESSOR = "processor"
    #: It runs as nobody, not as root.
    NO_ROOT = "no_root"
    #: The kernel ends it with the house.
    ENDS_WITH_HOUSE = "ends_with_house"
    #: Windows: memory, no second process, ends with the house.
    JOB_OBJECT = "job_object"
    #: Python itself refuses, which the code might get around.
    GUARD_RAILS = "guard_rails"


class IsolationLevel(StrEnum):
    """How far the code of a strategy is kept from everything else on this system."""

    SEALED = "sealed"
    LIMITED = "limited"
    GUARDED = "guarded"


def level_of(walls: Sequence[Wall]) -> IsolationLevel:
    """SEALED: the kernel refuses files, network and processes. LIMITED: it bounds what can be taken. GUARDED: Python alone."""
    standing = set(walls)
    if Wall.KERNEL in standing and Wall.MEMORY in standing and standing & {Wall.NO_FILES, Wall.NO_DESCRIPTORS}:
        return IsolationLevel.SEALED
    if Wall.JOB_OBJECT in standing or standing >= {Wall.NO_DESCRIPTORS, Wall.PROCESSOR}:
        return IsolationLevel.LIMITED
    return IsolationLevel.GUARDED


def raise_walls(house: int, memory_mb: int) -> list[Wall]:
    """Lock this process in, for good, and answer which walls stand. Everything it needs must be imported by now."""
    tell_where_it_fell()
    found = {Wall.NO_SECRETS: not os.environ, Wall.MEMORY: limit_memory(memory_mb), Wall.NO_ROOT: become_nobody()}
    found[Wall.ENDS_WITH_HOUSE] = die_with_the_house(house)  # after the change of user, which would forget it
    keep_others_out()
    found[Wall.PROCESSOR] = sys.platform != "win32"
    if sys.platform.startswith("linux"):
        found[Wall.NO_FILES] = close_the_files() > 0 and not _opens(os.sep)
    found[Wall.NO_DESCRIPTORS] = no_new_things()
    if sys.platform.startswith("linux"):
        found[Wall.KERNEL] = close_the_kernel() and not _forks()
    guard()
    found[Wall.GUARD_RAILS] = True
    return [wall for wall, stands in found.items() if stands]


def _opens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    return True


def _forks() -> bool:
    try:
        child = os.fork()
    except OSError:
        return False
    if child == 0:
        os._exit(0)
    return True
