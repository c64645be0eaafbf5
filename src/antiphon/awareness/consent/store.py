"""The only code that runs this room's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.awareness.consent.model import ConsentState, Evidence, Statement, Suppressed
from antiphon.foundation.postgres import Connection, Jsonb, dict_row, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("queries.sql"))


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the consent ledger."""

    id: int
    profile_id: int
    channel: str
    topic: str
    state: ConsentState
    at: datetime
    source: str
    evidence: Evidence
    recorded_at: datetime


class StateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's latest word on a channel and topic."""

    channel: str
    topic: str
    topic_title: str
    state: ConsentState
    at: datetime
    consent_id: int


class SuppressionRow(Suppressed, frozen=True, kw_only=True):
    """An address nothing is sent to."""


class TopicRow(msgspec.Struct, frozen=True, kw_only=True):
    """A topic, and how many customers said what about it (over all channels)."""

    name: str
    title: str
    description: str
    translations: dict[str, dict[str, str]]
    created_at: datetime
    granted: int
    withdrawn: int
    pending: int


async def record_consents(conn: Connection, statements: Sequence[Statement], *, only_changes: bool) -> list[tuple[int, int]]:
    """Id and customer of the ledger rows written, in the order of the statements."""
    params = {
        "profile_ids": [s.profile_id for s in statements],
        "channels": [s.channel for s in statements],
        "topics": [s.topic for s in statements],
        "states": [s.state for s in statements],
        "ats": [s.at for s in statements],
        "sources": [s.source for s in statements],
        "evidence": [msgspec.json.encode(s.evidence).decode() for s in statements],
        "dated": [s.dated for s in statements],
        "only_changes": only_changes,
    }
    return [(row[0], row[1]) for row in await (await conn.execute(SQL.record_consents, params)).fetchall()]


async def withdraw_all(
    conn: Connection, profile_id: int, channel: str, *, at: datetime, source: str, evidence: Evidence
) -> list[str]:
    """The topics that were not withdrawn before."""
    params = {
        "profile_id": profile_id,
        "channel": channel,
        "at": at,
        "source": source,
        "evidence": Jsonb(msgspec.to_builtins(evidence)),
    }
    return [row[0] for row in await (await conn.execute(SQL.withdraw_all, params)).fetchall()]


async def list_states(conn: Connection, profile_ids: Sequence[int]) -> list[StateRow]:
    async with conn.cursor(row_factory=struct_row(StateRow)) as cur:
        await cur.execute(SQL.list_states, {"profile_ids": list(profile_ids)})
        return await cur.fetchall()


async def list_ledger(conn: Connection, profile_ids: Sequence[int], *, before: int | None, limit: int) -> list[LedgerRow]:
    async with conn.cursor(row_factory=struct_row(LedgerRow)) as cur:
        await cur.execute(SQL.list_ledger, {"profile_ids": list(profile_ids), "before": before, "limit": limit})
        return await cur.fetchall()


async def find_consent(conn: Connection, profile_id: int, consent_id: int) -> LedgerRow | None:
    async with conn.cursor(row_factory=struct_row(LedgerRow)) as cur:
        await cur.execute(SQL.find_consent, {"profile_id": profile_id, "id": consent_id})
        return await cur.fetchone()


async def asked_since(conn: Connection, pending: LedgerRow, since: datetime) -> bool:
    """Whether they were asked the same once more, after that instant."""
    params = {
        "profile_id": pending.profile_id, "id": pending.id, "channel": pending.channel, "topic": pending.topic, "since": since,
    }  # fmt: skip
    return (await (await conn.execute(SQL.asked_since, params)).fetchone()) is not None


async def consent_as_of(
    conn: Connection, profile_ids: Sequence[int], channel: str, topic: str, at: datetime
) -> LedgerRow | None:
    params = {"profile_ids": list(profile_ids), "channel": channel, "topic": topic, "at": at}
    async with conn.cursor(row_factory=struct_row(LedgerRow)) as cur:
        await cur.execute(SQL.consent_as_of, params)
        return await cur.fetchone()


async def rebuild_states(conn: Connection, profile_ids: Sequence[int]) -> None:
    """The latest words of these people, and of whoever they were merged into, as the ledgers tell them."""
    rows = await (await conn.execute(SQL.canonical_of, {"profile_ids": list(profile_ids)})).fetchall()
    people = sorted(row[0] for row in rows)
    await conn.execute(SQL.forget_states, {"profile_ids": sorted({*profile_ids, *people})})
    await conn.execute(SQL.rebuild_states, {"profile_ids": people})


