"""`/api/strategies/`: what a user writes, every saved text of it, and what the checks say of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aristobot.diagnostics import Diagnostic, Severity
from aristobot.errors import NotFound
from aristobot.language import explain
from aristobot.store.strategy_tables import StrategyRow, StrategyVersion
from aristobot.strategy_checks import LONGEST_TEXT
from aristobot.templates import template
from services.api.auth import House, Reader, Trader
from services.api.exact import ExactRoute
from services.api.paging import Listed, Page, made
from services.api.values import Facts, In, Moment, Out

router = APIRouter(prefix="/api/strategies", tags=["strategies"], route_class=ExactRoute)

Id = Annotated[uuid.UUID, Path()]
Number = Annotated[int, Path(ge=1, le=2_000_000_000)]
Code = Annotated[str, Field(max_length=LONGEST_TEXT, description="the whole .py text")]


class DiagnosticOut(Out):
    """One finding. Lines count from 1, columns from 0 in characters; the end lies behind the last character."""

    line: int
    column: int
    end_line: int
    end_column: int
    severity: Severity
    code: str
    facts: Facts
    message: str


class ReviewOut(Out):
    """What the checks and the trial run found. `isolation` is how far it was walled in; null when it was not run."""

    sound: bool
    diagnostics: list[DiagnosticOut]
    described: dict[str, Any] | None
    printed: str
    isolation: dict[str, Any] | None


class VersionOut(Out):
    """A saved text, without the text."""

    id: uuid.UUID
    number: int
    hash: str
    note: str
    created_at: Moment
    reviewed_at: Moment | None
    sound: bool | None


class FullVersionOut(VersionOut):
    """A saved text."""

    code: str
    review: ReviewOut | None


class StrategyOut(Out):
    """A strategy; `versions` is the number of its newest version, `has_draft` whether something typed is not saved."""

    id: uuid.UUID
    name: str
    versions: int
    has_draft: bool
    archived: bool
    created_at: Moment
    updated_at: Moment


class StrategyIn(In):
    """A strategy to be: its code, or the name of a template to begin with."""

    name: str
    code: Code | None = None
    template: Annotated[str | None, Field(max_length=64)] = None
    note: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.code is None) == (self.template is None):
            raise PydanticCustomError("invalid_value", "either code or template")
        return self


class StrategyChange(In):
    """What may change of a strategy."""

    name: str | None = None
    archived: bool | None = None


class VersionIn(In):
    """A text to be saved. `based_on` guards against overwriting what was saved elsewhere; `trial` runs it at once."""

    code: Code
    note: str = ""
    based_on: int | None = None
    trial: bool = True


class TextIn(In):
    """A text to look over; with `trial` it is also run over 300 candles behind its walls."""

    code: Code
    trial: bool = False


class DraftIn(In):
    """What is typed and not saved, and the version that it changes."""

    code: Code
    of: Number


class DraftOut(Out):
    """What was typed and not saved: of which version, and when."""

    code: str
    of: int
    at: Moment


@router.get("/")
async def strategies(house: House, who: Reader, listed: Listed, archived: bool = False) -> Page[StrategyOut]:
    """The user's strategies by name: those that live, or those in the archive."""
    rows, more = listed.part(await house.strategies.mine(who.user_id, archived=archived), lambda one: made(one.row))
    return Page[StrategyOut](items=[_strategy(one.row, one.versions) for one in rows], next=more)


@router.post("/", status_code=201)
async def add_strategy(house: House, who: Trader, form: StrategyIn) -> StrategyOut:
    """A new strategy with its first version."""
    code = form.code if form.code is not None else template(form.template or "").text
    return _strategy(await house.strategies.create(who.user_id, form.name, code, form.note), 1)


@router.post("/validate/")
async def validate(house: House, who: Trader, form: TextIn) -> ReviewOut:
    """What there is to say of a text. Nothing is kept."""
    if form.trial:
        return _review((await house.strategies.trials.try_out(who.user_id, form.code)).document(), who.language)
    found = await house.strategies.trials.look_over(form.code)
    sound = not any(one.severity is Severity.ERROR for one in found)
    listed = list(_diagnostics(found, who.language))
    return ReviewOut(sound=sound, diagnostics=listed, described=None, printed="", isolation=None)


@router.get("/{strategy_id}/")
async def strategy(house: House, who: Reader, strategy_id: Id) -> StrategyOut:
    """One strategy."""
    return await _current(house, who.user_id, strategy_id)


