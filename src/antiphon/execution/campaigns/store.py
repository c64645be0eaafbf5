"""The only code that runs this room's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from antiphon.execution.campaigns.model import Approval, Campaign, CampaignState, Held
from antiphon.execution.campaigns.rules import Rule
from antiphon.foundation.postgres import Connection, Jsonb, load_queries, struct_row

SQL = load_queries(Path(__file__).with_name("queries.sql"))


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One time a campaign is said: to how many, how many of them the gate has decided, what it says through what."""

    occurrence: str
    size: int
    taken: int
    planned_for: datetime | None
    local_at: datetime | None
    template_version_id: int | None
    account_id: int | None
    frozen_at: datetime
    over_at: datetime | None
    waits: bool = False
    """For an arm to be chosen."""


def _packed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with its parts as JSON."""
    parts = {name: values[name] for name in ("recurrence", "trigger", "goal", "hops", "arms", "arm_choice")}
    return dict(values) | {name: None if part is None else Jsonb(msgspec.to_builtins(part)) for name, part in parts.items()}


async def insert_campaign(conn: Connection, values: Mapping[str, Any]) -> int:
    row = await (await conn.execute(SQL.insert_campaign, _packed(values))).fetchone()
    assert row is not None
    return int(row[0])


async def update_campaign(conn: Connection, values: Mapping[str, Any]) -> None:
    await conn.execute(SQL.update_campaign, _packed(values))


async def find_campaign(conn: Connection, campaign_id: int) -> Campaign | None:
    async with conn.cursor(row_factory=struct_row(Campaign)) as cur:
        return await (await cur.execute(SQL.find_campaign, {"id": campaign_id})).fetchone()


async def lock_campaign(conn: Connection, campaign_id: int) -> Campaign | None:
    await conn.execute(SQL.lock_campaign, {"id": campaign_id})
    return await find_campaign(conn, campaign_id)


async def list_campaigns(
    conn: Connection, *, before: int | None, state: CampaignState | None, archived: bool, text: str | None, limit: int
) -> list[Campaign]:
    params = {"before": before, "state": state, "archived": archived, "text": text, "limit": limit}
    async with conn.cursor(row_factory=struct_row(Campaign)) as cur:
        return await (await cur.execute(SQL.list_campaigns, params)).fetchall()


async def move_campaign(
    conn: Connection,
    campaign_id: int,
    state: CampaignState,
    *,
    now: datetime,
    template_version_id: int | None = None,
    account_id: int | None = None,
    send_at: datetime | None = None,
    started_at: datetime | None = None,
    finished_at: datetime | None = None,
) -> None:
    params = {
        "id": campaign_id,
        "state": state,
        "now": now,
        "template_version_id": template_version_id,
        "account_id": account_id,
        "send_at": send_at,
        "started_at": started_at,
        "finished_at": finished_at,
    }
    await conn.execute(SQL.move_campaign, params)


async def archive_campaign(conn: Connection, campaign_id: int, archived_at: datetime | None, now: datetime) -> bool:
    params = {"id": campaign_id, "archived_at": archived_at, "now": now}
    return await (await conn.execute(SQL.archive_campaign, params)).fetchone() is not None


async def delete_campaign(conn: Connection, campaign_id: int) -> None:
    await conn.execute(SQL.delete_campaign, {"id": campaign_id})


async def freeze_audience(
    conn: Connection,
    campaign_id: int,
    occurrence: str,
    *,
    members: bytes,
    excluded: bytes,
    size: int,
    now: datetime,
    planned_for: datetime,
    local_at: datetime | None,
    template_version_id: int,
    account_id: int | None,
    waits: bool = False,
) -> None:
    params = {
        "waits": waits,
        "campaign_id": campaign_id,
        "occurrence": occurrence,
        "members": members,
        "excluded": excluded,
        "size": size,
        "now": now,
        "planned_for": planned_for,
        "local_at": local_at,
        "template_version_id": template_version_id,
        "account_id": account_id,
    }
    await conn.execute(SQL.freeze_audience, params)


async def open_occurrences(conn: Connection, campaign_id: int) -> list[Occurrence]:
    async with conn.cursor(row_factory=struct_row(Occurrence)) as cur:
        return await (await cur.execute(SQL.open_occurrences, {"campaign_id": campaign_id})).fetchall()


async def occurrences(conn: Connection, campaign_id: int, limit: int) -> list[Occurrence]:
    async with conn.cursor(row_factory=struct_row(Occurrence)) as cur:
        return await (await cur.execute(SQL.occurrences, {"campaign_id": campaign_id, "limit": limit})).fetchall()


async def end_occurrence(conn: Connection, campaign_id: int, occurrence: str, now: datetime) -> None:
    await conn.execute(SQL.end_occurrence, {"campaign_id": campaign_id, "occurrence": occurrence, "now": now})


async def wait_for(conn: Connection, campaign_id: int, wall: datetime | None, at: datetime | None) -> None:
    await conn.execute(SQL.wait_for, {"id": campaign_id, "wall": wall, "at": at})


async def hold_for(conn: Connection, campaign_id: int, why: str | None, held: Held | None = None) -> None:
    params = {"id": campaign_id, "why": why, "held": None if held is None else Jsonb(msgspec.to_builtins(held))}
    await conn.execute(SQL.hold_for, params)


async def find_progress(conn: Connection, campaign_id: int) -> tuple[int, int]:
    """(people it was for, of them decided), over all occurrences."""
    row = await (await conn.execute(SQL.find_progress, {"campaign_id": campaign_id})).fetchone()
    assert row is not None
    return row[0], row[1]


async def read_audience(conn: Connection, campaign_id: int, occurrence: str) -> tuple[bytes, bytes]:
    params = {"campaign_id": campaign_id, "occurrence": occurrence}
    row = await (await conn.execute(SQL.read_audience, params)).fetchone()
    assert row is not None
    return bytes(row[0]), bytes(row[1])


async def advance(conn: Connection, campaign_id: int, occurrence: str, *, start: int, to: int) -> bool:
    params = {"campaign_id": campaign_id, "occurrence": occurrence, "from": start, "to": to}
    return await (await conn.execute(SQL.advance, params)).fetchone() is not None


async def open_campaigns(conn: Connection, buckets: Sequence[int], divisor: int, now: datetime) -> list[int]:
    params = {"buckets": list(buckets), "divisor": divisor, "now": now}
    return [row[0] for row in await (await conn.execute(SQL.open_campaigns, params)).fetchall()]


async def published_version(conn: Connection, template_id: int) -> tuple[str, int | None] | None:
    return await (await conn.execute(SQL.published_version, {"template_id": template_id})).fetchone()


async def is_purpose(conn: Connection, name: str) -> bool:
    row = await (await conn.execute(SQL.is_purpose, {"name": name})).fetchone()
    return bool(row and row[0])


async def account_channel(conn: Connection, account_id: int) -> str | None:
    row = await (await conn.execute(SQL.account_channel, {"account_id": account_id})).fetchone()
    return row[0] if row else None


class Colleague(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who works here."""

    id: int
    name: str
    email: str

    @property
    def subject(self) -> str:
        """How authors are named."""
        return f"person:{self.id}"


async def read_rule(conn: Connection) -> Rule:
    async with conn.cursor(row_factory=struct_row(Rule)) as cur:
        rule = await (await cur.execute(SQL.read_rule)).fetchone()
    assert rule is not None
    return rule


async def write_rule(conn: Connection, rule: Rule, who: str, now: datetime) -> None:
    await conn.execute(SQL.write_rule, msgspec.structs.asdict(rule) | {"who": who, "now": now})


async def write_approval(conn: Connection, campaign_id: int, said: Approval) -> None:
    await conn.execute(SQL.write_approval, {"id": campaign_id, "approval": Jsonb(msgspec.to_builtins(said))})


async def approvers(conn: Connection, roles: Sequence[str]) -> list[Colleague]:
    async with conn.cursor(row_factory=struct_row(Colleague)) as cur:
        return await (await cur.execute(SQL.approvers, {"roles": list(roles)})).fetchall()


async def authors(conn: Connection, subjects: Sequence[str]) -> list[Colleague]:
    async with conn.cursor(row_factory=struct_row(Colleague)) as cur:
        return await (await cur.execute(SQL.authors, {"subjects": list(subjects)})).fetchall()
