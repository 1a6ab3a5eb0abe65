"""The plain job, with all that a strategy may import of Python and numpy."""

from __future__ import annotations

from aristobot import strategy_loader
from tests.services.plain_job import Job as PlainJob


class Job(PlainJob):
    """Imports what a strategy may import."""

    def __init__(self) -> None:
        super().__init__()
        strategy_loader.import_plain()
