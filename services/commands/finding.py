"""What one check of the doctor found, and what helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`detail` is for people, in their language; `cure` says what helps, where the detail does not."""

    check: str
    state: State
    detail: str
    cure: str = ""
