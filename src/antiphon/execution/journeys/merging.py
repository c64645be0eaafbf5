"""People who turn out to be one person, and part again: what becomes of the journeys they are in.

Passages go to whoever the person is now, with a line in the history. Where that is more at once than the journey allows, the
same key twice, or two journeys of which one is taken at a time, those of the profile that is no more end (`merged`), unless
theirs is the journey that ends the other. When a merge is undone, its passages go back, and those that it ended go on where they
stood.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from antiphon.awareness.profiles import MergeUndone, ProfilesMerged, every_id
from antiphon.execution.journeys.aside import set_aside, set_back
from antiphon.execution.journeys.engine import Plan
from antiphon.execution.journeys.entering import hold_entries
from antiphon.execution.journeys.passages import take_of
from antiphon.execution.journeys.running import BUCKETS, RUN_LOOP, SQL, plans, running
from antiphon.foundation.context import Context
from antiphon.foundation.loops import wake
from antiphon.foundation.notices import Listener
from antiphon.foundation.postgres import Connection
from antiphon.foundation.postgres.binary import bigints, micros

REASON = "merged"
PARTED = "parted"


async def merged(ctx: Context, conn: Connection, notice: ProfilesMerged) -> None:
    """Passages of those who are part of another profile now are that one's."""
    into = dict(zip(notice.gone, notice.into, strict=True))
    whose = {"profiles": sorted(set(into) | set(into.values()))}
    await hold_entries(conn, sorted({one % BUCKETS for one in whose["profiles"]}))  # nobody lets them in meanwhile
    rows = await (await conn.execute(SQL.merging_runs, whose)).fetchall()
    if not any(row[0] in into for row in rows):
        return
    found = await plans(ctx).of(conn, {row[2] for row in rows})
    journey = {version: plan.journey_id for version, plan in found.items()}
    inside: Counter[tuple[int, int]] = Counter()
    keys: set[tuple[int, int, str]] = set()
    for profile, _, version, _, key in rows:
        if profile not in into and version in journey:
            inside[(profile, journey[version])] += 1
            keys.add((profile, journey[version], key))
    standing: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for profile, run, version, _, _ in rows:
        if profile not in into and version in found:
            standing[profile].append((profile, run, version))
    ending: dict[int, list[tuple[int, int]]] = defaultdict(list)
    strange: list[tuple[int, int, int]] = []
    for profile, run, version, _, key in rows:
        if profile not in into:
            continue
        whole = into[profile]
        if version not in found:
            strange.append((profile, run, whole))
            continue
        definition, of = found[version].definition, journey[version]
        again = definition.again
        rivals = [one for one in standing[whole] if _rival(found[one[2]], found[version])]
        excluded = any(found[one[2]].definition.priority <= definition.priority for one in rivals)
        if excluded or inside[(whole, of)] >= again.at_once or (again.rule == "key" and (whole, of, key) in keys):
            ending[version].append((profile, run))
            continue
        for one in rivals if definition.displaces else ():
            standing[whole].remove(one)
            ending[one[2]].append(one[:2])
        inside[(whole, of)] += 1
        keys.add((whole, of, key))
        standing[whole].append((profile, run, version))
    handed = strange + [(one, run, whole) for whole, those in standing.items() for one, run, _ in those if one in into]
    now = ctx.clock.now()
    for version, those in ending.items():
        runs = {run for _, run in those}
        passages = await take_of(conn, found[version], sorted({profile for profile, _ in those}))
        places = np.array([at for at, run in enumerate(passages.run.tolist()) if run in runs], dtype=np.int64)
        await set_aside(conn, those, "merged", now)
        passages.let_go(places, REASON, micros(now), {"into": [into.get(one, one) for one in passages.profile[places].tolist()]})
        await passages.write(conn, now, 0)
    await _hand(conn, handed, [profile for profile, _, _ in handed], REASON, ctx)


def _rival(one: Plan, other: Plan) -> bool:
    """Whether people are in one of these at a time."""
    group = one.definition.exclusive
    return bool(group) and group == other.definition.exclusive and one.journey_id != other.journey_id


async def parted(ctx: Context, conn: Connection, notice: MergeUndone) -> None:
    """Passages that were somebody's are theirs again."""
    asked = {"survivor": notice.survivor, "revived": notice.revived}
    rows = await (await conn.execute(SQL.handed_from, asked)).fetchall()
    await _hand(conn, [(row[0], row[1], notice.revived) for row in rows], [row[2] for row in rows], PARTED, ctx)
    await _take_up(ctx, conn, notice)


async def _take_up(ctx: Context, conn: Connection, notice: MergeUndone) -> None:
    """Passages that the merge ended are under way again, of journeys that still run."""
    theirs = await every_id(conn, notice.revived)
    rows = await (await conn.execute(SQL.ended_by_merge, {"profiles": theirs})).fetchall()
    if rows:
        versions = {one.plan.version_id for one in await running(ctx, conn)}
        runs = [run for run, version in rows if version in versions]
        await set_back(conn, runs, theirs, notice.revived, PARTED, {"from": notice.survivor}, ctx.clock.now())
        await wake(conn, RUN_LOOP)


async def _hand(
    conn: Connection, handed: list[tuple[int, int, int]], origins: list[int] | list[int | None], did: str, ctx: Context
) -> None:
    if not handed:
        return
    params = {
        "profiles": bigints([one[0] for one in handed]), "ids": bigints([one[1] for one in handed]),
        "intos": bigints([one[2] for one in handed]),
    }  # fmt: skip
    await conn.execute(SQL.hand_over, params | {"origins": list(origins), "keep": did == REASON})
    await conn.execute(SQL.tell_handed, params | {"did": did, "now": ctx.clock.now()})


LISTENERS = (Listener("journeys.merged", ProfilesMerged, merged), Listener("journeys.parted", MergeUndone, parted))
