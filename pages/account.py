"""Yourself: brokers, profile, password, phone, where you are logged in, tokens, AI provider; for administrators, everybody."""

from __future__ import annotations

import asyncio
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
    """Brokers first: they are what people come here for. What follows travels right after them."""
    with page_head(_("Account"), _("Your brokers, your language, and how you come in.")):
        pass  # it leaves for the browser while the brokers are read
    mine = await app.brokers.mine(user.id)
    BrokerList(app, user, live).draw(mine)
    exchanges = ExchangePanel(app, live)
    profile, ai, factor, logins, tokens, news = await asyncio.gather(
        ProfileCard.read(app, user),
        AiCard.read(app, user),
        SecondFactorCard.read(app, user),
        SessionsCard.read(app, user),
        TokensCard.read(app, user),
        NotificationSettings.read(app, user),
    )
    household = await HouseholdCard.read(app, user) if user.is_administrator else None
    exchanges.fill()
    ReachabilityPanel(app, user, live).draw(mine)
    with ui.element("div").classes("halves"):
        with ui.element("div").classes("stack"):
            ProfileCard(app, user, live).draw(profile)
            password_card(app, user)
            AiCard(app, user).draw(ai)
        with ui.element("div").classes("stack"):
            SecondFactorCard(app, user, live).draw(factor)
            SessionsCard(app, user, live).draw(logins)
            TokensCard(app, user, live).draw(tokens)
    if household is not None:
        HouseholdCard(app, user, live).draw(household)
    NotificationSettings(app, user, live).draw(news)
