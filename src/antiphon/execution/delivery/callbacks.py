"""Where providers tell us what became of messages: each account's callback address. What they tell is durable before they are
answered; what cannot be verified is refused, and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from prometheus_client import Counter

from antiphon.awareness.consent import ChannelRegistry
from antiphon.execution.channels import Account, Callback, CallbackForged, CallbackNeeds, Channels, Signal
from antiphon.execution.delivery.doorway import DocumentMissing, Doorway, Refusal, find_refusals
from antiphon.execution.delivery.hearing import Hearing
from antiphon.execution.delivery.signals import heard_of
from antiphon.foundation.context import Context
from antiphon.foundation.errors import TooLarge
from antiphon.foundation.http import PUBLIC, get, post
from antiphon.foundation.postgres import DatabaseUnavailable, PostgresError
from antiphon.foundation.telemetry import get_logger, registry

log = get_logger(__name__)

MOST = 16_000_000  # bytes: a mail with its attachments; more is refused while it still arrives
LARGE = 200_000  # bytes from which reading is another thread's work
FETCHES = 2
Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
MaybeId = Annotated[int | None, Parameter(ge=1, le=2**63 - 1, description="Of this account")]
Asked = Request[Any, Any, Any]

_told = Counter("antiphon_callbacks", "Callbacks taken, by provider", ["provider"], registry=registry)


class CallbackTooLarge(TooLarge):
    """A callback may have at most 16 MB."""

    code = "callback-too-large"


@post(
    "/callbacks/{account_id:int}", permission=PUBLIC, status=200, media_type="text/plain", max_body=MOST, problems=(403, 404, 413)
)
async def take_callback(ctx: Context, request: Asked, account_id: Id) -> Response[str]:
    """What a provider tells of this account's messages, signed its own way: receipts, bounces, complaints, replies."""
    doorway = ctx.get(Doorway)
    account = await doorway.account(account_id)
    try:
        body = await request.body()
    except HTTPException as large:
        if large.status_code != 413:
            raise
        doorway.refuse(account_id, "too_large")
        raise CallbackTooLarge from large
    return await _take(ctx, doorway, account, request, body)


@get("/callbacks/{account_id:int}", permission=PUBLIC, media_type="text/plain", problems=(403, 404))
async def take_callback_by_query(ctx: Context, request: Asked, account_id: Id) -> Response[str]:
    """The same from providers that tell it in the address."""
    doorway = ctx.get(Doorway)
    return await _take(ctx, doorway, await doorway.account(account_id), request, b"")


@get("/v1/callbacks/refused", permission="delivery:read")
async def list_refused(ctx: Context, account_id: MaybeId = None) -> list[Refusal]:
    """Calls at callback addresses that were refused, by account and cause: forged, replayed, too large; and news of messages
    that are not ours."""
    async with ctx.db.connection() as conn:
        return await find_refusals(conn, account_id)


async def _take(ctx: Context, doorway: Doorway, account: Account, request: Asked, body: bytes) -> Response[str]:
    path = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
    query = request.scope.get("query_string", b"").decode("latin-1")
    callback = Callback(
        body=body,
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.scope["headers"]},
        url=f"{ctx.settings.base_url}{path}{'?' if query else ''}{query}",
        now=datetime.now(UTC),
    )
    try:
        signals = await _signals(ctx, doorway, account, callback)
    except CallbackForged as forged:
        doorway.refuse(account.id, "replayed" if forged.facts.get("cause") == "replayed" else "forged", forged.detail)
        raise
    except DocumentMissing:
        doorway.refuse(account.id, "unchecked")
        raise
    hearing = ctx.get(Hearing)
    news = heard_of(hearing.tracker, ctx.get(ChannelRegistry), account.channel, account.id, signals, ctx.clock.now())
    if news:
        try:
            await hearing.hear_all(news)
        except PostgresError as failed:  # not stored, or nobody knows: told again it changes nothing twice
            log.warning("a callback could not be stored", account=account.name, error=repr(failed))
            raise DatabaseUnavailable from failed
    for signal in signals:
        if signal.kind == "confirm":
            await doorway.confirm(signal.url)
    _told.labels(account.provider).inc()
    return Response("", media_type="text/plain", headers={"cache-control": "no-store"})


async def _signals(ctx: Context, doorway: Doorway, account: Account, callback: Callback) -> Sequence[Signal]:
    """The provider's reading, with the documents it asks for."""
    channel = ctx.get(Channels)[account.provider]
    for _ in range(FETCHES + 1):
        try:
            if len(callback.body) > LARGE:
                return await asyncio.to_thread(channel.parse_callback, callback, account)
            return channel.parse_callback(callback, account)
        except CallbackNeeds as needs:
            fetched = {**callback.fetched, needs.url: await doorway.document(needs.url)}
            callback = msgspec.structs.replace(callback, fetched=fetched)
    raise DocumentMissing


CALLBACK_ROUTES = [take_callback, take_callback_by_query, list_refused]
