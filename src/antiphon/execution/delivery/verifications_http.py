"""Routes of verifications: ask for a proof, look through them, say its codes back, send them again, call it off."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from litestar.params import Parameter, QueryParameter

from antiphon.execution.delivery import verification_reading, verifications
from antiphon.execution.delivery.errors import ChannelTwice
from antiphon.execution.delivery.ledger import one_person
from antiphon.execution.delivery.model import NOBODY
from antiphon.execution.delivery.verification_model import Checked, NewFactor, NewVerification, Verification, VerificationState
from antiphon.foundation.context import Context
from antiphon.foundation.http import Body, Cursor, Limit, Page, decode_cursor, encode_cursor, get, post
from antiphon.foundation.principal import Principal

Id = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
ChannelName = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class AskedFactor(Body, frozen=True, kw_only=True):
    """A channel that must pass. Without an ``address`` the customer's own is taken. ``fallback`` says the same code when the
    first message fails or has no receipt within ``fallback_after`` seconds (SMS falling back to voice)."""

    channel: ChannelName
    address: Annotated[str, msgspec.Meta(min_length=3, max_length=254)] | None = None
    fallback: ChannelName | None = None
    fallback_after: Annotated[float, msgspec.Meta(ge=10, le=600)] = 60.0


class AskVerification(Body, frozen=True, kw_only=True):
    """A proof that somebody can be reached: by one channel, or by two that must both pass, each with a code of its own.

    ``key`` makes asking twice the same as once. ``profile_id`` is the customer's, where it is one. ``text`` replaces our
    words; it is Liquid, with ``code`` (or ``code_spaced``, to be read aloud) and ``minutes``.
    """

    factors: Annotated[list[AskedFactor], msgspec.Meta(min_length=1, max_length=2)]
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    profile_id: Annotated[int, msgspec.Meta(ge=1, lt=2**32)] | None = None
    code_length: Annotated[int, msgspec.Meta(ge=4, le=10)] = 6
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 5
    sendings: Annotated[int, msgspec.Meta(ge=1, le=10)] = 4
    minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 10
    language: Annotated[str, msgspec.Meta(min_length=2, max_length=35)] | None = None
    subject: Annotated[str, msgspec.Meta(max_length=200)] = ""
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | None = None


class CheckCode(Body, frozen=True, kw_only=True):
    """The code somebody said back; ``factor`` (1 or 2) where there are two channels."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    factor: Annotated[int, msgspec.Meta(ge=1, le=2)] | None = None


class SendAgain(Body, frozen=True, kw_only=True):
    """Which channel's code to send once more, where there are two; ``by_fallback`` by its other channel."""

    factor: Annotated[int, msgspec.Meta(ge=1, le=2)] | None = None
    by_fallback: bool = False


@post("/v1/verifications", permission="verifications:write", problems=(404, 409, 429))
async def begin_verification(ctx: Context, who: Principal, data: AskVerification) -> Verification:
    """Ask for a proof and send its codes. It is ``failed`` at once where the gate refuses every channel of a factor."""
    named = [name for factor in data.factors for name in (factor.channel, factor.fallback) if name is not None]
    if len(set(named)) < len(named):  # two codes that fall back to one channel prove one
        raise ChannelTwice(field="factors")
    new = NewVerification(
        factors=[msgspec.convert(msgspec.to_builtins(factor), NewFactor) for factor in data.factors],
        key=data.key, profile_id=data.profile_id or NOBODY, length=data.code_length, attempts=data.attempts,
        sendings=data.sendings, lifetime=timedelta(minutes=data.minutes), language=data.language, text=data.text,
        subject=data.subject,
    )  # fmt: skip
    async with ctx.db.transaction() as conn:
        return await verifications.begin(ctx, conn, who, new)


@get("/v1/verifications", permission="verifications:read")
async def list_verifications(
    ctx: Context,
    in_state: Annotated[VerificationState | None, QueryParameter(name="state", description="In this state")] = None,
    profile_id: Annotated[int | None, Parameter(ge=1, lt=2**32, description="Of this customer")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Verification]:
    """Verifications of the last thirty days, and those that are open, newest first."""
    after = decode_cursor(cursor, int)
    async with ctx.db.connection() as conn:
        ids = None if profile_id is None else await one_person(conn, profile_id)
        before = int(after[0] or 0) if after else None
        rows = await verification_reading.listed(conn, state=in_state, profile_ids=ids, before=before, limit=limit + 1)
    return Page(items=rows[:limit], next=encode_cursor(rows[limit - 1].id) if len(rows) > limit else None)


@get("/v1/verifications/{verification_id:int}", permission="verifications:read")
async def read_verification(ctx: Context, verification_id: Id) -> Verification:
    """A verification as it stands; of its addresses only enough to tell which they are."""
    async with ctx.db.connection() as conn:
        return await verification_reading.read(conn, verification_id)


@post("/v1/verifications/{verification_id:int}/check", permission="verifications:write", status=200)
async def check_verification(ctx: Context, verification_id: Id, data: CheckCode) -> Checked:
    """Say a code back. After too many wrong ones the verification is locked and no code is right any more."""
    async with ctx.db.transaction() as conn:
        return await verifications.check(ctx, conn, verification_id, data.code, data.factor)


@post("/v1/verifications/{verification_id:int}/send-again", permission="verifications:write", status=200, problems=(409, 429))
async def send_verification_again(ctx: Context, who: Principal, verification_id: Id, data: SendAgain) -> Verification:
    """Send the same code once more, half a minute after the last time at the earliest."""
    async with ctx.db.transaction() as conn:
        return await verifications.send_again(ctx, conn, who, verification_id, data.factor, by_fallback=data.by_fallback)


@post("/v1/verifications/{verification_id:int}/cancel", permission="verifications:write", status=200)
async def cancel_verification(ctx: Context, who: Principal, verification_id: Id) -> Verification:
    """Call a verification off."""
    async with ctx.db.transaction() as conn:
        return await verifications.cancel(ctx, conn, who, verification_id)


VERIFICATION_ROUTES = [
    begin_verification, list_verifications, read_verification, check_verification, send_verification_again, cancel_verification,
]  # fmt: skip
