"""Two users in one house: neither ever reads or changes what belongs to the other, whatever the statement."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from aristobot.errors import Conflict
from aristobot.store import tenancy, whole
from aristobot.store.database import make_engine
from aristobot.store.failures import in_our_words
from aristobot.store.tables import AuditEntry, Broker, HeartbeatStatus, InstrumentRow, User, WebhookToken
from aristobot.store.tenancy import SYSTEM, GuardedSession, Scope, TenantError, insert_once
from aristobot.store.trading_tables import Order
from aristobot.store.whole import all_tables
from tests.builders import MIDNIGHT, a_broker, a_fill_row, a_position, a_user, a_webhook, a_webhook_state, an_order
from tests.conftest import a_database


@dataclass
class Household:
    """Ann, who asks, and Bob, whose things must stay his."""

    engine: sa.Engine
    ann: User
    bob: User
    anns: Broker
    bobs: Broker
    bobs_order: Order

    def session(self, scope: Scope) -> GuardedSession:
        """A session whose changes nobody keeps."""
        return GuardedSession(self.engine, scope=scope)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def household(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    """Both have one broker, named after them; Ann has one order, Bob two. One database for all tests: none of them commits."""
    with a_database(request, tmp_path_factory.mktemp("household")) as url:
        engine = make_engine(url)
        ann, bob = a_user(name="Ann"), a_user(name="Bob")
        anns, bobs = a_broker(ann, name="Ann"), a_broker(bob, name="Bob")
        orders = [
            an_order(anns, quantity=Decimal(1)),
            an_order(bobs, quantity=Decimal(10)),
            an_order(bobs, quantity=Decimal(100)),
        ]
        entries = [AuditEntry(at=MIDNIGHT, user_id=owner, action="act") for owner in (ann.id, bob.id, None)]
        with GuardedSession(engine, scope=SYSTEM) as session, session.begin():
            session.add_all([ann, bob, anns, bobs, *orders, *entries])
        yield Household(engine, ann, bob, anns, bobs, orders[1])
        engine.dispose()


Reading = Callable[[GuardedSession, Household], Any]
alias: Any = aliased(Broker)
nobodys = sa.select(sa.literal(1).label("one")).subquery()
bobs_broker = sa.select(col(Broker.id)).where(col(Broker.name) == "Bob")


def names(session: GuardedSession, statement: Any) -> Any:
    return list(session.execute(statement).scalars().unique())


def test_a_statement_that_is_asked_again_shows_each_user_their_own_and_the_house_everything(household: Household) -> None:
    again = (
        sa.select(col(Order.quantity))
        .where(col(Order.broker_id) == sa.bindparam("broker_id"))
        .execution_options(**tenancy.ASKED_AGAIN)
    )

    def seen(scope: Scope, broker: Broker) -> set[Decimal]:
        with household.session(scope) as session:
            return set(session.scalars(again, {"broker_id": broker.id}))

    for _ in range(2):  # the guard of the first round is the one of the second
        assert seen(household.ann.id, household.anns) == {Decimal(1)}
        assert seen(household.ann.id, household.bobs) == set()
        assert seen(household.bob.id, household.bobs) == {Decimal(10), Decimal(100)}
        assert seen(household.bob.id, household.anns) == set()
        assert seen(SYSTEM, household.bobs) == {Decimal(10), Decimal(100)}
    bare = sa.select(sa.table("orders", sa.column("quantity"))).execution_options(**tenancy.ASKED_AGAIN)
    for _ in range(2):
        with household.session(household.ann.id) as session, pytest.raises(TenantError):
            session.execute(bare)


READINGS: dict[str, tuple[Reading, Any]] = {
    "entities": (lambda s, h: [broker.name for broker in s.exec(select(Broker))], ["Ann"]),
    "columns": (lambda s, h: names(s, sa.select(col(Broker.name))), ["Ann"]),
    "a count": (lambda s, h: s.scalar(sa.select(sa.func.count(col(Order.id)))), 1),
    "a sum": (lambda s, h: s.scalar(sa.select(sa.func.sum(col(Order.quantity)))), Decimal(1)),
    "an alias": (lambda s, h: names(s, sa.select(alias.name)), ["Ann"]),
    "a subquery": (lambda s, h: names(s, sa.select(sa.select(col(Broker.name)).subquery().c.name)), ["Ann"]),
    "a scalar subquery": (lambda s, h: s.scalar(sa.select(sa.select(sa.func.count(col(Order.id))).scalar_subquery())), 1),
    "a CTE": (lambda s, h: names(s, sa.select(sa.select(col(Broker.name)).cte("c").c.name)), ["Ann"]),
    "EXISTS": (lambda s, h: s.execute(sa.select(col(User.name), sa.exists(bobs_broker))).all()[0][1], False),
    "IN": (lambda s, h: names(s, sa.select(col(User.name)).where(col(User.id).in_(sa.select(col(Broker.user_id))))), ["Ann"]),
    "UNION": (
        lambda s, h: sorted(names(s, sa.select(col(Broker.name)).union_all(sa.select(col(Broker.name))))),
        ["Ann"],
    ),
    "a join": (lambda s, h: names(s, sa.select(col(Broker.name)).join(Order, col(Order.broker_id) == col(Broker.id))), ["Ann"]),
    "an outer join": (
        lambda s, h: names(s, sa.select(col(Broker.name)).outerjoin(Order, col(Order.broker_id) == col(Broker.id))),
        ["Ann"],
    ),
    "an outer join from the household": (
        lambda s, h: names(s, sa.select(col(Broker.name)).select_from(User).outerjoin(Broker, sa.true())),
        ["Ann"],
    ),
    "an outer join from what nobody owns": (
        lambda s, h: s.execute(
            sa.select(nobodys.c.one, col(Broker.name)).select_from(nobodys).outerjoin(Broker, col(Broker.name) == "Bob")
        ).all(),
        [(1, None)],
    ),
    "a self join": (lambda s, h: names(s, sa.select(alias.name).join(Broker, sa.true())), ["Ann"]),
    "from_statement": (lambda s, h: [one.name for one in names(s, sa.select(Broker).from_statement(sa.select(Broker)))], ["Ann"]),
    "a model joined to any row": (
        lambda s, h: names(s, sa.select(col(Order.quantity)).select_from(Broker).join(Order, sa.true())),
        [Decimal(1)],
    ),
    "a count beside another model": (
        lambda s, h: s.execute(sa.select(col(User.name), sa.select(sa.func.count(col(Order.id))).scalar_subquery())).all(),
        [("Ann", 1)],
    ),
    "a model in ORDER BY alone": (
        lambda s, h: names(s, sa.select(col(User.name)).order_by(sa.select(sa.func.max(col(Broker.name))).scalar_subquery())),
        ["Ann"],
    ),
    "get": (lambda s, h: s.get(Broker, h.bobs.id), None),
    "the users": (lambda s, h: [user.name for user in s.exec(select(User))], ["Ann"]),
    "another user by id": (lambda s, h: s.get(User, h.bob.id), None),
    "FOR UPDATE": (lambda s, h: [broker.name for broker in s.exec(select(Broker).with_for_update(read=True))], ["Ann"]),
}


@pytest.mark.parametrize("form", READINGS)
def test_a_user_reads_nothing_of_another(household: Household, form: str) -> None:
    reading, expected = READINGS[form]
    with household.session(household.ann.id) as session:
        assert reading(session, household) == expected


@pytest.mark.parametrize("form", READINGS)
def test_it_is_the_guard_that_hides_the_other_user(household: Household, form: str) -> None:
    reading, expected = READINGS[form]
    with household.session(SYSTEM) as session:
        assert reading(session, household) != expected


def test_the_audit_shows_a_user_their_own_deeds(household: Household) -> None:
    with household.session(household.ann.id) as session:
        assert session.exec(select(AuditEntry.user_id)).all() == [household.ann.id]


def test_a_bulk_update_changes_ones_own_rows_only(household: Household) -> None:
    with household.session(household.ann.id) as session:
        assert session.exec(sa.update(Broker).values(quote="EUR")).rowcount == 1
        session.scope = SYSTEM
        assert dict(session.execute(sa.select(col(Broker.name), col(Broker.quote))).all()) == {"Ann": "EUR", "Bob": ""}


def test_a_bulk_delete_takes_ones_own_rows_only(household: Household) -> None:
    with household.session(household.ann.id) as session:
        assert session.exec(sa.delete(Order)).rowcount == 1
        session.scope = SYSTEM
        assert session.scalar(sa.select(sa.func.count(col(Order.id)))) == 2


def _move_to(broker: Broker, owner: uuid.UUID) -> Callable[[GuardedSession, Household], Any]:
    def move(session: GuardedSession, _household: Household) -> None:
        row = session.get_one(Broker, broker.id)
        row.user_id = owner

    return move


def _brokers() -> Any:
    return sa.inspect(Broker).local_table


bare_brokers = sa.table("brokers", sa.column("id"), sa.column("name"))

ESCAPES: dict[str, Callable[[GuardedSession, Household], Any]] = {
    "text": lambda s, h: s.execute(sa.text("SELECT name FROM brokers")),
    "text inside a statement on models": lambda s, h: s.execute(sa.select(Broker).where(sa.text("1 = 1"))),
    "text as the source of a model": lambda s, h: s.execute(
        sa.select(Broker).from_statement(sa.text("SELECT id FROM brokers").columns(_brokers().c.id))
    ),
    "a table": lambda s, h: s.execute(sa.select(_brokers())),
    "a table's column": lambda s, h: s.execute(sa.select(_brokers().c.name)),
    "a table joined to a model": lambda s, h: s.execute(
        sa.select(Order).join(_brokers(), _brokers().c.id == col(Order.broker_id))
    ),
    "a table in a subquery of a model": lambda s, h: s.execute(
        sa.select(Order).where(col(Order.broker_id).in_(sa.select(_brokers().c.id)))
    ),
    "an alias of a table beside a model": lambda s, h: s.execute(sa.select(User, _brokers().alias("b").c.name)),
    "the table of the users": lambda s, h: s.execute(sa.select(col(Order.id), sa.inspect(User).local_table.c.password_hash)),
    "a table hidden behind its own model": lambda s, h: s.execute(
        sa.select(Broker).where(col(Broker.id).in_(sa.select(Broker).where(sa.exists(sa.select(1).select_from(_brokers())))))
    ),
    "the bare connection": lambda s, h: s.connection(),
    "a lightweight table": lambda s, h: s.execute(sa.select(bare_brokers.c.name)),
    "insert": lambda s, h: s.execute(sa.insert(Broker).values(user_id=h.bob.id, name="x")),
    "insert from select": lambda s, h: s.execute(sa.insert(Broker).from_select(["name"], sa.select(col(Broker.name)))),
    "an update by a list of keys": lambda s, h: s.execute(sa.update(Broker), [{"id": h.bobs.id, "name": "x"}]),
    "an update of the owner": lambda s, h: s.execute(sa.update(Broker).values(user_id=h.bob.id)),
    "an update of the owner by an expression": lambda s, h: s.execute(
        sa.update(Broker).values({col(Broker.user_id): col(Broker.id)})
    ),
    "an update of a table": lambda s, h: s.execute(sa.update(_brokers()).values(name="x")),
    "an update of what is everybody's": lambda s, h: s.execute(sa.update(InstrumentRow).values(quote="x")),
    "a deletion of what is everybody's": lambda s, h: s.execute(sa.delete(InstrumentRow)),
    "bulk_save_objects": lambda s, h: s.bulk_save_objects([h.bobs]),
    "bulk_insert_mappings": lambda s, h: s.bulk_insert_mappings(Broker, [{"name": "x"}]),
    "bulk_update_mappings": lambda s, h: s.bulk_update_mappings(Broker, [{"id": h.bobs.id, "name": "x"}]),
    "adding for another": lambda s, h: s.add(a_broker(h.bob)),
    "giving away": lambda s, h: _move_to(h.anns, h.bob.id)(s, h),
    "deleting another's object": lambda s, h: s.delete(s.merge(h.bobs, load=False)),
    "changing another's object": lambda s, h: setattr(s.merge(h.bobs, load=False), "name", "x"),
    "merging another's object": lambda s, h: s.merge(a_broker(h.bob, id=h.bobs.id)),
    "creating a user": lambda s, h: s.add(a_user()),
    "writing what is everybody's": lambda s, h: s.add(HeartbeatStatus(exchange="binance")),
    "insert_once for another": lambda s, h: insert_once(s, Order, an_order(h.bobs).model_dump(), ["id"]),
    "insert_once of a user": lambda s, h: insert_once(s, User, a_user().model_dump(), ["id"]),
    "insert_many_once": lambda s, h: tenancy.insert_many_once(s, InstrumentRow, [{}], ["symbol"]),
}


@pytest.mark.parametrize("form", ESCAPES)
def test_what_cannot_be_guarded_is_refused(household: Household, form: str) -> None:
    def attempt(session: GuardedSession) -> None:
        ESCAPES[form](session, household)
        session.flush()

    with household.session(household.ann.id) as session, pytest.raises(TenantError):
        attempt(session)


@pytest.mark.parametrize("scope", ["system", None, 1, "00000000-0000-0000-0000-000000000000", b""])
def test_a_session_for_nobody_is_refused(scope: Any) -> None:
    with pytest.raises(TenantError):
        GuardedSession(sa.create_engine("sqlite://"), scope=scope)


def test_a_stranger_reads_nothing(household: Household) -> None:
    with household.session(uuid.uuid4()) as session:
        assert session.exec(select(Broker)).all() == []


def test_a_new_row_belongs_to_whoever_adds_it(household: Household) -> None:
    row = a_broker(household.ann)
    del row.user_id
    with household.session(household.ann.id) as session:
        session.add(row)
        session.flush()
    assert row.user_id == household.ann.id


def test_a_row_without_an_owner_is_refused_even_from_the_services(household: Household) -> None:
    row = a_broker(household.ann)
    del row.user_id
    with household.session(SYSTEM) as session:
        session.add(row)
        with pytest.raises(TenantError):
            session.flush()


def _all_on_bobs_broker(household: Household) -> dict[str, Any]:
    mixed = Broker(id=household.bobs.id, user_id=household.ann.id, exchange="binance", name="x", created_at=MIDNIGHT)
    token = WebhookToken(
        user_id=household.ann.id, broker_id=household.bobs.id, token_hash="h", last_four="abcd", created_at=MIDNIGHT
    )
    return {
        "a webhook": a_webhook(mixed),
        "an order": an_order(mixed),
        "a position": a_position(mixed),
        "a webhook state": a_webhook_state(mixed),
        "a webhook token": token,
        "a fill of another's order": a_fill_row(household.bobs_order, user_id=household.ann.id, broker_id=household.anns.id),
        "an order of another's position": an_order(household.anns, position_id=household.bobs.id),
    }


def _commit(session: GuardedSession) -> None:
    with in_our_words():
        session.commit()


REFERENCES = [
    "a webhook",
    "an order",
    "a position",
    "a webhook state",
    "a webhook token",
    "a fill of another's order",
    "an order of another's position",
]


@pytest.mark.parametrize("what", REFERENCES)
@pytest.mark.parametrize("through", ["the user", "the services"])
def test_the_database_itself_refuses_a_reference_to_another_users_row(household: Household, what: str, through: str) -> None:
    scope = household.ann.id if through == "the user" else SYSTEM
    with household.session(scope) as session:
        session.add(_all_on_bobs_broker(household)[what])
        with pytest.raises(Conflict) as caught:
            _commit(session)
    assert caught.value.code == "broken_reference"


def test_every_table_with_an_owner_is_guarded() -> None:
    tables = {table.name for table in all_tables() if "user_id" in table.c}
    guarded = {model.__tablename__ for model in tenancy.guarded_classes()}
    assert tables | {"users"} == guarded


def test_no_file_of_tables_is_forgotten() -> None:
    files = {path.stem for path in Path(whole.__file__).parent.glob("*.py") if "table=True" in path.read_text(encoding="utf-8")}
    assert {half.__name__.rpartition(".")[2] for half in whole.HALVES} == files
