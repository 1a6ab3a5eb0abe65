"""The error tree. An error carries facts (a code and values); the screen finds the words.

AristobotError
├── ExchangeError
│   ├── TryAgain          ConnectionLost · ExchangeOffline · RateLimited     the request had no effect
│   ├── Refused           InsufficientFunds · InvalidOrder · UnknownSymbol · UnknownOrder · DuplicateOrder
│   │                     · BadKey · MissingRight · ClockSkewed              a definite no, never repeated
│   └── OutcomeUnknown    an order was sent and no clear answer came
├── RiskRefused           our own no
├── StrategyError         the user's code fell or overran
├── DataError             a payload that cannot be true
├── InvalidInput          what the user typed; names the field
├── NotFound              not there, or not yours: the same answer
├── Conflict              it exists already, or somebody changed it meanwhile
├── NotSignedIn · AccessDenied   who asks is not known, or may not do this
└── ConfigurationError · StoreError · InstanceRunning     the process cannot start
"""

from __future__ import annotations


class AristobotError(Exception):
    """Base of every error of the house: a `code` that the screen translates, and `facts` that fill its words."""

    default_code = "error"

    def __init__(self, code: str | None = None, **facts: object) -> None:
        self.code = code or self.default_code
        self.facts = facts
        super().__init__(self.code, facts)

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.code, self.facts)

    def __str__(self) -> str:
        listed = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} ({listed})" if listed else self.code


def _again(kind: type[AristobotError], code: str, facts: dict[str, object]) -> AristobotError:
    """The same error on the other side of a pipe between processes."""
    return kind(code, **facts)


class ExchangeError(AristobotError):
    """Something an exchange said or failed to say. `facts` usually hold `exchange`, `detail` and the raw `native_code`."""

    default_code = "exchange_error"


class TryAgain(ExchangeError):
    """The request certainly had no effect; a read may be repeated, an order never is."""

    default_code = "try_again"


class ConnectionLost(TryAgain):
    """The request never left: DNS, connect, TLS, or no free connection."""

    default_code = "connection_lost"


class ExchangeOffline(TryAgain):
    """Maintenance, a closed market, or an overload that the exchange says it did not execute."""

    default_code = "exchange_offline"


class RateLimited(TryAgain):
    """Too many requests. `retry_after` is in seconds."""

    default_code = "rate_limited"

    def __init__(self, code: str | None = None, *, retry_after: float = 1.0, **facts: object) -> None:
        super().__init__(code, retry_after=retry_after, **facts)
        self.retry_after = retry_after


class Refused(ExchangeError):
    """A definite no from the exchange: nothing happened and asking again would get the same answer."""

    default_code = "refused"


class InsufficientFunds(Refused):
    """The account does not hold what the order needs."""

    default_code = "insufficient_funds"


class InvalidOrder(Refused):
    """A filter, a price relation or a parameter the exchange does not accept."""

    default_code = "invalid_order"


class UnknownSymbol(Refused):
    """The exchange does not know this symbol: refresh the catalogue."""

    default_code = "unknown_symbol"


class UnknownOrder(Refused):
    """The exchange knows no such order (on a cancel: look what became of it)."""

    default_code = "unknown_order"


class DuplicateOrder(Refused):
    """An open order already carries this client id: evidence that the first one lives."""

    default_code = "duplicate_order"


class BadKey(Refused):
    """The key, its secret, its passphrase or its signature is wrong."""

    default_code = "bad_key"


class MissingRight(Refused):
    """The key is genuine and may not do this (rights, IP restriction, locked account)."""

    default_code = "missing_right"


class ClockSkewed(Refused):
    """Our timestamp lies outside the exchange's window."""

    default_code = "clock_skewed"


class OutcomeUnknown(ExchangeError):
    """An order was sent and no clear answer came: it may rest, be filled, or not exist. Ask by client id, never resend."""

    default_code = "outcome_unknown"


class RiskRefused(AristobotError):
    """Our own refusal, with the code of the limit and its numbers."""

    default_code = "risk_refused"


class StrategyError(AristobotError):
    """The user's code fell or overran its limits."""

    default_code = "strategy_error"


class DataError(AristobotError):
    """A payload that cannot be true (NaN, negative, wrong shape): logged whole, never guessed."""

    default_code = "bad_data"


class InvalidInput(AristobotError):
    """What the user typed cannot be accepted; `field` names where."""

    default_code = "invalid_input"

    def __init__(self, code: str | None = None, *, field: str, **facts: object) -> None:
        super().__init__(code, field=field, **facts)
        self.field = field


class NotFound(AristobotError):
    """No such thing, or not yours: the answer is the same."""

    default_code = "not_found"


class NotSignedIn(AristobotError):
    """Who asks is not known: a wrong name, password, code or token, or a session that ended. Never says which."""

    default_code = "not_signed_in"


class AccessDenied(AristobotError):
    """Who asks is known and may not do this; for `too_many_attempts` the fact `retry_after` is in seconds."""

    default_code = "access_denied"


class Conflict(AristobotError):
    """It exists already (`already_exists`), or somebody changed it meanwhile (`changed_meanwhile`): look again."""

    default_code = "conflict"


class ConfigurationError(AristobotError):
    """A setting is missing, wrong or insecure (exit code 5)."""

    default_code = "bad_configuration"


class StoreError(AristobotError):
    """The database cannot be reached (exit code 4)."""

    default_code = "store_unreachable"


class StoreDamaged(StoreError):
    """The database is damaged, or newer than this code (exit code 6)."""

    default_code = "store_damaged"


class InstanceRunning(AristobotError):
    """Another instance holds this data folder (exit code 3)."""

    default_code = "instance_running"
