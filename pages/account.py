"""Yourself: brokers, profile, password, phone, where you are logged in, tokens, AI provider; for administrators, everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from aristobot.language import _
from components.ai_card import AiCard
from components.broker_list import BrokerList
from components.exchange_panel import ExchangePanel
from components.household_card import HouseholdCard
from components.live import Live
from components.notification_settings import NotificationSettings
from components.page_head import page_head
from components.profile_card import ProfileCard
from components.reachability_panel import ReachabilityPanel
from components.security_cards import SecondFactorCard, password_card
from components.sessions_card import SessionsCard
from components.shell import page
from components.tokens_card import TokensCard
from components.viewer import Viewer

if TYPE_CHECKING:
    from services.app import App


@page("/account", title="Account", icon="person", order=90)
async def account(app: App, user: Viewer, live: Live) -> None:
    """Brokers first: they are what people come here for."""
    with page_head(_("Account"), _("Your brokers, your language, and how you come in.")):
        pass
    brokers = BrokerList(app, user, live)
    ExchangePanel(app, live)
    reachability = ReachabilityPanel(app, user, live)
    with ui.element("div").classes("halves"):
        with ui.element("div").classes("stack"):
            profile = ProfileCard(app, user, live)
            password_card(app, user)
            ai = AiCard(app, user)
        with ui.element("div").classes("stack"):
            second_factor = SecondFactorCard(app, user, live)
            sessions = SessionsCard(app, user, live)
            tokens = TokensCard(app, user, live)
    household = HouseholdCard(app, user, live) if user.is_administrator else None
    notifications = NotificationSettings(app, user, live)
    for card in (brokers, profile, second_factor, sessions, tokens, ai, notifications):
        await card.show()
    await reachability.offer()
    if household is not None:
        await household.show()
