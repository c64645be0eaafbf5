"""Errors as RFC 9457 problem details; the one place where an error's kind becomes an HTTP status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from antiphon.foundation import errors
from antiphon.foundation.http.body import field_of
from antiphon.foundation.telemetry import get_logger
from antiphon.foundation.words import TAGS, Language, detail_in, language_of, rule_in, sentence_in

log = get_logger(__name__)

STATUS: dict[type[errors.AntiphonError], int] = {
    errors.Invalid: 400,
    errors.NotAuthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.TooMany: 429,
    errors.Overloaded: 503,
    errors.Unavailable: 503,
}

CODES = {400: "invalid", 401: "not-authenticated", 403: "forbidden", 404: "not-found", 405: "method-not-allowed"}
CODES |= {413: "too-large", 415: "unsupported-media-type", 429: "too-many"}


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One rule broken by one field."""

    field: str | None
    rule: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457). `code` is stable; `field` is the path of the field at fault."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    errors: list[Breach] = []
    request_id: str | None = None


def status_of(error: errors.AntiphonError) -> int:
    """The HTTP status of `error`, by the nearest kind it derives from."""
    for cls in type(error).__mro__:
        if (status := STATUS.get(cls)) is not None:
            return status
    return 500


def problem(status: int, code: str, detail: str, **rest: Any) -> Problem:
    """A problem whose title is the phrase of its status."""
    return Problem(
        type="about:blank", title=HTTPStatus(status).phrase, status=status, code=code, detail=detail, **rest
    )


def _validation(error: ValidationException, language: Language) -> Problem:
    breaches = []
    for item in error.extra if isinstance(error.extra, list) else []:
        if not isinstance(item, dict):
            continue
        rule, _ = field_of(str(item.get("message", "")))
        if (item.get("key"), rule) == ("data", "'data'"):  # what a handler calls the body, and there is none
            return problem(400, "malformed-body", sentence_in(language, "malformed-body") or "The body is not valid JSON.")
        breaches.append(Breach(field=item.get("key"), rule=rule_in(language, rule) or rule))
    if not breaches:
        return problem(400, "invalid", detail_in(language, "invalid", error.detail, {}, quoted=True))
    first = breaches[0]
    detail = f"{first.field}: {first.rule}" if first.field else first.rule
    return problem(400, "invalid", detail, field=first.field, errors=breaches)


def _ours(code: str, language: Language) -> Problem:
    """A failure whose inside is nobody's business."""
    return problem(500, code, sentence_in(language, "internal") or "Something went wrong on our side.")


def describe(error: Exception, language: Language = "en") -> tuple[Problem, dict[str, str]]:
    """The problem and the response headers of any exception; an unknown one shows nothing of its inside."""
    headers: dict[str, str] = {}
    if isinstance(error, errors.AntiphonError):
        status = status_of(error)
        if status == 500:
            return _ours(error.code, language), headers
        retry_after = getattr(error, "retry_after", None)
        if status in (429, 503):
            headers["retry-after"] = str(max(1, round(retry_after or 1)))
        if status == 401:
            headers["www-authenticate"] = 'Bearer realm="antiphon"'
        detail = detail_in(language, error.code, str(error), error.facts, quoted=error.quoted)
        return problem(status, error.code, detail, field=error.field), headers
    if isinstance(error, ValidationException):
        return _validation(error, language), headers
    if isinstance(error, SerializationException):
        code = "malformed-body"
        return problem(400, code, detail_in(language, code, error.detail, {}, quoted=True)), headers
    if isinstance(error, HTTPException) and error.status_code < 500:
        headers |= {key.lower(): value for key, value in (error.headers or {}).items()}
        status = error.status_code
        code, detail = CODES.get(status, "refused"), error.detail or HTTPStatus(status).phrase
        return problem(status, code, sentence_in(language, code) or detail), headers
    return _ours("internal", language), headers


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Litestar's exception handler: every error of every route leaves through here, in the language that was asked for."""
    language = language_of(request.headers.get("accept-language"))
    body, headers = describe(error, language)
    headers |= {"content-language": TAGS[language], "vary": "accept-language"}
    if body.status >= 500 and body.code == "internal":
        log.error("request failed", method=request.method, path=request.scope["path"], exc_info=error)
    body = msgspec.structs.replace(body, request_id=request.scope.get("antiphon_request_id"))
    if body.status == 413:
        headers["connection"] = "close"
    return Response(body, status_code=body.status, media_type="application/problem+json", headers=headers)
