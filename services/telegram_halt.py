"""Stopping the trade from a telephone: asked first, confirmed by a button that works once."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aristobot.clock import Clock
from aristobot.errors import AristobotError
from aristobot.kinds import HaltLevel, HaltScope, Role
from aristobot.language import _, explain
from services.audit_trail import Actor
from services.halt_desk import HaltDesk, Hand, Wish
from services.notifiers.telegram import Telegram
from services.telegram_link import Caller

#: Seconds for which a button stops anything.
PRESS_SECONDS = 120.0
_LEVELS = {"halt": HaltLevel.HALT, "reduce": HaltLevel.REDUCE}


@dataclass(frozen=True, slots=True)
class _Offer:
    """A button that stops something, for whoever was asked, until it is too late."""

    user_id: uuid.UUID
    until: float


class HaltButtons:
    """Offers the buttons and hears them."""

    def __init__(self, clock: Clock, telegram: Telegram, desk: HaltDesk) -> None:
        self._clock = clock
        self._telegram = telegram
        self._desk = desk
        self._offers: dict[str, _Offer] = {}

    async def offer(self, caller: Caller) -> None:
        """Ask before anything stops; the buttons work once, for two minutes."""
        if caller.user.role is Role.VIEWER:
            await self._telegram.say(caller.token, caller.chat, explain("halt_not_yours"))
            return
        now = self._clock.monotonic()
        self._offers = {one: offer for one, offer in self._offers.items() if offer.until > now}
        nonce = secrets.token_urlsafe(12)
        self._offers[nonce] = _Offer(caller.user.id, now + PRESS_SECONDS)
        words = _("Stop the trading of your account? Exits and protections go on.")
        buttons = [
            [(_("Stop: no new entry"), f"halt:{nonce}")],
            [(_("Only reduce positions"), f"reduce:{nonce}")],
            [(_("Cancel"), f"no:{nonce}")],
        ]
        await self._telegram.say(caller.token, caller.chat, words, buttons)

    async def pressed(self, token: str, caller: Caller | None, press: Mapping[str, Any]) -> None:
        """Do what a button says, once."""
        await self._telegram.acknowledge(token, str(press.get("id", "")))
        if caller is None:
            return
        level, _colon, nonce = str(press.get("data", "")).partition(":")
        offer = self._offers.pop(nonce, None)
        words = _("Nothing was stopped.")
        if offer is None or offer.user_id != caller.user.id or offer.until < self._clock.monotonic():
            words = _("This button is too old: write /halt again.")
        elif level in _LEVELS:
            hand = Hand(caller.user.id, caller.user.role, Actor(caller.user.name, "telegram", caller.user.id))
            try:
                await self._desk.halt(hand, Wish(HaltScope.USER, caller.user.id, _LEVELS[level], "telegram"))
                words = _("Trading is stopped. It is released on the screen, with your password.")
            except AristobotError as error:
                words = explain(error)
        message_id = int(press.get("message", {}).get("message_id", 0))
        await self._telegram.replace(token, caller.chat, message_id, words)

    async def status(self, caller: Caller) -> str:
        """What is stopped now, in words."""
        hand = Hand(caller.user.id, caller.user.role, Actor(caller.user.name, "telegram", caller.user.id))
        halts = await self._desk.concerning(hand)
        if not halts:
            return _("Nothing is stopped.")
        return "\n".join(_("Stopped by {by}: {level}.", by=one.set_by, level=explain(f"level_{one.level}")) for one in halts)
