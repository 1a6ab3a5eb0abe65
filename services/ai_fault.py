"""Why an AI provider did not answer."""

from __future__ import annotations

from aristobot.errors import AristobotError


class AiFault(AristobotError):
    """No answer, or none that can be used; the code says why, the facts name the host, the status, the model."""

    default_code = "ai_unreachable"
