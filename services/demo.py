"""The demo: a simulated exchange, a household with play money, and alerts that arrive through the real door.

Nothing in it is faked: real clients speak over real sockets to the simulator, and alerts are posted to the ingress.
"""

from __future__ import annotations

import itertools
import socket
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import httpx
from loguru import logger

from aristobot.clock import Clock
from aristobot.errors import ConfigurationError
from aristobot.settings import Settings
from aristobot.store import brokers as broker_rows
from services.accounts import Accounts
from services.audit_trail import SYSTEM_ACTOR
from services.brokers import Brokers
from services.demo_robots import DemoRobots
from services.simulator.server import SimulatorServer, endpoints_at
from services.trading_floor import TradingFloor
from services.webhook_receiver import WebhookReceiver

BROKERS = ("Principal", "Épargne", "Essais")
MODES = ("WEBHOOKS", "STRATEGIES", "OFF")
PLAY_MONEY = {"USDT": "10000", "USDC": "2500", "EUR": "1500"}
#: Seconds between two alerts.
RHYTHM = 12.0
WALK_SEED = 7

#: A morning's alerts: entries with stop and target, a stop that is moved, an exit, and what happens when there is nothing to do.
STORY: tuple[Mapping[str, Any], ...] = (
    {"action": "PING"},
    {"action": "buy", "symbol": "BINANCE:BTCUSDT", "interval": "15", "percent": 20, "stop_loss": "-2%", "take_profit": "+3%"},
    {"Action": "BuyMarket", "Symbol": "ETHUSDT", "Interval": "60", "PourCent": "25", "PrixSL": "-1,5%", "PrixTP": "+4%"},
    {"action": "MAJ", "symbol": "BTCUSDT", "stop_loss": "-0.8%"},
    {"action": "BuyMarket", "symbol": "SOLUSDT", "interval": "5", "percent": 10, "take_profit": [["50%", "+1%"], ["50%", "+2%"]]},
    {"action": "SellMarket", "symbol": "ETHUSDT", "percent": 50},
    {"action": "SellMarket", "symbol": "XRPUSDT"},
    {"action": "SellMarket", "symbol": "BTCUSDT"},
    {"action": "BuyLimit", "symbol": "BTCUSDT"},
    {"action": "SellMarket", "symbol": "SOLUSDT"},
    {"action": "SellMarket", "symbol": "ETHUSDT"},
)


class DemoExchange:
    """The simulator on ports of its own, chosen at once so that the clients can be told before it runs."""

    def __init__(self, clock: Clock) -> None:
        port, control_port = _free_port(), _free_port()
        self.url, self.control_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control_port}"
        self.server = SimulatorServer(clock, port=port, control_port=control_port)

    def lead_here(self, settings: Settings) -> Settings:
        """The same settings with every exchange's addresses leading to the simulator."""
        dialects = self.server.dialects.items()
        addresses = {name: asdict(endpoints_at(self.url, dialect)) for name, dialect in dialects}
        return settings.model_copy(update={"exchange_urls": addresses})

    def household(
        self, floor: TradingFloor, accounts: Accounts, brokers: Brokers, receiver: WebhookReceiver, robots: DemoRobots
    ) -> Demo:
        """The service that lives here."""
        return Demo(floor, accounts, brokers, receiver, self, robots)


class Demo:
    """Moves in once, with strategies that work, then sends an alert every few seconds."""

    name = "demo"

    def __init__(
        self,
        floor: TradingFloor,
        accounts: Accounts,
        brokers: Brokers,
        receiver: WebhookReceiver,
        exchange: DemoExchange,
        robots: DemoRobots,
    ) -> None:
        self._db = floor.db
        self._floor = floor
        self._accounts = accounts
        self._brokers = brokers
        self._receiver = receiver
        self._exchange = exchange
        self._robots = robots
        self._story = itertools.cycle(STORY)
        self._token = ""
        self._home_of_robots: uuid.UUID | None = None

    async def run(self) -> None:
        """Furnish the house when it is empty, then let alerts come."""
        user_id = await self._move_in()
        await self._floor.ready.wait()
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as web:
            walk = {"on": True, "seed": WALK_SEED, "speed": 1}
            (await web.post(f"{self._exchange.control_url}/walk", json=walk)).raise_for_status()
            if self._home_of_robots is not None:
                await self._robots.move_in(self._home_of_robots, user_id)
                self._home_of_robots = None
            while True:
                await self._send(web, dict(next(self._story)), user_id)
                await self._floor.clock.sleep(RHYTHM)

    async def _move_in(self) -> uuid.UUID:
        user = await self._accounts.ensure_house_user()
        if user is None:
            raise ConfigurationError("demo_only")
        if await self._db.read(user.id, broker_rows.mine):
            return user.id
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as web:
            for position, name in enumerate(BROKERS):
                keys = {"api_key": uuid.uuid4().hex * 2, "api_secret": uuid.uuid4().hex * 2}
                account = {"exchange": "binance", "key": keys["api_key"], "secret": keys["api_secret"], "balances": PLAY_MONEY}
                (await web.post(f"{self._exchange.control_url}/accounts", json=account)).raise_for_status()
                form: dict[str, Any] = {"exchange": "binance", "name": name, "mode": MODES[position], **keys}
                if MODES[position] == "STRATEGIES":
                    form["limits"] = {"repeated_entries": "1000"}  # its strategies are in a hurry
                broker = await self._brokers.add(user.id, form | {"is_default": not position}, SYSTEM_ACTOR)
                if not position:
                    self._token = await self._brokers.webhooks.rotate(user.id, broker.id, SYSTEM_ACTOR)
                if MODES[position] == "STRATEGIES":
                    self._home_of_robots = broker.id
        logger.info("The demo household has moved in")
        return user.id

    async def _send(self, web: httpx.AsyncClient, alert: dict[str, Any], user_id: uuid.UUID) -> None:
        alert["id"] = uuid.uuid4().hex
        try:
            answer = await web.post(f"{self._receiver.address}/webhook/{self._token}", json=alert)
            logger.debug("Demo alert of {} answered {}", user_id, answer.status_code)
        except httpx.HTTPError as error:
            logger.warning("Demo alert was not taken: {}", error)


def _free_port() -> int:
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        port: int = probing.getsockname()[1]
    return port
