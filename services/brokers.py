"""A user's accounts at exchanges: add, change, delete, and try their keys."""

from __future__ import annotations

import uuid
from typing import Any

from aristobot.bus import Bus
from aristobot.clock import Clock
from aristobot.errors import Conflict, InvalidInput
from aristobot.events import BrokerUpdated
from aristobot.portfolio import Balance
from aristobot.settings import Settings
from aristobot.store import brokers, orders, positions, users
from aristobot.store.database import Database
from aristobot.store.tables import Broker
from aristobot.store.tenancy import GuardedSession
from aristobot.vault import Vault
from services.audit_trail import Actor, AuditTrail
from services.broker_connection import ConnectionTest
from services.broker_form import KEY_FIELDS, Form, checked, needed_fields
from services.exchange_gateway import ExchangeGateway
from services.key_health import KeyHealth
from services.rights import for_traders
from services.webhook_addresses import WebhookAddresses


@for_traders("mine", "get", "balances")
class Brokers:
    """Each user sees and changes their own alone. `webhooks` hands out the addresses for alerts, `keys` looks after keys."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, vault: Vault, gateway: ExchangeGateway, settings: Settings) -> None:
        self._db = db
        self._bus = bus
        self._clock = clock
        self._vault = vault
        self._gateway = gateway
        self._trail = AuditTrail(vault, clock)
        self.keys = KeyHealth(db, bus, clock, gateway)
        self.webhooks = WebhookAddresses(db, bus, clock, self._trail, settings)

    async def mine(self, user_id: uuid.UUID) -> list[Broker]:
        """The user's brokers that are not deleted, the default one first."""
        return await self._db.read(user_id, brokers.mine)

    async def get(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> Broker:
        """One broker; NotFound when there is none or it is not theirs."""
        return await self._db.read(user_id, lambda s: brokers.get(s, broker_id))

    def exchanges(self) -> list[str]:
        """The exchanges for which there is a client."""
        return sorted(self._gateway.exchanges())

    async def add(self, user_id: uuid.UUID, form: Form, by: Actor) -> Broker:
        """A new broker from `exchange`, `name` and the exchange's key fields; the others as in `change`.

        Asks the exchange what the key may do: a right to withdraw is refused, unless an administrator insists
        (`allow_withdraw`). An exchange that does not answer stops nothing. Raises InvalidInput with the field.
        """
        values = checked(form, self.exchanges())
        for name in needed_fields(self._gateway.factory(values["exchange"]).capabilities):
            if not values.get(name):
                raise InvalidInput("missing", field=name)
        row = Broker(
            id=uuid.uuid4(), user_id=user_id, exchange=values["exchange"], name=values["name"], created_at=self._clock.now()
        )
        self._fill(row, values)
        await self._db.read(user_id, lambda s: _refuse_what_is_for_administrators(s, user_id, values))  # before any key travels
        state = await self.keys.learn(row, values)

        def work(session: GuardedSession) -> Broker:
            if state is not None:
                state.keep(row)
            brokers.create(session, row)
            if values.get("is_default") or len(brokers.mine(session)) == 1:
                brokers.set_default(session, row.id)
            self._trail.record(session, "broker.added", by, subject=f"broker:{row.id}", after=_shown(row))
            if state is not None and state.withdraw_accepted:
                self._trail.record(session, "broker.withdraw_accepted", by, subject=f"broker:{row.id}", after=row.key_rights)
            return row

        return self._told(await self._db.write(user_id, work))

    async def change(self, user_id: uuid.UUID, broker_id: uuid.UUID, form: Form, by: Actor) -> Broker:
        """Change what the form names: `name`, key fields, `mode`, `access`, `quote`, `limits`, `endpoints`, `is_default`.

        Key fields change together, an empty one empties. `endpoints` and `allow_withdraw` are for administrators.
        Raises InvalidInput, NotFound.
        """
        known = await self.get(user_id, broker_id)
        values = checked({**form, "exchange": known.exchange}, self.exchanges(), partial=True)
        await self._db.read(user_id, lambda s: _refuse_what_is_for_administrators(s, user_id, values))
        state = await self.keys.learn(known, values)

        def work(session: GuardedSession) -> Broker:
            row = brokers.get(session, broker_id)
            before = _shown(row)
            self._fill(row, values)
            if state is not None:
                state.keep(row)
            if values.get("is_default"):
                brokers.set_default(session, broker_id)
            elif values.get("is_default") is False and row.is_default:
                brokers.set_default(session, None)
            self._trail.record(session, "broker.changed", by, subject=f"broker:{broker_id}", before=before, after=_shown(row))
            if state is not None and state.withdraw_accepted:
                self._trail.record(session, "broker.withdraw_accepted", by, subject=f"broker:{row.id}", after=row.key_rights)
            return row

        return self._told(await self._db.write(user_id, work))

    async def set_default(self, user_id: uuid.UUID, broker_id: uuid.UUID, by: Actor) -> Broker:
        """Make it the broker that forms propose."""
        return await self.change(user_id, broker_id, {"is_default": True}, by)

    async def remove(self, user_id: uuid.UUID, broker_id: uuid.UUID, by: Actor) -> None:
        """Delete it: its keys and webhook address are wiped, its history stays. Conflict while it holds orders or positions."""

        def work(session: GuardedSession) -> Broker:
            row = brokers.get(session, broker_id)
            resting, held = len(orders.alive(session, broker_id)), len(positions.open_ones(session, broker_id))
            if resting or held:
                raise Conflict("broker_in_use", orders=resting, positions=held)
            self._trail.record(session, "broker.removed", by, subject=f"broker:{broker_id}", before=_shown(row))
            return brokers.remove(session, broker_id, self._clock.now())

        self._told(await self._db.write(user_id, work))

    async def test_connection(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> ConnectionTest:
        """Try the keys at the exchange, step by step, and remember what they may do. NotFound; never an ExchangeError."""
        return await self.keys.check(await self.get(user_id, broker_id))

    async def balances(self, user_id: uuid.UUID, broker_id: uuid.UUID) -> list[Balance]:
        """What the exchange says is there now. Raises NotFound, InvalidInput without keys, ExchangeError."""
        row = await self.get(user_id, broker_id)
        if not row.api_key_sealed:
            raise InvalidInput("no_key", field="api_key")
        return await self._gateway.client_for(row).balances(await self._gateway.keys(row))

    def _fill(self, row: Broker, values: Form) -> None:
        for name in ("name", "mode", "access", "quote", "limits", "endpoints"):
            if name in values:
                setattr(row, name, values[name])
        for name in KEY_FIELDS:
            if name in values:
                value = values[name]
                sealed = self._vault.seal(value, f"user:{row.user_id}", f"broker:{row.id}", name) if value else ""
                setattr(row, f"{name}_sealed", sealed)
        if "api_key" in values:
            row.key_last_four = values["api_key"][-4:]

    def _told(self, row: Broker) -> Broker:
        self._bus.publish(BrokerUpdated(at=self._clock.now(), user_id=row.user_id, broker_id=row.id))
        return row


def _refuse_what_is_for_administrators(session: GuardedSession, user_id: uuid.UUID, values: Form) -> None:
    asked = [name for name in ("endpoints", "allow_withdraw") if values.get(name)]
    if asked and not users.is_administrator(session, user_id):
        raise InvalidInput("administrators_only", field=asked[0])


def _shown(row: Broker) -> dict[str, Any]:
    """What the audit may keep of a broker."""
    return {
        "exchange": row.exchange,
        "name": row.name,
        "key": row.key_last_four,
        "mode": row.mode.value,
        "access": row.access.value,
        "limits": row.limits,
        "endpoints": row.endpoints,
    }