@router.patch("/{strategy_id}/")
async def change_strategy(house: House, who: Trader, strategy_id: Id, form: StrategyChange) -> StrategyOut:
    """Rename it, put it into the archive, or take it back."""
    if form.archived is False:
        await house.strategies.restore(who.user_id, strategy_id)
    if form.name is not None:
        await house.strategies.rename(who.user_id, strategy_id, form.name)
    if form.archived:
        await house.strategies.archive(who.user_id, strategy_id)
    return await _current(house, who.user_id, strategy_id)


@router.delete("/{strategy_id}/", status_code=204)
async def remove_strategy(house: House, who: Trader, strategy_id: Id) -> None:
    """Put it into the archive: its versions stay for the runs that pin them."""
    await house.strategies.archive(who.user_id, strategy_id)


@router.get("/{strategy_id}/versions/")
async def versions(house: House, who: Reader, strategy_id: Id) -> Page[VersionOut]:
    """Every saved text of it, the newest first, without the texts."""
    rows = await house.strategies.versions(who.user_id, strategy_id)
    return Page[VersionOut](items=[VersionOut(**_summary(row)) for row in rows])


@router.post("/{strategy_id}/versions/", status_code=201)
async def save_version(house: House, who: Trader, strategy_id: Id, form: VersionIn) -> FullVersionOut:
    """Save a text as the next version; the newest one answers when nothing differs."""
    desk = house.strategies
    row = await desk.save(who.user_id, strategy_id, form.code, note=form.note, based_on=form.based_on)
    if form.trial and row.review is None:
        await desk.trials.try_version(who.user_id, row)
        row = await desk.version(who.user_id, strategy_id, row.number)
    return _full(row, who.language)


@router.get("/{strategy_id}/versions/{number}/")
async def version(house: House, who: Reader, strategy_id: Id, number: Number) -> FullVersionOut:
    """One saved text of it."""
    return _full(await house.strategies.version(who.user_id, strategy_id, number), who.language)


@router.get("/{strategy_id}/draft/")
async def draft(house: House, who: Reader, strategy_id: Id) -> DraftOut:
    """What the editor holds of it that no version does."""
    row = await house.strategies.get(who.user_id, strategy_id)
    if row.draft is None or row.draft_at is None:
        raise NotFound(kind="draft")
    return DraftOut(code=row.draft, of=row.draft_of, at=row.draft_at)


@router.put("/{strategy_id}/draft/")
async def keep_draft(house: House, who: Trader, strategy_id: Id, form: DraftIn) -> DraftOut:
    """Keep a text without saving it: the editor opens with it."""
    await house.strategies.version(who.user_id, strategy_id, form.of)
    await house.strategies.keep_draft(who.user_id, strategy_id, form.code, form.of)
    return await draft(house, who, strategy_id)


@router.delete("/{strategy_id}/draft/", status_code=204)
async def drop_draft(house: House, who: Trader, strategy_id: Id) -> None:
    """Forget what was not saved."""
    await house.strategies.drop_draft(who.user_id, strategy_id)


async def _current(house: House, user_id: uuid.UUID, strategy_id: uuid.UUID) -> StrategyOut:
    row = await house.strategies.get(user_id, strategy_id)
    saved = await house.strategies.versions(user_id, strategy_id)
    return _strategy(row, saved[0].number if saved else 0)


def _strategy(row: StrategyRow, newest: int) -> StrategyOut:
    return StrategyOut(
        id=row.id,
        name=row.name,
        versions=newest,
        has_draft=row.draft is not None,
        archived=row.archived_at is not None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _summary(row: StrategyVersion) -> dict[str, Any]:
    names = ("id", "number", "hash", "note", "created_at", "reviewed_at")
    return {**{name: getattr(row, name) for name in names}, "sound": None if row.review is None else row.review["sound"]}


def _full(row: StrategyVersion, language: str) -> FullVersionOut:
    review = None if row.review is None else _review(row.review, language)
    return FullVersionOut(**_summary(row), code=row.code, review=review)


def _review(document: Mapping[str, Any], language: str) -> ReviewOut:
    found = [{**one, "message": explain(one["code"], one["facts"], language)} for one in document["diagnostics"]]
    return ReviewOut.model_validate({**document, "diagnostics": found})


def _diagnostics(found: Iterable[Diagnostic], language: str) -> Iterable[DiagnosticOut]:
    for one in found:
        place = {"line": one.line, "column": one.column, "end_line": one.end_line, "end_column": one.end_column}
        words = explain(one.code, one.facts, language)
        yield DiagnosticOut(**place, severity=one.severity, code=one.code, facts=dict(one.facts), message=words)
