"""Money in the memory: exact on both databases, in order, summed without a cent lost, refused where it would be rounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aristobot.errors import DataError
from aristobot.store.database import HouseConnection, make_engine
from aristobot.store.types import Amount, ExactSum, amount_text, decode_amount, encode_amount, storable

LARGEST = Decimal("9" * 20 + "." + "9" * 18)
SMALLEST = Decimal("1E-18")
WIDE = Context(prec=200)
DIALECTS = [sa.make_url(f"{name}://").get_dialect()() for name in ("sqlite", "postgresql+psycopg")]

units = st.one_of(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-(10**20), 10**20), st.integers(-20, 20))
amounts = units.map(lambda count: Decimal(count).scaleb(-18, WIDE))
amount_lists = st.lists(amounts, min_size=1, max_size=12)
refused = st.one_of(
    st.floats(),
    st.booleans(),
    st.text(max_size=5),
    st.sampled_from([Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")]),
    st.decimals(min_value=Decimal(10) ** 20, max_value=Decimal(10) ** 30, allow_nan=False, places=2),
    st.integers(min_value=1, max_value=9).map(lambda digit: Decimal(digit).scaleb(-19)),
    st.integers(min_value=10**20, max_value=10**40),
)

metadata = sa.MetaData()
amount_table = sa.Table("amounts", metadata, sa.Column("place", sa.Integer, primary_key=True), sa.Column("value", Amount))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Connection]:
    """One connection for many examples: each takes its rows back."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('amounts') / 'amounts.db'}")
    else:
        server: sa.Engine = request.getfixturevalue("postgres_server")
        engine = make_engine(server.url)
    with engine.connect() as opened:
        amount_table.create(opened)
        yield opened
        opened.rollback()
    engine.dispose()


many_examples = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stored(connection: sa.Connection, values: list[Decimal]) -> None:
    connection.execute(sa.delete(amount_table))
    rows = [{"place": place, "value": value} for place, value in enumerate(values)]
    connection.execute(sa.insert(amount_table), rows)


def exactly(values: list[Decimal]) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = WIDE.add(total, value)
    return total


@given(values=amount_lists)
@example(values=[LARGEST, LARGEST.copy_negate(), SMALLEST, -SMALLEST, Decimal(0), Decimal("-0.0")])
@many_examples
def test_what_is_stored_comes_back_as_the_same_number(connection: sa.Connection, values: list[Decimal]) -> None:
    stored(connection, values)
    found = connection.scalars(sa.select(amount_table.c.value).order_by(amount_table.c.place)).all()
    assert found == values


@given(values=amount_lists)
@example(values=[Decimal(-2), Decimal(-1), Decimal(0), Decimal("-0.5"), Decimal(10), Decimal(9)])
@many_examples
def test_the_database_orders_amounts_as_numbers(connection: sa.Connection, values: list[Decimal]) -> None:
    stored(connection, values)
    value = amount_table.c.value
    assert connection.scalars(sa.select(value).order_by(value)).all() == sorted(values)
    assert connection.execute(sa.select(sa.func.min(value), sa.func.max(value))).one() == (min(values), max(values))


@given(values=amount_lists, bound=amounts)
@many_examples
def test_the_database_compares_amounts_as_numbers(connection: sa.Connection, values: list[Decimal], bound: Decimal) -> None:
    stored(connection, values)
    value = amount_table.c.value
    below = connection.scalars(sa.select(value).where(value < bound)).all()
    between = connection.scalars(sa.select(value).where(value.between(min(values), bound))).all()
    assert sorted(below) == sorted(one for one in values if one < bound)
    assert sorted(between) == sorted(one for one in values if one <= bound)


@given(values=amount_lists)
@example(values=[LARGEST] * 12)
@many_examples
def test_a_sum_is_exact_to_the_last_decimal(connection: sa.Connection, values: list[Decimal]) -> None:
    stored(connection, values)
    assert connection.scalar(sa.select(sa.func.sum(amount_table.c.value))) == exactly(values)


@given(values=amount_lists)
@many_examples
def test_a_running_sum_is_exact_in_every_row(connection: sa.Connection, values: list[Decimal]) -> None:
    stored(connection, values)
    value, place = amount_table.c.value, amount_table.c.place
    running = sa.func.sum(value).over(order_by=place)
    sliding = sa.func.sum(value).over(order_by=place, rows=(-1, 0))
    rows = connection.execute(sa.select(running, sliding).order_by(place)).all()
    assert [row[0] for row in rows] == [exactly(values[: end + 1]) for end in range(len(values))]
    assert [row[1] for row in rows] == [exactly(values[max(0, end - 1) : end + 1]) for end in range(len(values))]


def test_the_sum_of_nothing_is_nothing(connection: sa.Connection) -> None:
    connection.execute(sa.delete(amount_table))
    connection.execute(sa.insert(amount_table), [{"place": 1, "value": None}])
    assert connection.scalar(sa.select(sa.func.sum(amount_table.c.value))) is None
    assert connection.scalar(sa.select(sa.func.sum(amount_table.c.place))) == 1


