"""Judging opens and clicks again: all since a day by the rules as they are now, or one by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec

from antiphon.awareness.events import INTERNAL, Journal
from antiphon.execution.delivery import engagement, machines
from antiphon.execution.delivery.engagement import SQL, Change
from antiphon.execution.delivery.errors import EngagementUnknown
from antiphon.execution.delivery.machines import Class, Look
from antiphon.foundation.access import audit
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import JobKind, RunningJob, enqueue
from antiphon.foundation.postgres import Connection, struct_row
from antiphon.foundation.principal import Principal

RECLASSIFY = "delivery.reclassify"
AT_ONCE = 1_000
LATELY = timedelta(days=30)


class Engaged(msgspec.Struct, frozen=True, kw_only=True):
    """An open or a click in the log: who, when, from where (shortened), what it was taken for, and by which rule."""

    id: int
    profile_id: int
    delivery_id: int
    campaign_id: int | None
    channel: str | None
    at: datetime
    kind: str
    link_id: int | None
    url: str | None
    method: str
    agent: str
    network: str
    class_: Class = msgspec.field(name="class")
    rule: str
    rules_version: int
    by_hand: bool


class RuleItem(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, and how many opens and clicks of the last thirty days it decided."""

    name: str
    decides: Class
    title: str
    says: str
    opens: int
    clicks: int


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules in the order they are asked, and their version."""

    version: int
    rules: list[RuleItem]


class _Row(msgspec.Struct, frozen=True):
    id: int
    profile_id: int
    delivery_id: int
    at: datetime
    kind: str
    link_id: int | None
    url: str | None
    method: str
    agent: str
    network: str
    visitor: bytes | None
    class_: str = msgspec.field(name="class")
    rule: str
    by_hand: bool
    said_at: datetime | None
    links: int


async def find(
    conn: Connection, *, delivery_id: int | None, profile_ids: Sequence[int] | None, campaign_id: int | None, of: Class | None,
    rule: str | None, before: int | None, limit: int,
) -> list[Engaged]:  # fmt: skip
    """The log, newest first."""
    params: dict[str, Any] = {
        "delivery_id": delivery_id, "profile_ids": list(profile_ids) if profile_ids is not None else None,
        "campaign_id": campaign_id, "class": of, "rule": rule, "before": before, "limit": limit,
    }  # fmt: skip
    async with conn.cursor(row_factory=struct_row(Engaged)) as cur:
        return await (await cur.execute(SQL.find_engagement, params)).fetchall()


async def list_rules(ctx: Context, conn: Connection) -> Rules:
    """The rules with what they decided lately."""
    rows = await (await conn.execute(SQL.count_rules, {"since": ctx.clock.now() - LATELY})).fetchall()
    counts = {(rule, kind): count for rule, kind, count in rows}
    return Rules(
        version=machines.VERSION,
        rules=[
            RuleItem(
                name=rule.name, decides=rule.decides, title=rule.title, says=rule.says,
                opens=counts.get((rule.name, "opened"), 0), clicks=counts.get((rule.name, "clicked"), 0),
            )
            for rule in machines.RULES
        ],
    )  # fmt: skip


async def judge_by_hand(ctx: Context, who: Principal, engagement_id: int, decides: Class) -> Engaged:
    """Somebody says what one row of the log was; no rule changes that again. Raises `EngagementUnknown`."""
    async with ctx.get(Journal).transaction() as journal:
        row = await _one(journal.conn, engagement_id)
        verdict = Change(id=row.id, profile_id=row.profile_id, rule="by_hand", decides=decides, by_hand=True)
        now = ctx.clock.now()
        await journal.append([(INTERNAL, now, told) for told in await engagement.put_right(journal.conn, [verdict], now)])
        after = await _one(journal.conn, engagement_id)
        await audit(
            journal.conn, who, action="delivery.judge", subject=f"engagement:{engagement_id}",
            before={"class": row.class_, "rule": row.rule}, after={"class": after.class_},
        )  # fmt: skip
        return after


async def reclassify(ctx: Context, who: Principal, since: datetime) -> int:
    """Leave a job that judges everything since then again; its id."""
    async with ctx.db.transaction() as conn:
        job_id = await enqueue(conn, RECLASSIFY, {"since": since.isoformat()}, by=who.name)
        await audit(conn, who, action="delivery.reclassify", subject=f"job:{job_id}", after={"since": since})
    return job_id


async def run_reclassify(ctx: Context, job: RunningJob) -> dict[str, Any]:
    """The job: a thousand deliveries a transaction."""
    since, after = datetime.fromisoformat(job.args["since"]), 0
    looked_at = changed = 0
    while not job.cancelled:
        async with ctx.db.connection() as conn:
            params = {"since": since, "after": after, "most": AT_ONCE}
            ids = [row[0] for row in await (await conn.execute(SQL.next_deliveries, params)).fetchall()]
        if not ids:
            break
        async with ctx.get(Journal).transaction() as journal:
            changes = await _judged_again(ctx, journal.conn, ids)
            now = ctx.clock.now()
            told = await engagement.put_right(journal.conn, changes, now) if changes else []
            await journal.append([(INTERNAL, now, payload) for payload in told])
        looked_at, changed, after = looked_at + len(ids), changed + len(changes), ids[-1]
        await job.progress(looked_at)
    return {"deliveries": looked_at, "changed": changed, "version": machines.VERSION}


async def _judged_again(ctx: Context, conn: Connection, delivery_ids: Sequence[int]) -> list[Change]:
    """What the rules of today say otherwise of these deliveries' opens and clicks."""
    async with conn.cursor(row_factory=struct_row(_Row)) as cur:
        rows = await (await cur.execute(SQL.engagement_of, {"ids": list(delivery_ids)})).fetchall()
    changes: list[Change] = []
    for _, group in groupby(rows, key=lambda row: row.delivery_id):
        every = list(group)
        rules = {row.id: _rule(ctx, row) for row in every}
        clicks = [row for row in every if row.kind == "clicked" and machines.decides(rules[row.id]) == "person"]
        places = machines.at_once(
            [(row.at, str(row.link_id) if row.link_id is not None else row.url or "", row.visitor) for row in clicks],
            every[0].said_at, every[0].links,
        )  # fmt: skip
        for place in places:
            rules[clicks[place].id] = "every_link"
        changes += [
            Change(id=row.id, profile_id=row.profile_id, rule=rules[row.id], decides=machines.decides(rules[row.id]))
            for row in every
            if not row.by_hand and rules[row.id] != row.rule
        ]
    return changes


def _rule(ctx: Context, row: _Row) -> str:
    if row.by_hand:
        return "person" if row.class_ == "person" else "crawler"
    look = Look(
        kind="opened" if row.kind == "opened" else "clicked", agent=row.agent or (None if row.rule != "no_agent" else ""),
        network=row.network, method=row.method, prefetch=row.rule == "prefetch",
    )  # fmt: skip
    return machines.judge(look, ctx.settings.scanner_networks)


async def _one(conn: Connection, engagement_id: int) -> Engaged:
    async with conn.cursor(row_factory=struct_row(Engaged)) as cur:
        row = await (await cur.execute(SQL.find_one, {"id": engagement_id})).fetchone()
    if row is None:
        raise EngagementUnknown(engagement=engagement_id)
    return row


JOBS = (JobKind(RECLASSIFY, run_reclassify),)
