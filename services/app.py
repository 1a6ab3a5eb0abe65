"""App: the whole wiring, read in one breath. Builds every service once; `start` is recovery, `stop` goes backwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from loguru import logger

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.events import ReadyChanged
from aristobot.language import explain
from aristobot.settings import Settings
from aristobot.store.database import Database
from aristobot.store.inbox import AlertInbox
from aristobot.store.instance import installation
from aristobot.store.room import take_room
from aristobot.store.shelf import Shelf
from aristobot.store.tenancy import SYSTEM
from aristobot.store.urgent import urgent_commits
from aristobot.vault import Vault
from services.account_book import AccountBook
from services.accounts import Accounts
from services.activation_desk import ActivationDesk
from services.assistant import Assistant
from services.backtest_candles import BacktestCandles
from services.backtester import Backtester
from services.backup_keeper import BackupKeeper
from services.bracket_keeper import BracketKeeper
from services.broker_book import BrokerBook
from services.brokers import Brokers
from services.candle_history import CandleHistory
from services.candle_library import CandleLibrary
from services.candle_watch import CandleWatch
from services.conversion import Conversion
from services.credential_names import CredentialNames
from services.disk_guard import DiskGuard
from services.doubted_alerts import DoubtedAlerts
from services.dust import DustSweeper
from services.exchange_gateway import ExchangeGateway
from services.exit_placer import ExitPlacer
from services.fee_book import FeeBook
from services.flattener import Flattener
from services.halt_desk import HaltDesk
from services.heartbeat import Heartbeat
from services.key_rotation import unopened
from services.kill_switch import KillSwitch
from services.log_tail import LogTail
from services.manual_trading import ManualTrading
from services.market_catalog import MarketCatalog
from services.market_choice import MarketChoice
from services.notifying import Notifying
from services.order_checks import OrderChecks
from services.order_desk import OrderDesk
from services.order_monitor import OrderMonitor
from services.order_records import OrderRecords
from services.order_resolver import OrderResolver
from services.order_sender import OrderSender
from services.portfolio import Portfolio
from services.position_book import PositionBook
from services.price_book import PriceBook
from services.process_guard import close_the_shutters, collect_seldom, take_short_turns
from services.pulse import Pulse
from services.reachability import Reachability
from services.strategy_candles import StrategyCandles
from services.strategy_desk import StrategyDesk
from services.strategy_host import StrategyHost
from services.strategy_log import StrategyLog
from services.strategy_orders import StrategyOrders
from services.strategy_process import Limits
from services.strategy_tools import RunTools
from services.strategy_trading import StrategyTrading
from services.study_desk import StudyDesk
from services.supervisor import Service, Supervisor
from services.target_watch import TargetWatch
from services.trading_engine import TradingEngine
from services.trading_floor import TradingFloor
from services.webhook_receiver import WebhookReceiver
from services.webhook_trading import WebhookTrading
from services.workers import Workers

if TYPE_CHECKING:
    from services.demo import DemoExchange

#: Bytes of one answer of a strategy at work: what it keeps (`vars`, and its last 200 positions) comes along.
LARGEST_ANSWER = 256 * 1024
#: Seconds after which a step of the start that fell is tried once more.
RECOVER_AGAIN = 5.0


class App:
    """The house: settings and a clock in, running services out."""

    _waiting_for: tuple[str, ...] = ("start",)
    _recovery: asyncio.Task[None] | None = None

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.demo_exchange = _demo_exchange(clock) if settings.demo else None
        settings = self.demo_exchange.lead_here(settings) if self.demo_exchange is not None else settings
        self.settings, self.clock = settings, clock
        self.bus = Bus()
        self.db = Database(settings.database_url)
        self.vault = Vault.open_or_create(settings.master_key_file)
        self.gateway = ExchangeGateway(self.db, self.bus, clock, self.vault, settings)
        self.catalog = MarketCatalog(self.db, self.bus, clock, self.gateway)
        self.kill_switch = KillSwitch(self.db, self.bus, clock, settings.data_dir)
        self.disk = DiskGuard(settings.data_dir, clock, self.kill_switch)
        self.backups = BackupKeeper(settings.database_url, Shelf.of(settings), clock, self.bus)
        self.prices = PriceBook(self.bus, clock, self.gateway)
        self.floor = self._trading_floor()
        self.records = OrderRecords(self.db, self.bus, clock, self.catalog, self.floor.accounts)
        self.resolver = OrderResolver(self.db, clock, self.gateway, self.floor.brokers, self.records)
        sender = OrderSender(self.floor, self.records, self.resolver)
        self.desk = OrderDesk(self.floor, OrderChecks(self.floor, self.records), sender)
        self.keeper = BracketKeeper(self.floor, ExitPlacer(self.floor, self.desk, self.records, self.resolver.is_held_up))
        self.portfolio = Portfolio(self.floor)
        self.hand = ManualTrading(self.floor, self.desk, self.keeper, self.portfolio)
        self.markets = MarketChoice(self.floor, settings.market_exchange)
        self.target_watch = TargetWatch(self.floor, self.keeper)
        self.monitor = OrderMonitor(self.floor, self.records, self.resolver)
        self.engine = TradingEngine(self.floor, WebhookTrading(self.floor, self.desk, self.keeper, self.markets))
        self.flattener = Flattener(self.floor, self.desk, self.keeper)
        self.doubted = DoubtedAlerts(self.db, self.bus, clock)
        self.receiver = self._ingress()
        self.candles = CandleHistory(self.db, self.bus, clock, self.gateway)
        self.library = CandleLibrary(self.bus, clock, self.gateway, settings.data_dir, Workers())
        self.heartbeat = Heartbeat(self.db, self.bus, clock, self.gateway, exchange=settings.market_exchange)
        self.candle_watch = CandleWatch(self.bus, clock, self.gateway, self.candles, told=self.heartbeat.market)
        self.accounts = Accounts(self.db, self.bus, clock, self.vault, settings)
        self.brokers = Brokers(self.db, self.bus, clock, self.vault, self.gateway, settings)
        self.strategies = StrategyDesk(self.db, self.bus, clock)
        self.assistant = Assistant(self.db, self.accounts.profiles.ai)
        self.runner = self._strategy_trading()
        lab = BacktestCandles(self.db, clock, self.gateway, settings.data_dir)
        self.backtester = Backtester(self.db, self.bus, clock, lab, settings.backtest_retention)
        self.studies = StudyDesk(self.db, self.bus, clock, settings, self.backtester.sources, lab)
        self.dust = DustSweeper(self.floor, self.hand, self.accounts.trail)
        self.halts = HaltDesk(self.db, self.kill_switch, self.accounts.trail)
        self.news = self._notifying()
        self.credential_names = CredentialNames(settings.data_dir, self.bus, clock)
        self.brokers.webhooks.ingress = lambda: self.receiver.address
        self.reachability = Reachability(self.db, clock, settings, self.gateway, self.brokers.webhooks)
        self.log_tail = LogTail(self.bus, clock)
        self.supervisor = Supervisor(self.bus, clock, self._services())
        self.pulse = Pulse()

    def _trading_floor(self) -> TradingFloor:
        return TradingFloor(
            db=self.db,
            bus=self.bus,
            clock=self.clock,
            gateway=self.gateway,
            catalog=self.catalog,
            brokers=BrokerBook(self.db, self.bus),
            accounts=AccountBook(self.gateway, self.clock),
            prices=self.prices,
            conversion=Conversion(self.catalog, self.prices),
            positions=PositionBook(self.db, self.bus, self.clock),
            fees=FeeBook(self.clock, self.gateway, self.catalog),
            kill_switch=self.kill_switch,
            urgent=urgent_commits(self.db),
            dry_run=self.settings.no_orders,
        )

    def _notifying(self) -> Notifying:
        trail, url = self.accounts.trail, self.settings.telegram_url
        return Notifying(self.floor, vault=self.vault, trail=trail, halts=self.halts, telegram_url=url)

    def _ingress(self) -> WebhookReceiver:
        inbox = AlertInbox(self.db, self.floor.urgent)
        receiver = WebhookReceiver(self.db, self.bus, self.clock, self.settings, inbox=inbox)
        receiver.begin, receiver.waiting_for = self.engine.begin, self.waiting_for
        receiver.doubt = self.doubted.add
        return receiver

    def _strategy_trading(self) -> StrategyTrading:
        orders = StrategyOrders(self.floor, self.desk, self.keeper)
        log = StrategyLog(self.db, self.bus, self.clock)
        host = StrategyHost(self.clock, Limits(answer_bytes=LARGEST_ANSWER))
        tools = RunTools(self.floor, host, self.candles, orders, log)
        candles = StrategyCandles(self.db, self.bus, self.clock, self.gateway, self.heartbeat)
        desk = ActivationDesk(self.db, self.bus, self.clock, self.gateway, self.catalog)
        return StrategyTrading(tools, candles, desk)

    def _services(self) -> list[Service]:
        exchange = self.demo_exchange
        begins: list[Service] = [exchange.server] if exchange else []
        ends: list[Service] = [self._demo_household(exchange)] if exchange else []
        return [
            *begins,
            self.log_tail,
            *self.news.services(),
            self.disk,
            self.backups,
            self.kill_switch,
            self.gateway,
            self.catalog,
            self.resolver,
            self.prices,
            self.receiver,
            self.monitor,
            self.keeper,
            self.target_watch,
            self.flattener,
            self.engine,
            self.runner,
            self.heartbeat,
            self.accounts.sessions,
            self.brokers.keys,
            self.backtester.queue,
            self.studies.queue,
            *ends,
        ]

    def _demo_household(self, exchange: DemoExchange) -> Service:
        from services.demo_robots import DemoRobots  # as the exchange itself

        robots = DemoRobots(self.strategies, self.runner)
        return exchange.household(self.floor, self.accounts, self.brokers, self.receiver, robots)

    def waiting_for(self) -> tuple[str, ...]:
        """What start-up still waits for; empty means ready."""
        return self._waiting_for

    async def start(self) -> None:
        """Start every service; recovery goes on behind, trading begins when it is done (`waiting_for` is then empty)."""
        close_the_shutters()
        take_short_turns()
        collect_seldom()
        self.pulse.start()
        self.bus.adopt_loop()
        house = await self.db.read(SYSTEM, installation)
        self.floor.installation, self.floor.epoch = house.installation_id, house.epoch
        await take_room(self.db)
        await self._look_at_the_seals()
        await self.accounts.prepare()
        await self.kill_switch.load()
        await self.floor.brokers.load()
        self._recovery = asyncio.ensure_future(self._recover())
        await self.supervisor.start()

    async def _look_at_the_seals(self) -> None:
        if lost := await self.db.read(SYSTEM, lambda session: unopened(session, self.vault)):
            path = self.settings.master_key_file
            logger.error(explain("error.seals_unopened", {"count": lost, "path": path}, self.settings.language))

    async def _recover(self) -> None:
        """Every broker is compared with its exchange before anything trades; until then new orders are refused."""
        started = self.clock.monotonic()
        for name, step in (("exchanges", self.gateway.look), ("reconciliation", self.monitor.recover)):
            self._wait_for(name)
            while not await self._is_done(step):
                await self.clock.sleep(RECOVER_AGAIN)
        self._wait_for()
        self.floor.ready.set()
        logger.info("Ready to trade after {:.1f} s", self.clock.monotonic() - started)

    @staticmethod
    async def _is_done(step: Callable[[], Awaitable[None]]) -> bool:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 # told with its trace and tried again: until it is done nobody's alerts are
            logger.opt(exception=error).error("A step of the start fell; it is tried again")
            return False
        return True

    def _wait_for(self, *what: str) -> None:
        self._waiting_for = what
        self.bus.publish(ReadyChanged(at=self.clock.now(), waiting_for=what))

    async def stop(self) -> None:
        """Stop everything in reverse order; what is under way is finished or found again at the next start."""
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
        await self.candle_watch.close()
        await self.library.close()
        await self.supervisor.stop()
        await self.doubted.stop()
        await self.credential_names.close()
        await self.gateway.close()
        await self.db.close()
        self.pulse.stop()


def _demo_exchange(clock: Clock) -> DemoExchange:
    from services.demo import DemoExchange  # a whole exchange comes along: into the demo alone

    return DemoExchange(clock)
