"""What customers of a set said about being written to goes into the ledger, each word once however often the file comes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from antiphon.awareness.consent import Aspect, ChannelRegistry, ChannelUnknown, Evidence, Said, TopicUnknown, state_preferences
from antiphon.awareness.imports import store
from antiphon.awareness.imports.model import ImportMap
from antiphon.awareness.profiles import Identity, owners, strength
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import RunningJob
from antiphon.foundation.lake import LakeSession
from antiphon.foundation.postgres import Connection

_PAGE = 5_000
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
SOURCE = "import"


async def check_said(ctx: Context, conn: Connection, imported: ImportMap) -> None:
    """Raises ChannelUnknown or TopicUnknown, naming the place in the map."""
    if not imported.consents:
        return
    topics = await store.topics(conn)
    for number, said in enumerate(imported.consents):
        if said.channel not in ctx.get(ChannelRegistry):
            raise ChannelUnknown(field=f"map.consents[{number}].channel", channel=said.channel)
        if said.topic not in topics:
            raise TopicUnknown(field=f"map.consents[{number}].topic", topic=said.topic)


def channels_of(ctx: Context, imported: ImportMap) -> list[str]:
    """The channels a customer may wish for."""
    return [kind.name for kind in ctx.get(ChannelRegistry)] if "channel" in imported.preferences else []


async def record_said(
    ctx: Context, conn: Connection, job: RunningJob, lake: LakeSession, work: store.Work, imported: ImportMap
) -> int:
    """Write down what the rows in `chunk` say, whose people exist by now; returns how much of it was news."""
    states = [f"state{number}" for number in range(len(imported.consents))]
    wishes = [f"wish_{aspect}" for aspect in imported.preferences]
    more = [f"{part}{number}" for number in range(len(imported.consents)) for part in ("at", "source", "text")]
    if not states and not wishes:
        return 0
    kinds = sorted(imported.identities, key=lambda kind: strength(Identity(kind, "")))
    ranks = " ".join(f"when '{kind}' then {place}" for place, kind in enumerate(kinds))
    news, after = 0, 0
    while True:
        rows = await lake.columns(
            f"select n, arg_min(i.kind, case i.kind {ranks} end) as kind, arg_min(i.value, case i.kind {ranks} end) as value, "
            f"{', '.join(f'any_value({name}) as {name}' for name in [*states, *wishes, *more])} "
            f"from (from chunk where reason is null and n > {after} and coalesce({', '.join([*states, *wishes])}) is not null "
            f"order by n limit {_PAGE}) c join chunk_ids i using (n) group by n order by n"
        )
        if not len(rows["n"]):
            return news
        after = int(rows["n"][-1])
        async with conn.transaction():
            await job.fence(conn)
            named = [Identity(kind, value) for kind, value in zip(rows["kind"], rows["value"], strict=True)]
            people = await owners(conn, sorted(set(named)))
            said = [
                one
                for place, identity in enumerate(named)
                if identity in people
                for one in _said(rows, place, people[identity], work, imported)
            ]
            fresh = await store.unsaid(conn, said)
            done = await state_preferences(ctx, conn, fresh) if fresh else None
        news += done.preferences + done.consents if done is not None else 0


def _said(rows: Mapping[str, Any], place: int, profile_id: int, work: store.Work, imported: ImportMap) -> list[Said]:
    """What one row says: a word for each consent, and one for all its wishes."""
    found: list[Said] = []
    note = f"import {work.id}, row {rows['n'][place]}"
    for number, cells in enumerate(imported.consents):
        if (state := rows[f"state{number}"][place]) is None:
            continue
        at = rows[f"at{number}"][place]
        dated = at is not None and at is not np.ma.masked
        found.append(
            Said(
                profile_id=profile_id,
                at=_UNIX + timedelta(microseconds=int(at)) if dated else work.as_of,
                dated=dated,
                source=rows[f"source{number}"][place] or SOURCE,
                consents={(cells.channel, cells.topic): state == "granted"},
                evidence=Evidence(text=rows[f"text{number}"][place] or "", note=note),
            )
        )
    wishes: dict[Aspect, Any] = {}
    for aspect in imported.preferences:
        if (wish := rows[f"wish_{aspect}"][place]) is not None:
            wishes[aspect] = _quiet(wish) if aspect == "quiet_hours" else wish
    if wishes:
        found.append(Said(profile_id=profile_id, at=work.as_of, source=SOURCE, wishes=wishes, evidence=Evidence(note=note)))
    return found


def _quiet(wish: str) -> dict[str, str]:
    since, until, zone = wish.split(" ")
    return {"from": since, "to": until, "zone": zone}
