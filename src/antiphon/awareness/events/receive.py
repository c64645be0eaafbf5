"""The Segment HTTP surface as plain ASGI: parse, check, append, answer. 200 means durable."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send
from prometheus_client import Counter

from antiphon.awareness.events.calls import (
    LARGEST_BATCH,
    LARGEST_EVENT,
    Call,
    Refused,
    Scalar,
    identities_of,
    parse_instant,
    storable,
    understand,
)
from antiphon.awareness.events.errors import (
    BatchTooLarge,
    EventTooLarge,
    InvalidCall,
    MalformedCall,
    MethodNotPost,
    WriteKeyUnknown,
)
from antiphon.awareness.events.journal import Entry, Journal
from antiphon.awareness.profiles import USER_ID, normal_identity
from antiphon.foundation.access import Access
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.http import describe
from antiphon.foundation.postgres.binary import micros
from antiphon.foundation.telemetry import get_logger, registry

log = get_logger(__name__)

PATHS: Final = {
    "identify": "identify", "track": "track", "page": "page", "screen": "screen", "group": "group", "alias": "alias",
    "batch": "batch", "import": "batch",
    "i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias", "m": "metrics",
}  # fmt: skip
"""The last part of each path and the call it is; the short ones are what the browser library uses."""

_OK: Final = b'{"success":true}'
_CORS: Final = (b"access-control-allow-origin", b"*")
_OK_HEADERS: Final = [
    (b"content-type", b"application/json"), (b"content-length", b"%d" % len(_OK)), (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"), _CORS,
]  # fmt: skip
_PREFLIGHT: Final = [
    _CORS, (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding"),
    (b"access-control-max-age", b"86400"), (b"content-length", b"0"),
]  # fmt: skip
_EMPTY = msgspec.Raw(b"")
_answers = Counter("antiphon_calls", "Answers to event senders", ["call", "status"], registry=registry)
_taken = {name: _answers.labels(call, "200") for name, call in PATHS.items()}


class Single(Call, rename="camel", gc=False):
    """One call as a body of its own."""

    write_key: str | None = None


class Batch(msgspec.Struct, rename="camel", gc=False):
    """Many calls in one body."""

    batch: list[msgspec.Raw]
    sent_at: Scalar = None
    write_key: str | None = None
    context: msgspec.Raw = _EMPTY


_decode_single = msgspec.json.Decoder(Single).decode
_decode_batch = msgspec.json.Decoder(Batch).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


async def receive_call(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request to one of PATHS, and its CORS preflight."""
    assert scope["type"] == ScopeType.HTTP
    if scope["method"] == "OPTIONS":
        await _answer(send, 204, _PREFLIGHT, b"")
        return
    call = scope["path"].rpartition("/")[2]
    try:
        if scope["method"] != "POST":
            raise MethodNotPost
        await _accept(scope, receive)
    except Exception as error:
        status, headers, body = refusal(call, error)
        await _answer(send, status, headers, body)
    else:
        _taken[call].inc()
        await _answer(send, 200, _OK_HEADERS, _OK)


def refusal(call: str, error: Exception) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body that tell the sender why a call was not taken; it is counted."""
    problem, more = describe(error)
    if problem.status >= 500 and problem.code == "internal":
        log.error("call failed", call=call, exc_info=error)
    status = 405 if isinstance(error, MethodNotPost) else problem.status
    # `message` is what older client libraries read; without it they take a refusal for a broken network.
    told = msgspec.to_builtins(msgspec.structs.replace(problem, status=status)) | {"message": problem.detail}
    body = msgspec.json.encode(told)
    headers = [
        (b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body)), _CORS,
        *((name.encode(), value.encode()) for name, value in more.items()),
    ]  # fmt: skip
    if status == 413:
        headers.append((b"connection", b"close"))
    _answers.labels(PATHS[call], str(status)).inc()
    return status, headers, body


class Receiver:
    """The swift way of one address: plain calls of known senders. What it declines `receive_call` answers."""

    answer = b"".join(b"%b: %b\r\n" % pair for pair in _OK_HEADERS) + b"\r\n" + _OK

    def __init__(self, call: str, state: Any, measures: Callable[[int], tuple[Any, Any]]) -> None:
        self._call, self._kind, self._state = call, PATHS[call], state
        self._taken = _taken[call]
        self._measures = measures
        self._good = measures(200)

    def take(self, authorization: bytes | None, body: bytes, done: Callable[[Exception | None], None]) -> bool:
        """Whether the call was put into the journal; `done` is then told once it is durable, or what went wrong."""
        if authorization is None:
            return False
        ctx: Context = self._state.ctx
        token = _token(authorization)
        who = None if token is None else ctx.get(Access).known(token)
        if who is None or who.source_id is None:
            return False
        try:
            if not body.isascii():
                body.decode()
            body = storable(body)
            _, sent, payloads = _read_batch(body) if self._kind == "batch" else _read_single(body, self._kind, ctx)
            if not payloads or len(body) > LARGEST_BATCH:
                return False
            ctx.get(Journal).put(Entry(who.source_id, sent, payloads), done)
        except (AntiphonError, UnicodeDecodeError):
            return False
        return True

    def refuse(self, error: Exception) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """The answer to a call that could not be stored."""
        return refusal(self._call, error)

    def note(self, status: int, seconds: float) -> None:
        """Measure an answer as the shell measures every other."""
        if status == 200:
            self._taken.inc()
            measures = self._good
        else:
            measures = self._measures(status)
        measures[0].observe(seconds)
        measures[1].inc()


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _accept(scope: Scope, receive: Receive) -> None:
    ctx: Context = scope["litestar_app"].state.ctx
    authorization = encoding = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"content-encoding":
            encoding = value
    call = PATHS[scope["path"].rpartition("/")[2]]
    body = await _read_body(receive)
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        body = _unzip(body, encoding)
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            raise MalformedCall from None
    body = storable(body)
    if call == "metrics":  # a browser library's measure of itself; its sender is known, its content is nobody's
        await _source(ctx, authorization, None)
        return
    key, sent, payloads = _read_batch(body) if call == "batch" else _read_single(body, call, ctx)
    source = await _source(ctx, authorization, key)
    if payloads:
        await ctx.get(Journal).submit(Entry(source, sent, payloads))


async def _source(ctx: Context, authorization: bytes | None, key: str | None) -> int:
    """The sender a write key belongs to: Basic user name first, then the body's `writeKey`."""
    token = _token(authorization) if authorization is not None else None
    for candidate in (token, key):
        if candidate:
            who = await ctx.get(Access).key(ctx, candidate)
            if who is not None and who.source_id is not None:
                return who.source_id
    raise WriteKeyUnknown(field="writeKey")


