"""What the screen calls the parts of a broker."""

from __future__ import annotations

from aristobot.kinds import BrokerAccess, BrokerMode
from aristobot.language import _
from aristobot.store.tables import Broker


def mode_names() -> dict[str, str]:
    """Who may trade besides the user's own hand."""
    return {
        BrokerMode.WEBHOOKS.value: _("TradingView alerts"),
        BrokerMode.STRATEGIES.value: _("Strategies"),
        BrokerMode.OFF.value: _("Nobody but me"),
    }


def access_names() -> dict[str, str]:
    """How far an order may go."""
    return {
        BrokerAccess.TRADE.value: _("Trade"),
        BrokerAccess.REDUCE_ONLY.value: _("Only reduce positions"),
        BrokerAccess.READ_ONLY.value: _("Only look"),
    }


def key_names() -> dict[str, str]:
    """What the user copies from the exchange's key page."""
    return {"api_key": _("API key"), "api_secret": _("Secret key"), "passphrase": _("Passphrase")}


def step_names() -> dict[str, str]:
    """The steps of a connection test."""
    return {
        "reachable": _("The exchange answers"),
        "clock": _("The clocks agree"),
        "key": _("The key is genuine"),
        "read": _("The key may read"),
        "trade": _("The key may trade"),
        "withdraw": _("The key may not withdraw"),
        "ip": _("The key works from your address alone"),
        "balances": _("Balances can be read"),
    }


def mode_tag(broker: Broker) -> tuple[str, str]:
    """One short word for who trades, and its tone."""
    words = {BrokerMode.WEBHOOKS: "WEBHOOKS", BrokerMode.STRATEGIES: _("STRATEGIES"), BrokerMode.OFF: "OFF"}
    return words[broker.mode], "quiet" if broker.mode is BrokerMode.OFF else "good"
