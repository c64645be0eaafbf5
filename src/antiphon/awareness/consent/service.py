"""The room's verbs: record what customers say, ask them to confirm it, suppress addresses, keep topics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from antiphon.awareness.consent import store
from antiphon.awareness.consent.model import (
    ChannelRegistry,
    ConfirmationExpired,
    ConfirmationRequested,
    Evidence,
    InTheFuture,
    LinkUsedUp,
    NotSuppressed,
    Statement,
    Suppressed,
    TopicExists,
    TopicInUse,
    TopicUnknown,
)
from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id, mark_dirty
from antiphon.foundation.context import Context
from antiphon.foundation.ids import BadSignature, keyed_hash, sign, unsign
from antiphon.foundation.notices import publish
from antiphon.foundation.postgres import Connection

PURPOSE = "consent-confirm"
SKEW = timedelta(days=1)  # a customer's device may be this far ahead


async def record_consents(conn: Connection, statements: Sequence[Statement], *, only_changes: bool = False) -> list[int]:
    """Append statements to the ledger, thousands at a time, and keep the latest word; returns the rows' ids.

    Topics and profiles must exist. With ``only_changes`` a statement is left out that repeats the customer's latest word
    (unless it is dated, and later: it then stands against what was said before it and is told after it), or is in the ledger
    already, so that an import may run again. A later statement wins over an earlier one by ``at``; a pending confirmation
    never takes away a consent already given.
    """
    if not statements:
        return []
    written = await store.record_consents(conn, statements, only_changes=only_changes)
    await mark_dirty(conn, [profile_id for _, profile_id in written])
    return [consent_id for consent_id, _ in written]


async def record_consent(ctx: Context, conn: Connection, statement: Statement) -> int:
    """Append one statement, checked; one dated a little ahead is said now, so that no later word is taken for an earlier one.
    Raises TopicUnknown, NoSuchProfile, InTheFuture."""
    await topic_title(conn, statement.topic)
    now = ctx.clock.now()
    if statement.at > now + SKEW:
        raise InTheFuture(field="at")
    profile_id = await canonical(conn, statement.profile_id)
    if profile_id is None:
        raise NoSuchProfile(field="profile_id")
    statement = msgspec.structs.replace(statement, profile_id=profile_id, at=min(statement.at, now))
    return (await record_consents(conn, [statement]))[0]


async def withdraw_all(
    conn: Connection, profile_id: int, channel: str, *, at: datetime, source: str, evidence: Evidence
) -> list[str]:
    """Record a customer's no to every topic of a channel; returns the topics this changed."""
    topics = await store.withdraw_all(conn, profile_id, channel, at=at, source=source, evidence=evidence)
    if topics:
        await mark_dirty(conn, [profile_id])
    return topics


async def ask_confirmation(ctx: Context, conn: Connection, statement: Statement) -> int:
    """Double opt-in: keep a consent as pending and leave a notice, on which delivery writes to the customer."""
    title = await topic_title(conn, statement.topic)
    statement = msgspec.structs.replace(statement, state="pending")
    consent_id = await record_consent(ctx, conn, statement)
    issued = int(ctx.clock.now().timestamp())
    token = sign(ctx.secret, PURPOSE, msgspec.json.encode([statement.profile_id, consent_id, issued]))
    await publish(
        conn,
        ConfirmationRequested(
            profile_id=statement.profile_id,
            channel=statement.channel,
            topic=statement.topic,
            topic_title=title,
            consent_id=consent_id,
            url=f"{ctx.settings.base_url}/confirm/{token}",
        ),
    )
    return consent_id


async def pending_of(ctx: Context, conn: Connection, token: str) -> tuple[store.LedgerRow, bool]:
    """The pending consent a confirmation link speaks of, and whether the link has expired. Raises LinkUsedUp for a forged link or
    an erased customer."""
    try:
        profile_id, consent_id, *issued = msgspec.json.decode(unsign(ctx.secret, PURPOSE, token), type=list[int])
    except (BadSignature, msgspec.DecodeError, ValueError):
        raise LinkUsedUp(field="token") from None
    row = await store.find_consent(conn, profile_id, consent_id)
    if row is None or row.state != "pending":
        raise LinkUsedUp(field="token")
    since = datetime.fromtimestamp(issued[0], UTC) if issued else row.at  # links of earlier versions do not say
    return row, ctx.clock.now() >= since + timedelta(days=ctx.settings.confirmation_days)


async def said_since(ctx: Context, conn: Connection, pending: store.LedgerRow) -> store.LedgerRow | None:
    """What the customer said of the same since they were asked: a yes, a no, or None."""
    ids = await every_id(conn, await canonical(conn, pending.profile_id) or pending.profile_id)
    latest = await store.consent_as_of(conn, ids, pending.channel, pending.topic, ctx.clock.now())
    return latest if latest is not None and latest.id > pending.id and latest.state != "pending" else None