@lru_cache(maxsize=1024)
def _token(authorization: bytes) -> str | None:
    scheme, _, rest = authorization.partition(b" ")
    try:
        if scheme.lower() == b"basic":
            return b64decode(rest.strip()).decode().partition(":")[0]
        return rest.strip().decode() if scheme.lower() == b"bearer" else None
    except ValueError:
        return None


async def _read_body(receive: Receive) -> bytes:
    message: Any = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > LARGEST_BATCH:
            raise BatchTooLarge
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedCall("the client went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BATCH:
            raise BatchTooLarge
    return b"".join(parts)


def _unzip(body: bytes, encoding: bytes) -> bytes:
    if encoding.strip().lower() not in (b"gzip", b"x-gzip", b"deflate"):
        raise InvalidCall("the content encoding is none of gzip, deflate", field="Content-Encoding")
    unzip = zlib.decompressobj(wbits=47)  # gzip or zlib, by its head
    try:
        result = unzip.decompress(body, LARGEST_BATCH + 1)
    except zlib.error:
        raise MalformedCall("the body is not what its content encoding says") from None
    if len(result) > LARGEST_BATCH:
        raise BatchTooLarge
    if not unzip.eof:
        raise MalformedCall("the compressed body is cut short")
    return result


def _malformed(error: Exception) -> MalformedCall | InvalidCall:
    if isinstance(error, msgspec.ValidationError):
        rule, _, where = str(error).partition(" - at ")
        return InvalidCall(rule, field=where.strip("`$.") or None)
    if isinstance(error, RecursionError):
        return MalformedCall("the body is nested too deeply")
    return MalformedCall(f"the body is not valid JSON: {str(error)[:200]}")


def _read_single(body: bytes, kind: str, ctx: Context) -> tuple[str | None, int | None, list[bytes]]:
    if len(body) > LARGEST_EVENT:
        raise EventTooLarge
    try:
        call = _decode_single(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(error) from None
    payload = body.strip()
    if call.type is None:
        call.type = kind
        payload = b'{"type":"' + kind.encode() + b'",' + payload[1:]
    elif call.type != kind:
        raise InvalidCall(f"type is {call.type[:40]}, but this is the address of {kind}", field="type")
    try:
        sent = parse_instant(call.sent_at, "sentAt")
        event = understand(call, micros(ctx.clock.now()), sent)
        by_id = event.user_id is not None and normal_identity(USER_ID, event.user_id) is not None
        if not by_id and not identities_of(event):
            raise Refused("no_identity", "neither userId nor anonymousId names anybody", "userId")
    except Refused as why:
        raise InvalidCall(why.detail, field=why.field) from None
    if call.write_key is not None:
        payload = _without_key(payload)
    return call.write_key, sent, [payload]


def _read_batch(body: bytes) -> tuple[str | None, int | None, list[bytes]]:
    try:
        batch = _decode_batch(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(error) from None
    try:
        sent = parse_instant(batch.sent_at, "sentAt")
    except Refused as why:
        raise InvalidCall(why.detail, field=why.field) from None
    payloads = [bytes(raw) for raw in batch.batch]
    for n, payload in enumerate(payloads):
        if payload[:1] != b"{":
            raise InvalidCall("each event is an object", field=f"batch[{n}]")
        if len(payload) > LARGEST_EVENT:
            raise EventTooLarge(field=f"batch[{n}]")
    around = bytes(batch.context)
    if around[:1] == b"{" and len(around) > 2:  # an event's own context wins
        payloads = [b'{"context":' + around + (b"," if p[1:].lstrip()[:1] != b"}" else b"") + p[1:] for p in payloads]
    if body.count(b'"writeKey"') > (batch.write_key is not None):
        payloads = [_without_key(p) if b'"writeKey"' in p else p for p in payloads]
    return batch.write_key, sent, payloads


def _without_key(payload: bytes) -> bytes:
    """A secret has no place in the journal."""
    members = _decode_members(payload)
    members.pop("writeKey", None)
    return msgspec.json.encode(members)