async def suppress(conn: Connection, suppressed: Sequence[Suppressed], kinds: Sequence[str]) -> tuple[int, list[int]]:
    """How many entries were added or changed, and whose addresses they are by these kinds of identity."""
    params = {
        "channels": [s.channel for s in suppressed],
        "addresses": [s.address for s in suppressed],
        "reasons": [s.reason for s in suppressed],
        "sources": [s.source for s in suppressed],
        "ats": [s.at for s in suppressed],
        "expires": [s.expires_at for s in suppressed],
        "notes": [s.note for s in suppressed],
        "kinds": list(kinds),
    }
    rows = await (await conn.execute(SQL.suppress, params)).fetchall()
    return rows[0][0], [row[1] for row in rows if row[1] is not None]


async def owners_of(conn: Connection, addresses: Sequence[str], kinds: Sequence[str]) -> list[int]:
    params = {"kinds": list(kinds), "addresses": list(addresses)}
    return [row[0] for row in await (await conn.execute(SQL.owners_of_address, params)).fetchall()]


async def run_out(conn: Connection, kinds: Sequence[str], *, now: datetime, most: int) -> tuple[int, list[int]]:
    """How many entries left the list because their time was over, and whose addresses they are."""
    rows = await (await conn.execute(SQL.run_out, {"kinds": list(kinds), "now": now, "most": most})).fetchall()
    return len({(row[0], row[1]) for row in rows}), [row[2] for row in rows if row[2] is not None]


async def unveil(conn: Connection, channel: str, address: str, key: bytes) -> bool:
    """Whether the address of somebody erased was known by its digest and is let go."""
    params = {"channel": channel, "address": address, "key": key}
    return await (await conn.execute(SQL.unveil_suppressed, params)).fetchone() is not None


async def lift_stops(conn: Connection, who: Sequence[tuple[str, str]]) -> list[str]:
    params = {"channels": [channel for channel, _ in who], "addresses": [address for _, address in who]}
    return [row[0] for row in await (await conn.execute(SQL.lift_stops, params)).fetchall()]


async def unsuppress(conn: Connection, channel: str, address: str) -> SuppressionRow | None:
    async with conn.cursor(row_factory=struct_row(SuppressionRow)) as cur:
        await cur.execute(SQL.unsuppress, {"channel": channel, "address": address})
        return await cur.fetchone()


async def list_suppressions(
    conn: Connection,
    *,
    channel: str | None,
    reason: str | None,
    prefix: str | None,
    after: tuple[datetime, str, str] | None,
    limit: int,
) -> list[SuppressionRow]:
    at, after_channel, after_address = after or (None, None, None)
    params = {
        "channel": channel,
        "reason": reason,
        "prefix": prefix,
        "at": at,
        "after_channel": after_channel,
        "after_address": after_address,
        "limit": limit,
    }
    async with conn.cursor(row_factory=struct_row(SuppressionRow)) as cur:
        await cur.execute(SQL.list_suppressions, params)
        return await cur.fetchall()


async def list_topics(conn: Connection) -> list[TopicRow]:
    async with conn.cursor(row_factory=struct_row(TopicRow)) as cur:
        await cur.execute(SQL.list_topics)
        return await cur.fetchall()


async def topic_titles(conn: Connection) -> dict[str, str]:
    return dict(await (await conn.execute(SQL.topic_names)).fetchall())


Translations = Mapping[str, Mapping[str, str]]


async def insert_topic(conn: Connection, name: str, title: str, description: str, translations: Translations) -> bool:
    params = {"name": name, "title": title, "description": description, "translations": Jsonb(translations)}
    return await (await conn.execute(SQL.insert_topic, params)).fetchone() is not None


async def update_topic(conn: Connection, name: str, title: str, description: str, translations: Translations) -> bool:
    params = {"name": name, "title": title, "description": description, "translations": Jsonb(translations)}
    return await (await conn.execute(SQL.update_topic, params)).fetchone() is not None


async def delete_topic(conn: Connection, name: str) -> bool:
    return await (await conn.execute(SQL.delete_topic, {"name": name})).fetchone() is not None


async def export_consents(conn: Connection, profile_ids: Sequence[int]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(SQL.export_consents, {"profile_ids": list(profile_ids)})
        return await cur.fetchall()


async def export_suppressions(conn: Connection, profile_ids: Sequence[int], kinds: Sequence[str]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cur:
        await cur.execute(SQL.export_suppressions, {"profile_ids": list(profile_ids), "kinds": list(kinds)})
        return await cur.fetchall()


async def erase(conn: Connection, profile_ids: Sequence[int], kinds: Sequence[str], key: bytes) -> None:
    """Suppressed addresses stay as digests with this key."""
    await conn.execute(SQL.veil_suppressed, {"profile_ids": list(profile_ids), "kinds": list(kinds), "key": key})
    await conn.execute(SQL.erase_states, {"profile_ids": list(profile_ids)})
    await conn.execute(SQL.erase_consents, {"profile_ids": list(profile_ids)})