async def confirm(ctx: Context, conn: Connection, token: str, evidence: Evidence) -> store.LedgerRow:
    """The customer followed the link and said yes. Saying it twice changes nothing; a later no stays a no. Raises LinkUsedUp,
    and ConfirmationExpired where they are to be asked anew."""
    pending, expired = await pending_of(ctx, conn, token)
    profile_id = await canonical(conn, pending.profile_id) or pending.profile_id
    now = ctx.clock.now()
    latest = await said_since(ctx, conn, pending)
    if latest is not None:
        return latest
    if expired:
        raise ConfirmationExpired(field="token")
    await record_consents(
        conn,
        [
            Statement(
                profile_id=profile_id,
                channel=pending.channel,
                topic=pending.topic,
                state="granted",
                at=max(now, pending.at),
                source="double opt-in",
                evidence=msgspec.structs.replace(evidence, text=pending.evidence.text),
            )
        ],
    )
    return pending


async def ask_anew(ctx: Context, conn: Connection, token: str) -> store.LedgerRow:
    """Ask again by a new link what an expired one asked, once while the new one is valid. Raises LinkUsedUp."""
    pending, expired = await pending_of(ctx, conn, token)
    profile_id = await canonical(conn, pending.profile_id)
    if profile_id is None:
        raise LinkUsedUp(field="token")
    said = await said_since(ctx, conn, pending)
    now = ctx.clock.now()
    valid = timedelta(days=ctx.settings.confirmation_days)
    if said is not None or not expired or await store.asked_since(conn, pending, now - valid):
        return said or pending
    statement = Statement(
        profile_id=profile_id, channel=pending.channel, topic=pending.topic, state="pending", at=now,
        source="confirmation asked anew", evidence=pending.evidence,
    )  # fmt: skip
    await ask_confirmation(ctx, conn, statement)
    return pending


def _reaching(ctx: Context) -> list[str]:
    """The kinds of identity by which some channel reaches people."""
    return sorted({kind.identity for kind in ctx.get(ChannelRegistry)})


def digest_key(ctx: Context) -> bytes:
    """With which addresses of erased people are kept on the suppression list: sha256 of it and the address."""
    return keyed_hash(ctx.secret, "suppression")


async def suppress(ctx: Context, conn: Connection, suppressed: Sequence[Suppressed]) -> int:
    """Put addresses (normalised as identities are) on the suppression list, many at a time; returns how many were news."""
    if not suppressed:
        return 0
    listed, whose = await store.suppress(conn, suppressed, _reaching(ctx))
    await mark_dirty(conn, whose)
    return listed


async def unsuppress(ctx: Context, conn: Connection, channel: str, address: str) -> store.SuppressionRow | None:
    """Take an address off the list; None if only the digest of somebody erased was on it. Raises NotSuppressed."""
    row = await store.unsuppress(conn, channel, address)
    veiled = await store.unveil(conn, channel, address, digest_key(ctx))
    if row is None and not veiled:
        raise NotSuppressed(channel=channel, address=address)
    await mark_dirty(conn, await store.owners_of(conn, [address], _reaching(ctx)))
    return row


async def lift_stops(ctx: Context, conn: Connection, who: Sequence[tuple[str, str]]) -> None:
    """These (channel, address) want to hear from us again: where nothing but their own word to stop put them on the list, they
    are taken off it."""
    lifted = await store.lift_stops(conn, who) if who else []
    if lifted:
        await mark_dirty(conn, await store.owners_of(conn, lifted, _reaching(ctx)))


async def run_out(ctx: Context, conn: Connection, most: int = 5000) -> int:
    """Entries of the list whose time is over leave it; returns how many."""
    count, whose = await store.run_out(conn, _reaching(ctx), now=ctx.clock.now(), most=most)
    await mark_dirty(conn, whose)
    return count


async def topic_title(conn: Connection, topic: str) -> str:
    """A topic's title. Raises TopicUnknown."""
    try:
        return (await store.topic_titles(conn))[topic]
    except KeyError:
        raise TopicUnknown(field="topic", topic=topic) from None


async def add_topic(
    conn: Connection, name: str, title: str, description: str, translations: store.Translations | None = None
) -> None:
    """A new topic, with what it is called in other languages. Raises TopicExists."""
    if not await store.insert_topic(conn, name, title, description, translations or {}):
        raise TopicExists(field="name", topic=name)


async def rename_topic(
    conn: Connection, name: str, title: str, description: str, translations: store.Translations | None = None
) -> None:
    """Change a topic's titles and descriptions; its name stays. Raises TopicUnknown."""
    if not await store.update_topic(conn, name, title, description, translations or {}):
        raise TopicUnknown(topic=name)


async def remove_topic(conn: Connection, name: str) -> None:
    """Remove a topic nobody has spoken of. Raises TopicUnknown, TopicInUse."""
    await topic_title(conn, name)
    if not await store.delete_topic(conn, name):
        raise TopicInUse(topic=name)
