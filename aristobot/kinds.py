"""Closed lists of words that rows, services and screens share."""

from enum import StrEnum


class Role(StrEnum):
    """What a user may do in the house."""

    ADMINISTRATOR = "administrator"
    TRADER = "trader"
    VIEWER = "viewer"


class TokenScope(StrEnum):
    """What an API token may do; each includes the one before."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


class BrokerMode(StrEnum):
    """Who may trade on a broker, besides the user's own hand."""

    OFF = "OFF"
    STRATEGIES = "STRATEGIES"
    WEBHOOKS = "WEBHOOKS"


class BrokerAccess(StrEnum):
    """How far an order may go on a broker."""

    TRADE = "TRADE"
    REDUCE_ONLY = "REDUCE_ONLY"
    READ_ONLY = "READ_ONLY"


class CostMethod(StrEnum):
    """What a sold coin is said to have cost: the average of all that are held, or what the oldest of them cost."""

    AVERAGE = "average"
    FIFO = "fifo"


class OrderOrigin(StrEnum):
    """Where an order came from."""

    WEBHOOK = "webhook"
    STRATEGY = "strategy"
    MANUAL = "manual"
    KEEPER = "keeper"
    MONITOR = "order_monitor"


class OrderRole(StrEnum):
    """What an order is for in the life of a position."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    TARGET = "target"


class LotStatus(StrEnum):
    """Is something held?"""

    OPEN = "open"
    CLOSED = "closed"


class BracketStatus(StrEnum):
    """PLANNED before it rests, ACTIVE at the exchange, MOVING while it is replaced, DONE when the position is out."""

    PLANNED = "planned"
    ACTIVE = "active"
    MOVING = "moving"
    DONE = "done"


#: Of brackets that still guard something.
UNDONE = (BracketStatus.PLANNED, BracketStatus.ACTIVE, BracketStatus.MOVING)


class Protection(StrEnum):
    """Who sees to the exits of a position: the exchange alone, half of them the bot, or the bot alone."""

    EXCHANGE = "exchange"
    HALF = "half"
    BOT = "bot"


class WebhookStatus(StrEnum):
    """Where the row of an alert stands."""

    RECEIVED = "received"
    PROCESSING = "processing"
    PROCESSED = "processed"
    ERROR = "error"
    MISS = "miss"


class WebhookOutcome(StrEnum):
    """Which end an alert came to."""

    ORDERED = "ordered"
    UPDATED = "updated"
    NO_EFFECT = "no_effect"
    PING = "ping"
    DUPLICATE = "duplicate"
    STALE = "stale"
    REFUSED = "refused"
    INVALID = "invalid"


class HaltScope(StrEnum):
    """Whom the kill switch stops."""

    ALL = "all"
    USER = "user"
    BROKER = "broker"
    STRATEGY = "strategy"


class HaltLevel(StrEnum):
    """HALT: no entries. REDUCE: only reducing. FLATTEN: cancel entries, exit, then cancel stops."""

    HALT = "halt"
    REDUCE = "reduce"
    FLATTEN = "flatten"


class RhythmMode(StrEnum):
    """Whence it is known how often something must come: from what came before, from the user, or nobody waits for it."""

    LEARN = "learn"
    FIXED = "fixed"
    OFF = "off"


class ActivationStatus(StrEnum):
    """STOPPED by its owner, RUNNING, PAUSED by the house with its exits left in place, FAILED in its own code."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"


class BacktestStatus(StrEnum):
    """How far a backtest is. INTERRUPTED: the house ended while it ran."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self not in (BacktestStatus.QUEUED, BacktestStatus.RUNNING)


class SamplerKind(StrEnum):
    """How a search for parameters chooses what to try next."""

    TPE = "tpe"
    GRID = "grid"
    RANDOM = "random"


class StudyStatus(StrEnum):
    """How far a search for parameters is. STOPPED by somebody, INTERRUPTED by an end of the house: both can be gone on with."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    DONE = "done"

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or is searched."""
        return self in (StudyStatus.QUEUED, StudyStatus.RUNNING)
