"""Errors as answers: one shape, the user's language, the field and the cure; never a stack trace, never a value of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse

from aristobot.errors import (
    AccessDenied,
    AristobotError,
    Conflict,
    DataError,
    ExchangeError,
    InstanceRunning,
    InvalidInput,
    NotFound,
    NotSignedIn,
    RateLimited,
    RiskRefused,
    StoreError,
    TryAgain,
    UnknownOrder,
    UnknownSymbol,
)
from aristobot.language import explain
from aristobot.logs import current_trace_id
from services.ai_fault import AiFault
from services.api.envelope import LARGEST_BODY
from services.api.values import Facts, Out
from services.notifiers.channel import ChannelFault

#: The first class that fits decides.
_STATUS: Sequence[tuple[type[AristobotError], int]] = (
    (NotSignedIn, 401),
    (AccessDenied, 403),
    (NotFound, 404),
    (InvalidInput, 422),
    (DataError, 422),
    (Conflict, 409),
    (RiskRefused, 409),
    (UnknownSymbol, 422),
    (UnknownOrder, 404),
    (RateLimited, 429),
    (TryAgain, 503),
    (ExchangeError, 409),
    (ChannelFault, 409),
    (AiFault, 409),
    (StoreError, 503),
    (InstanceRunning, 503),
)

#: What pydantic calls a fault → our code, and the facts that our words need.
_FAULTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "missing": ("missing", {}),
    "extra_forbidden": ("unknown_field", {}),
    "enum": ("unknown_choice", {"choices": "expected"}),
    "literal_error": ("unknown_choice", {"choices": "expected"}),
    "not_a_number": ("not_a_number", {"value": "value"}),
    "amount_out_of_range": ("amount_out_of_range", {"digits": "digits", "places": "places"}),
    "unprintable": ("unprintable", {}),
    "string_too_long": ("too_long", {"maximum": "max_length"}),
    "string_too_short": ("missing", {}),
    "string_pattern_mismatch": ("invalid_value", {}),
    "greater_than_equal": ("too_small", {"minimum": "ge"}),
    "less_than_equal": ("too_large", {"maximum": "le"}),
    "json_invalid": ("bad_json", {}),
}
_FAMILIES = {
    "int": "not_whole",
    "bool": "not_a_flag",
    "uuid": "not_an_id",
    "datetime": "not_a_time",
    "timezone": "not_a_time",
    "string": "not_text",
    "model": "not_an_object",
    "dict": "not_an_object",
    "list": "not_a_list",
}


class Failure(Out):
    """Why a request was not done. `field` names what to change; `facts` hold the numbers of the message."""

    code: str
    message: str
    trace_id: str
    field: str | None = None
    facts: Facts = Field(default_factory=dict)


class FailureAnswer(Out):
    """The body of every answer that is not a success."""

    error: Failure


def answer_to(error: AristobotError, language: str, **more: object) -> JSONResponse:
    """The answer for an error of the house; `more` stands beside `error` in the body."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    headers: dict[str, str] = {}
    retry_after = error.facts.get("retry_after")
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, round(float(str(retry_after)))))
        status = 429 if status == 403 else status
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    field = error.facts.get("field")
    failure = Failure(
        code=error.code.removeprefix("reason.").removeprefix("error."),
        message=explain(error, language=language),
        trace_id=current_trace_id(),
        field=str(field) if field else None,
        facts={name: value for name, value in error.facts.items() if name != "field"},
    )
    return JSONResponse({"error": failure.model_dump(mode="json"), **more}, status, headers)


def language_of(connection: HTTPConnection) -> str:
    """The user's language once they are known, else what the request prefers, else the house's."""
    known = getattr(connection.state, "language", "")
    if known:
        return str(known)
    preferred = connection.headers.get("accept-language", "")[:2].lower()
    return preferred if preferred in ("fr", "en") else str(connection.state.house.settings.language)


def install(api: FastAPI) -> None:
    """Teach the application to answer errors in our shape."""

    @api.exception_handler(AristobotError)
    async def of_the_house(request: Request, error: AristobotError) -> JSONResponse:
        return answer_to(error, language_of(request))

    @api.exception_handler(RequestValidationError)
    async def of_the_form(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer_to(fault_of(error.errors()), language_of(request))

    @api.exception_handler(HTTPException)
    async def of_the_protocol(request: Request, error: HTTPException) -> JSONResponse:
        return protocol_answer(error, language_of(request))

    @api.exception_handler(Exception)
    async def of_our_own(request: Request, _: Exception) -> JSONResponse:
        failure = Failure(code="internal", message=explain("internal", {}, language_of(request)), trace_id=current_trace_id())
        return JSONResponse({"error": failure.model_dump(mode="json")}, 500)  # the envelope writes it down


def fault_of(faults: Sequence[Mapping[str, Any]]) -> AristobotError:
    """The first fault of a request, in our words. An id in the path that cannot be one is simply not found."""
    first = faults[0]
    place, kind = [str(part) for part in first["loc"]], str(first["type"])
    if place[0] == "path":
        return NotFound()
    field = ".".join(place[1:]) or place[0]
    if kind in _FAULTS:
        code, names = _FAULTS[kind]
        facts = {name: first.get("ctx", {}).get(key, "") for name, key in names.items()}
        if "choices" in facts:  # pydantic writes an English list: 'a', 'b' or 'c'
            facts["choices"] = ", ".join(re.findall(r"'([^']*)'", str(facts["choices"])))
        return InvalidInput(code, field="body" if code == "bad_json" else field, **facts)
    code = _FAMILIES.get(kind.partition("_")[0], "invalid_value")
    return InvalidInput("body_not_json" if (code, field) == ("not_an_object", "body") else code, field=field)


def protocol_answer(error: HTTPException, language: str) -> JSONResponse:
    """The answer for what the web server itself refuses: no such path, wrong method, unreadable body."""
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code, "bad_request")
    failure = Failure(code=code, message=explain(code, {"maximum": LARGEST_BODY // 1024}, language), trace_id=current_trace_id())
    body = jsonable_encoder({"error": failure.model_dump(mode="json")})
    return JSONResponse(body, error.status_code, dict(error.headers or {}))
