"""Verifications: proof that somebody can be reached where they say, by a code over one channel or over each of two.

A verification is pending until every channel's code was said back (passed), one was said wrong too often (locked), its time
is over (expired), it is called off (cancelled), or the gate refuses to write at all (failed). Codes are never kept: see
`codes`. Messages pass the gate and have ledger rows like all others, in the class of one-time codes.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from antiphon.awareness.consent import ChannelRegistry, normal_address
from antiphon.execution.content import Source, compile_source
from antiphon.execution.delivery import chains, codes
from antiphon.execution.delivery.errors import (
    CodeTextMissing,
    FactorUnknown,
    TooManyCodes,
    VerificationOver,
    VerificationUnknown,
)
from antiphon.execution.delivery.model import Content, Hop, NewDispatch
from antiphon.execution.delivery.service import submit_one
from antiphon.execution.delivery.verification_model import (
    FALLBACK_AFTER,
    SPOKEN,
    WRITTEN,
    Checked,
    NewVerification,
    Verification,
    VerificationState,
)
from antiphon.execution.delivery.verification_reading import SQL, FactorRow, Row, factors_of, read
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.ids import keyed_hash, random_token
from antiphon.foundation.postgres import Connection, Jsonb, struct_row
from antiphon.foundation.principal import Principal

APART = timedelta(seconds=30)  # between two sendings of one code
LATELY = timedelta(hours=1)
MOMENT = timedelta(seconds=10)  # what it took to come here is not counted off the minutes that a message names
MOST_LATELY = 10  # sendings to one address in that time
KEPT = timedelta(days=30)

async def begin(ctx: Context, conn: Connection, who: Principal, new: NewVerification) -> Verification:
    """Ask for a proof and send its codes; with a key known already, the verification it began.

    Raises TooManyCodes when an address was sent enough lately, ChannelUnknown, NoAccount, CodeTextMissing for words without
    the code in them, and TemplateInvalid for words that are no Liquid.
    """
    if new.text is not None and not _says_the_code(new.text):
        raise CodeTextMissing(field="text")
    now = ctx.clock.now()
    key = f"{who.subject}:{new.key if new.key is not None else random_token(12)}"
    own = None if new.text is None else Content(subject=new.subject, text=new.text)
    params = {
        "key": key, "profile_id": new.profile_id, "now": now, "expires_at": now + new.lifetime, "by": who.subject,
        "language": new.language, "content": None if own is None else Jsonb(msgspec.to_builtins(own)),
    }  # fmt: skip
    row = await (await conn.execute(SQL.open_verification, params)).fetchone()
    if row is None:
        found = await (await conn.execute(SQL.find_by_key, {"key": key, "profile_id": new.profile_id})).fetchone()
        assert found is not None
        return await read(conn, found[0])
    verification_id = int(row[0])
    reached = []
    for number, factor in enumerate(new.factors, 1):
        identity = ctx.get(ChannelRegistry)[factor.channel].identity
        address = None if factor.address is None else normal_address(identity, factor.address)
        digest = await _not_too_many(ctx, conn, factor.channel, address, new.profile_id, now)
        await conn.execute(SQL.add_factor, {
            "id": verification_id, "profile_id": new.profile_id, "factor": number, "channel": factor.channel,
            "fallback": factor.fallback, "address": address, "digest": digest, "seed": secrets.token_bytes(16),
            "length": new.length, "most_wrong": new.attempts, "most_sendings": new.sendings, "now": now,
        })  # fmt: skip
    began = await _locked(conn, verification_id)
    for asked, stored in zip(new.factors, await factors_of(conn, [verification_id]), strict=True):
        reached.append(await _say(ctx, conn, began, stored, len(new.factors), after=asked.fallback_after))
    await audit(conn, who, action="verifications.begin", subject=f"verification:{verification_id}")
    if not all(reached):
        await _end(conn, [verification_id], "failed", now)
    return await read(conn, verification_id)


def _says_the_code(text: str) -> bool:
    """Whether these words have the code in them, and not only speak of one. Raises TemplateInvalid."""
    compiled = compile_source(Source(format="text", subject="", body=text))
    return any({"code", "code_spaced"} & {str(name) for name in part.analyze().globals} for part in compiled.parts)


async def _not_too_many(
    ctx: Context, conn: Connection, channel: str, address: str | None, profile_id: int, now: datetime
) -> bytes:
    """The address as it is counted by. Raises TooManyCodes."""
    identity = ctx.get(ChannelRegistry)[channel].identity
    digest = keyed_hash(ctx.secret, "verification", identity, address if address is not None else f"profile:{profile_id}")
    await conn.execute(SQL.lock_address, {"digest": digest})
    row = await (await conn.execute(SQL.sent_lately, {"digest": digest, "since": now - LATELY})).fetchone()
    if row is not None and row[0] >= MOST_LATELY:
        raise TooManyCodes(retry_after=max(1, int((row[1] + LATELY - now).total_seconds())))
    return digest


async def _say(
    ctx: Context, conn: Connection, of: Row, factor: FactorRow, factors: int, *, after: float = FALLBACK_AFTER,
    by_fallback: bool = False,
) -> bool:  # fmt: skip
    """Hand a code's message to the gate; whether it, or its fallback, will be said. One of two is no code alone."""
    assert factor.seed is not None
    channel = factor.fallback if by_fallback and factor.fallback else factor.channel
    hops: tuple[Hop, ...] = ()
    if factor.fallback and not by_fallback:
        hops = (Hop(channel=factor.fallback, receipt_within=after, content=of.content or _words(factor.fallback)),)
    purpose = "one_time_code" if factors == 1 else "second_factor"
    content = of.content or _words(channel)
    new = NewDispatch(
        key=f"verification:{channel}:{purpose}:{keyed_hash(b'', repr((hops, content))).hex()[:16]}", channel=channel,
        message_class="one_time_code", content=content, purpose=purpose, hops=hops,
    )  # fmt: skip
    minutes = max(1, (of.expires_at - ctx.clock.now() + MOMENT) // timedelta(minutes=1))
    variables: dict[str, Any] = {"minutes": minutes} | codes.seeded(factor.seed, factor.length)
    if of.language is not None:
        variables["language"] = of.language
    handed = await submit_one(
        ctx, conn, new, profile_id=of.profile_id, suffix=f"{of.id}.{factor.factor}.{factor.sendings}", variables=variables,
        address=factor.address, expires_at=of.expires_at,
    )  # fmt: skip
    key = {"id": of.id, "profile_id": of.profile_id, "factor": factor.factor}
    await conn.execute(SQL.note_sending, key | {"delivery_id": handed.id})
    latest = next(row for row in await factors_of(conn, [of.id]) if row.factor == factor.factor)
    return latest.delivery_state in ("planned", "queued")


def _words(channel: str) -> Content:
    return SPOKEN if channel == "voice" else WRITTEN


async def check(ctx: Context, conn: Connection, verification_id: int, code: str, number: int | None) -> Checked:
    """Somebody says a code back. A wrong one is counted, whatever comes after. Raises FactorUnknown when it is not said
    which of two channels it came by."""
    row = await _locked(conn, verification_id)
    now = ctx.clock.now()
    if row.state == "pending" and now >= row.expires_at:
        await _end(conn, [row.id], "expired", now)
        row = await _locked(conn, verification_id)
    if row.state != "pending":
        return Checked(correct=False, verification=await read(conn, row.id))
    factor = _factor(await factors_of(conn, [row.id]), number)
    key = {"id": row.id, "profile_id": row.profile_id, "factor": factor.factor}
    correct = factor.seed is not None and codes.is_code(ctx.secret, factor.seed, factor.length, code)
    if correct:
        over = await (await conn.execute(SQL.right, key | {"now": now})).fetchone()
        if over is not None and over[0]:
            await _end(conn, [row.id], "passed", now)
    else:
        over = await (await conn.execute(SQL.wrong, key)).fetchone()
        if over is not None and over[0]:
            await _end(conn, [row.id], "locked", now)
    return Checked(correct=correct, verification=await read(conn, row.id))


async def send_again(
    ctx: Context, conn: Connection, who: Principal, verification_id: int, number: int | None, *, by_fallback: bool = False
) -> Verification:
    """Say a code once more, the same one, so that whichever message comes first serves. ``by_fallback``: by the other
    channel. Raises VerificationOver, FactorUnknown, TooManyCodes."""
    row = await _locked(conn, verification_id)
    now = ctx.clock.now()
    if row.state != "pending" or now >= row.expires_at:
        raise VerificationOver(state=row.state if row.state != "pending" else "expired")
    factors = await factors_of(conn, [row.id])
    factor = _factor(factors, number)
    if factor.sendings >= factor.most_sendings:
        raise TooManyCodes(retry_after=max(1, int((row.expires_at - now).total_seconds())))
    if factor.sent_at + APART > now:
        raise TooManyCodes(retry_after=max(1, int((factor.sent_at + APART - now).total_seconds())))
    if by_fallback and factor.fallback is None:
        raise FactorUnknown(field="by_fallback", factor=factor.factor)
    await _not_too_many(ctx, conn, factor.channel, factor.address, row.profile_id, now)
    key = {"id": row.id, "profile_id": row.profile_id, "factor": factor.factor}
    await conn.execute(SQL.sent_again, key | {"now": now})
    factor = msgspec.structs.replace(factor, sendings=factor.sendings + 1)
    await _say(ctx, conn, row, factor, len(factors), by_fallback=by_fallback)
    await audit(conn, who, action="verifications.send_again", subject=f"verification:{row.id}")
    return await read(conn, row.id)


async def cancel(ctx: Context, conn: Connection, who: Principal, verification_id: int) -> Verification:
    """Call a verification off; what of it was not said yet is not said. One that has ended stays as it is."""
    await _locked(conn, verification_id)
    await _end(conn, [verification_id], "cancelled", ctx.clock.now())
    await audit(conn, who, action="verifications.cancel", subject=f"verification:{verification_id}")
    return await read(conn, verification_id)


async def run_out(ctx: Context, conn: Connection, most: int) -> int:
    """End what has run out, hand codes on that could not be handed over in time, and forget what ended long ago; how many."""
    now = ctx.clock.now()
    ids = [row[0] for row in await (await conn.execute(SQL.run_out, {"now": now, "most": most})).fetchall()]
    if ids:
        await _end(conn, ids, "expired", now)
    late = await (await conn.execute(SQL.not_in_time, {"now": now, "most": most})).fetchall()
    if late:
        await chains.after_record(conn, late, now)
    gone = (await conn.execute(SQL.purge, {"before": now - KEPT, "most": most})).rowcount
    return len(ids) + len(late) + gone


async def _end(conn: Connection, ids: Sequence[int], state: VerificationState, now: datetime) -> None:
    await conn.execute(SQL.end_verification, {"ids": list(ids), "state": state, "now": now})


async def _locked(conn: Connection, verification_id: int) -> Row:
    async with conn.cursor(row_factory=struct_row(Row)) as cur:
        row = await (await cur.execute(SQL.find_verification, {"id": verification_id})).fetchone()
    if row is None:
        raise VerificationUnknown(verification=verification_id)
    return row


def _factor(factors: Sequence[FactorRow], number: int | None) -> FactorRow:
    if number is None and len(factors) == 1:
        return factors[0]
    for factor in factors:
        if factor.factor == number and factor.passed_at is None:
            return factor
    raise FactorUnknown(field="factor", factor=number if number is not None else "")
