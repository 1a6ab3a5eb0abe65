"""Everything by which the house makes itself heard, wired together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aristobot.notices import Outlet
from aristobot.vault import Vault
from services.audit_trail import AuditTrail
from services.halt_desk import HaltDesk
from services.notice_book import NoticeBook
from services.notifier import Notifier
from services.notifier_post import NotifierPost
from services.notifier_settings import NotifierSettings
from services.notifiers.channel import Channel
from services.notifiers.email import EmailByServer
from services.notifiers.outbound_webhook import OutboundWebhook
from services.notifiers.telegram import Telegram
from services.silence_watchdog import SilenceWatchdog
from services.telegram_phone import TelegramPhone
from services.trading_floor import TradingFloor

if TYPE_CHECKING:
    from services.supervisor import Service


class Notifying:
    """The rooms of the bell.

    book       what each user was told
    settings   their switches and channels
    phone      Telegram's other end: codes that link a chat
    watchdog   alerts that stay away
    """

    def __init__(self, floor: TradingFloor, *, vault: Vault, trail: AuditTrail, halts: HaltDesk, telegram_url: str) -> None:
        db, bus, clock = floor.db, floor.bus, floor.clock
        telegram = Telegram(telegram_url)
        channels: Mapping[Outlet, Channel] = {
            Outlet.TELEGRAM: telegram,
            Outlet.EMAIL: EmailByServer(),
            Outlet.WEBHOOK: OutboundWebhook(clock),
        }
        self.book = NoticeBook(db, bus, clock)
        self.settings = NotifierSettings(db, bus, clock, vault, trail, channels)
        self.notifier = Notifier(db, bus, clock, self.book)
        self.post = NotifierPost(db, bus, clock, book=self.book, settings=self.settings, channels=channels)
        self.phone = TelegramPhone(db, bus, clock, telegram=telegram, settings=self.settings, desk=halts)
        self.watchdog = SilenceWatchdog(db, bus, clock, floor.brokers)

    def services(self) -> list[Service]:
        """What runs."""
        return [self.notifier, self.post, self.phone, self.watchdog]
