"""What each user wants to hear and where: the switches, and the channels with their sealed secrets."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import NotFound
from aristobot.events import NotificationChannelChanged
from aristobot.notices import OUTSIDE, NoticeKind, Outlet, switched
from aristobot.store import notifications, users
from aristobot.store.database import Database
from aristobot.store.notice_tables import NotificationChannel
from aristobot.store.tenancy import SYSTEM, GuardedSession, owner_of
from aristobot.vault import Vault
from services import notifier_forms, rights
from services.audit_trail import Actor, AuditTrail
from services.channel_view import ChannelView, opened, sealed, view_of
from services.notice_message import trial
from services.notifiers.channel import Channel
from services.notifiers.telegram import Telegram

_CHECKS: Mapping[Outlet, Callable[[notifier_forms.Form, Mapping[str, str]], notifier_forms.Checked]] = MappingProxyType(
    {Outlet.TELEGRAM: notifier_forms.telegram, Outlet.EMAIL: notifier_forms.email, Outlet.WEBHOOK: notifier_forms.webhook}
)


@rights.for_traders("switches", "channels")
class NotifierSettings:
    """Reads and changes them; `opened` is for those who send."""

    def __init__(
        self, db: Database, bus: Bus, clock: Clock, vault: Vault, trail: AuditTrail, channels: Mapping[Outlet, Channel]
    ) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._vault = vault
        self._trail = trail
        self._channels = channels

    async def switches(self, user_id: uuid.UUID) -> dict[NoticeKind, frozenset[Outlet]]:
        """Which ways each kind takes."""
        chosen = await self._db.read(user_id, notifications.switches)
        return {kind: switched(chosen, kind) for kind in NoticeKind}

    async def switch(self, user_id: uuid.UUID, kind: NoticeKind, outlets: frozenset[Outlet]) -> None:
        """Let a kind take these ways from now on."""

        def work(session: GuardedSession) -> None:
            chosen = notifications.switches(session)
            notifications.choose(session, {**chosen, kind.value: sorted(outlet.value for outlet in outlets)})

        await self._db.write(user_id, work)

    async def channels(self, user_id: uuid.UUID) -> dict[Outlet, ChannelView]:
        """The channels that the user has set up."""
        return {row.channel: view_of(row) for row in await self._db.read(user_id, notifications.channels)}

    async def save(self, user_id: uuid.UUID, which: Outlet, form: Mapping[str, Any], by: Actor) -> ChannelView:
        """Set a channel up, or change it; what is secret and left empty stays. InvalidInput names the field; ChannelFault
        when Telegram does not know the bot. A new bot has to be linked anew.
        """
        if which not in OUTSIDE:
            raise NotFound(kind="channel")
        known = await self._known(user_id, which)
        before = await self.opened(known) if known is not None else {}
        settings, secret = _CHECKS[which](form, before)
        sender = self._channels[which]
        if isinstance(sender, Telegram):
            settings = {"bot": await sender.name(secret["token"])}
            if known is not None and secret == before:
                settings = {**(known.settings or {}), **settings}
        row = await self._db.write(user_id, lambda s: self._keep(s, which, settings, secret, by))
        self.changed(user_id, which)
        return view_of(row)

    async def enable(self, user_id: uuid.UUID, which: Outlet, *, enabled: bool, by: Actor) -> None:
        """Switch a channel on or off without forgetting it; NotFound."""

        def work(session: GuardedSession) -> None:
            row = notifications.channel(session, which)
            if row is None:
                raise NotFound(kind="channel")
            row.enabled, row.updated_at = enabled, self._clock.now()
            session.add(row)
            self._trail.record(session, "channel.switched", by, subject=f"channel:{which}", after={"enabled": enabled})

        await self._db.write(user_id, work)
        self.changed(user_id, which)

    async def remove(self, user_id: uuid.UUID, which: Outlet, by: Actor) -> None:
        """Forget a channel with its secrets, and what waits for it; NotFound."""

        def work(session: GuardedSession) -> None:
            notifications.drop(session, which)
            self._trail.record(session, "channel.removed", by, subject=f"channel:{which}")

        await self._db.write(user_id, work)
        self.changed(user_id, which)

    async def test(self, user_id: uuid.UUID, which: Outlet) -> None:
        """Send a test now; ChannelFault says why it did not leave, NotFound that the channel is not set up."""
        row = await self._known(user_id, which)
        if row is None:
            raise NotFound(kind="channel")
        user = await self._db.read(SYSTEM, lambda s: users.get(s, user_id))
        message = trial(user.language, self._clock.now())
        await self._channels[which].send(row.settings or {}, await self.opened(row), message)

    async def opened(self, row: NotificationChannel) -> dict[str, str]:
        """The secrets of a channel, for the length of one sending. Raises SealBroken."""
        return opened(self._vault, row)

    def changed(self, user_id: uuid.UUID, which: Outlet) -> None:
        """Tell the pages and the senders of it."""
        event = NotificationChannelChanged(at=self._clock.now(), user_id=user_id, channel=which.value)
        self._bus.publish(event)

    async def _known(self, user_id: uuid.UUID, which: Outlet) -> NotificationChannel | None:
        return await self._db.read(user_id, lambda s: notifications.channel(s, which))

    def _keep(
        self, session: GuardedSession, which: Outlet, settings: dict[str, Any], secret: dict[str, str], by: Actor
    ) -> NotificationChannel:
        now = self._clock.now()
        row = notifications.channel(session, which)
        if row is None:
            row = NotificationChannel(user_id=owner_of(session), channel=which, updated_at=now)
        row.settings, row.updated_at, row.enabled = settings, now, True
        row.fault, row.fault_facts, row.failing_since = "", None, None
        row.secret_sealed = sealed(self._vault, row, secret)
        session.add(row)
        notifications.hurry(session, which, now)
        shown = {name: value for name, value in settings.items() if name in ("host", "recipient", "bot")}
        self._trail.record(session, "channel.saved", by, subject=f"channel:{which}", after=shown)
        return row
