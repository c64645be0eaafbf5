"""The room's verbs: record what customers say, ask them to confirm it, suppress addresses, keep topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from antiphon.awareness.consent import store
from antiphon.awareness.consent.model import (
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
from antiphon.awareness.profiles import MergeUndone, NoSuchProfile, ProfilesMerged, canonical, every_id
from antiphon.foundation.context import Context
from antiphon.foundation.ids import BadSignature, sign, unsign
from antiphon.foundation.notices import publish
from antiphon.foundation.postgres import Connection

PURPOSE = "consent-confirm"
SKEW = timedelta(days=1)  # a customer's device may be this far ahead


async def record_consents(conn: Connection, statements: Sequence[Statement], *, only_changes: bool = False) -> list[int]:
    """Append statements to the ledger, thousands at a time, and keep the latest word; returns the rows' ids.

    Topics and profiles must exist. With ``only_changes`` a statement that repeats the customer's latest word is left
    out, so that an import may run again. A later statement wins over an earlier one by ``at``; a pending confirmation
    never takes away a consent already given.
    """
    return await store.record_consents(conn, statements, only_changes=only_changes) if statements else []


async def record_consent(ctx: Context, conn: Connection, statement: Statement) -> int:
    """Append one statement, checked. Raises TopicUnknown, NoSuchProfile, InTheFuture."""
    await topic_title(conn, statement.topic)
    if statement.at > ctx.clock.now() + SKEW:
        raise InTheFuture(field="at")
    profile_id = await canonical(conn, statement.profile_id)
    if profile_id is None:
        raise NoSuchProfile(field="profile_id")
    statement = msgspec.structs.replace(statement, profile_id=profile_id)
    return (await record_consents(conn, [statement]))[0]


async def withdraw_all(
    conn: Connection, profile_id: int, channel: str, *, at: datetime, source: str, evidence: Evidence
) -> list[str]:
    """Record a customer's no to every topic of a channel; returns the topics this changed."""
    return await store.withdraw_all(conn, profile_id, channel, at=at, source=source, evidence=evidence)


async def ask_confirmation(ctx: Context, conn: Connection, statement: Statement) -> int:
    """Double opt-in: keep a consent as pending and leave a notice, on which delivery writes to the customer."""
    title = await topic_title(conn, statement.topic)
    statement = msgspec.structs.replace(statement, state="pending")
    consent_id = await record_consent(ctx, conn, statement)
    token = sign(ctx.secret, PURPOSE, msgspec.json.encode([statement.profile_id, consent_id]))
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


async def pending_of(ctx: Context, conn: Connection, token: str) -> store.LedgerRow:
    """The pending consent a confirmation link speaks of. Raises LinkUsedUp for a forged link or an erased customer."""
    try:
        profile_id, consent_id = msgspec.json.decode(unsign(ctx.secret, PURPOSE, token), type=tuple[int, int])
    except (BadSignature, msgspec.DecodeError):
        raise LinkUsedUp(field="token") from None
    row = await store.find_consent(conn, profile_id, consent_id)
    if row is None or row.state != "pending":
        raise LinkUsedUp(field="token")
    return row


async def confirm(ctx: Context, conn: Connection, token: str, evidence: Evidence) -> store.LedgerRow:
    """The customer followed the link and said yes. Saying it twice changes nothing; a later no stays a no."""
    pending = await pending_of(ctx, conn, token)
    profile_id = await canonical(conn, pending.profile_id) or pending.profile_id
    now = ctx.clock.now()
    latest = await store.consent_as_of(conn, profile_id, pending.channel, pending.topic, now)
    if latest is not None and latest.id > pending.id and latest.state != "pending":
        return latest
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


async def suppress(conn: Connection, suppressed: Sequence[Suppressed]) -> None:
    """Put addresses (normalised as identities are) on the suppression list, many at a time. Repeats change nothing."""
    if suppressed:
        await store.suppress(conn, suppressed)


async def unsuppress(conn: Connection, channel: str, address: str) -> store.SuppressionRow:
    """Take an address off the list. Raises NotSuppressed."""
    row = await store.unsuppress(conn, channel, address)
    if row is None:
        raise NotSuppressed(channel=channel, address=address)
    return row


async def topic_title(conn: Connection, topic: str) -> str:
    """A topic's title. Raises TopicUnknown."""
    try:
        return (await store.topic_titles(conn))[topic]
    except KeyError:
        raise TopicUnknown(field="topic", topic=topic) from None


async def add_topic(conn: Connection, name: str, title: str, description: str) -> None:
    """A new topic. Raises TopicExists."""
    if not await store.insert_topic(conn, name, title, description):
        raise TopicExists(field="name", topic=name)


async def rename_topic(conn: Connection, name: str, title: str, description: str) -> None:
    """Change a topic's title and description; its name stays. Raises TopicUnknown."""
    if not await store.update_topic(conn, name, title, description):
        raise TopicUnknown(topic=name)


async def remove_topic(conn: Connection, name: str) -> None:
    """Remove a topic nobody has spoken of. Raises TopicUnknown, TopicInUse."""
    await topic_title(conn, name)
    if not await store.delete_topic(conn, name):
        raise TopicInUse(topic=name)


async def fold_together(ctx: Context, conn: Connection, merged: ProfilesMerged) -> None:
    """People became one: what counts is the newer word of the two. Their ledgers stay as they are."""
    await store.take_over_states(conn, merged.gone, merged.into)


async def part_again(ctx: Context, conn: Connection, undone: MergeUndone) -> None:
    """A merge was undone: each of the two is held to their own words again."""
    await store.rebuild_states(conn, [undone.revived, undone.survivor])


async def export(ctx: Context, conn: Connection, profile_id: int) -> Mapping[str, Any]:
    """What this room knows about a customer, for their own copy."""
    ids = await every_id(conn, profile_id) or [profile_id]
    return {"consents": await store.export_consents(conn, ids)}


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Forget what a customer said. A suppressed address stays suppressed: it must not be written to again."""
    await store.erase(conn, await every_id(conn, profile_id) or [profile_id])
