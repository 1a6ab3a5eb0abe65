"""The error tree: each error carries a code and facts, and keeps them on every way."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from aristobot import errors
from aristobot.errors import AristobotError, InvalidInput, OutcomeUnknown, RateLimited, Refused, TryAgain

EVERY_ERROR = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, AristobotError)]


def an_error(kind: type[AristobotError]) -> AristobotError:
    return kind("some_code", field="price", limit=3)


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_an_error_comes_through_a_pipe_and_a_copy_as_it_was(kind: type[AristobotError]) -> None:
    error = an_error(kind)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 # our own bytes
        assert type(again) is kind
        assert (again.code, again.facts, str(again)) == (error.code, error.facts, str(error))


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_an_error_says_its_code_and_facts_in_the_logs(kind: type[AristobotError]) -> None:
    assert str(an_error(kind)).startswith("some_code (")
    assert "limit=3" in str(an_error(kind))


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [kind.default_code for kind in EVERY_ERROR]
    assert len(codes) == len(set(codes))


def test_whether_an_order_may_have_been_taken_is_never_in_doubt() -> None:
    for kind in EVERY_ERROR:
        assert sum(issubclass(kind, family) for family in (TryAgain, Refused, OutcomeUnknown)) <= 1


def test_a_pause_and_a_field_can_be_read_directly() -> None:
    assert RateLimited(retry_after=7.5).retry_after == 7.5
    assert RateLimited().facts["retry_after"] == 1.0
    assert InvalidInput(field="price").field == "price"
