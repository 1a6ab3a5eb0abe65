"""The doorbell: what hinders the start is one sentence and the exit code that the contract names."""

from __future__ import annotations

import pytest

from aristobot.__main__ import exit_code
from aristobot.errors import (
    AristobotError,
    ConfigurationError,
    InstanceRunning,
    NotFound,
    StoreDamaged,
    StoreError,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (InstanceRunning, 3),
        (StoreError, 4),
        (ConfigurationError, 5),
        (StoreDamaged, 6),
        (NotFound, 1),
        (AristobotError, 1),
    ],
)
def test_each_hindrance_has_its_exit_code(kind: type[AristobotError], code: int) -> None:
    assert exit_code(kind()) == code