@given(value=refused)
@settings(max_examples=150, deadline=None)
def test_both_databases_refuse_the_same_values_in_the_same_words(value: object) -> None:
    answers = set()
    for dialect in DIALECTS:
        with pytest.raises(DataError) as caught:
            Amount().process_bind_param(value, dialect)
        answers.add(str(caught.value))
    assert len(answers) == 1


@given(value=amounts)
@settings(max_examples=300, deadline=None)
def test_encoding_is_undone_by_decoding_and_has_one_width(value: Decimal) -> None:
    text = encode_amount(storable(value))
    assert decode_amount(text) == value
    assert len(text.removeprefix("-")) == 39


@given(value=st.one_of(amounts, refused, st.integers(-9, 9), st.sampled_from([Decimal("-0"), Decimal("1.50"), Decimal("2E+3")])))
@settings(max_examples=300, deadline=None)
def test_the_short_way_into_a_prepared_statement_writes_and_refuses_the_same(value: object) -> None:
    def told(encoded: Callable[[object], Any]) -> str:
        try:
            return str(encoded(value))
        except DataError as error:
            return f"{error} {error.facts}"

    assert told(amount_text) == told(lambda one: Amount().process_bind_param(one, DIALECTS[0]))


@given(first=amounts, second=amounts)
@settings(max_examples=300, deadline=None)
def test_the_order_of_the_texts_is_the_order_of_the_numbers(first: Decimal, second: Decimal) -> None:
    texts = encode_amount(storable(first)).encode(), encode_amount(storable(second)).encode()
    assert (texts[0] < texts[1]) == (first < second)
    assert (texts[0] == texts[1]) == (first == second)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.5, "amount_not_exact"),
        (True, "amount_not_exact"),
        ("1.5", "amount_not_exact"),
        (Decimal("NaN"), "amount_not_finite"),
        (Decimal("Infinity"), "amount_not_finite"),
        (Decimal("1E20"), "amount_too_large"),
        (-(10**20), "amount_too_large"),
        (Decimal("0.0000000000000000001"), "amount_too_fine"),
    ],
)
def test_a_value_that_could_not_come_back_is_refused_by_its_own_name(value: object, code: str) -> None:
    with pytest.raises(DataError) as caught:
        storable(value)
    assert caught.value.code == code


def test_zeros_beyond_the_eighteenth_decimal_are_no_decimals() -> None:
    assert storable(Decimal("1.5" + "0" * 30)) == Decimal("1.5")
    assert str(storable(Decimal("-0.000"))) == "0E-18"


@pytest.mark.parametrize("name", ["avg", "abs", "round", "total"])
def test_functions_that_would_calculate_with_floats_are_refused(name: str) -> None:
    statement = sa.select(getattr(sa.func, name)(amount_table.c.value))
    for dialect in DIALECTS:
        with pytest.raises(TypeError, match=name):
            statement.compile(dialect=dialect)


def test_arithmetic_in_sql_is_refused() -> None:
    value = amount_table.c.value
    calculations: list[Callable[[], Any]] = [
        lambda: value + 1,
        lambda: value * 2,
        lambda: 2 - value,
        lambda: -value,
        lambda: value / value,
    ]
    calculations += [lambda: value % 2, lambda: value.like("1%")]
    for calculate in calculations:
        with pytest.raises(TypeError, match="calculate with Decimal"):
            calculate()


def test_a_float_that_comes_out_of_the_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "float.db")) as plain:
        average = plain.execute("SELECT avg(column1) FROM (VALUES ('1.0'), ('2.0'))").fetchone()[0]
    with pytest.raises(DataError):
        Amount().process_result_value(average, DIALECTS[0])


def test_a_check_on_an_amount_really_checks(tmp_path: Path) -> None:
    positive = sa.CheckConstraint(sa.column("value", Amount) > sa.literal(0, Amount))
    checked = sa.Table("checked", sa.MetaData(), sa.Column("value", Amount), positive)
    engine = make_engine(f"sqlite:///{tmp_path / 'check.db'}")
    with engine.begin() as connection:
        checked.create(connection)
        connection.execute(sa.insert(checked).values(value=Decimal("0.1")))
        with pytest.raises(sa.exc.IntegrityError):
            connection.execute(sa.insert(checked).values(value=Decimal("-0.1")))
    engine.dispose()


def test_comparisons_use_the_index(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "index.db", factory=HouseConnection)) as connection:
        connection.execute("CREATE TABLE prices (value TEXT)")
        connection.execute("CREATE INDEX by_value ON prices (value)")
        question = "EXPLAIN QUERY PLAN SELECT * FROM prices WHERE value < ?"
        plan = connection.execute(question, [encode_amount(Decimal(5))]).fetchone()
    assert "USING COVERING INDEX by_value" in plan[3]


def test_a_sum_whose_window_empties_is_nothing_again() -> None:
    running = ExactSum()
    running.step(encode_amount(storable(Decimal(7))))
    running.inverse(encode_amount(storable(Decimal(7))))
    assert running.value() is None
