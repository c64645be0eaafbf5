"""The room's verbs: traits are observed, described and given another type."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import structs

from antiphon.awareness.profiles import Refusal, TraitRule, mark_dirty, refusals, secret_traits, set_rule
from antiphon.awareness.traits import store
from antiphon.awareness.traits.model import (
    MOST_TRAITS,
    NoSuchTrait,
    Trait,
    TraitIsChanging,
    TraitIsComputed,
    TraitType,
    column_for,
)
from antiphon.foundation.access import Principal, audit
from antiphon.foundation.context import Context
from antiphon.foundation.jobs import UNTIL_DONE, JobKind, RunningJob, enqueue
from antiphon.foundation.postgres import Connection
from antiphon.foundation.telemetry import get_logger

log = get_logger(__name__)
RETYPE = "traits.retype"
ERASE = "traits.erase_mirror"
_LONG = 1800.0
_CHUNK = 50_000


async def registry(conn: Connection) -> dict[str, Trait]:
    """Every trait, by name."""
    return {trait.name: trait for trait in await store.list_traits(conn)}


async def observe_traits(conn: Connection, types: Mapping[str, TraitType], at: datetime) -> list[Trait]:
    """Enter traits that are new, with these types; known ones keep theirs. Returns the whole registry.

    Beyond MOST_TRAITS a trait gets no column: it stays in the profiles only.
    """
    known = await store.list_traits(conn)
    if all(name in {t.name for t in known} for name in types):
        return known
    await store.hold_registry(conn)
    known = await store.list_traits(conn)
    names = {trait.name for trait in known}
    taken = {column for trait in known for column in (trait.column_name, trait.next_column) if column}
    new = [name for name in types if name not in names]
    if len(known) + len(new) > MOST_TRAITS:
        log.warning(
            "too many traits: some get no column", traits=len(known), refused=new[max(0, MOST_TRAITS - len(known)) :][:10]
        )
        new = new[: max(0, MOST_TRAITS - len(known))]
    if new:
        await store.add_traits(conn, [(name, types[name], column_for(name, taken)) for name in new], at)
    return await store.list_traits(conn)


async def describe_trait(
    ctx: Context,
    who: Principal,
    name: str,
    *,
    description: str | None = None,
    personal: bool | None = None,
    type: TraitType | None = None,
    locked: bool | None = None,
    allowed: list[str] | None = None,
    unit: str | None = None,
    archived: bool | None = None,
) -> Trait:
    """Change what people say of a trait, what is refused of it, and its type: the old column serves until every profile
    has the new one. What is None stays; an empty `allowed` allows everything.

    Raises NoSuchTrait, TraitIsComputed, and TraitIsChanging while an earlier change of type goes on.
    """
    said = {"description": description, "personal": personal, "locked": locked, "unit": unit, "archived": archived}
    async with ctx.db.transaction() as conn:
        before = await store.find_trait(conn, name)
        if before.computed and (type or locked or allowed):
            raise TraitIsComputed(name=name, field="type" if type else "locked" if locked else "allowed")
        changed = structs.replace(before, **{field: value for field, value in said.items() if value is not None})
        if allowed is not None:
            changed = structs.replace(changed, allowed=sorted(set(allowed)) or None)
        await store.describe_trait(conn, changed)
        kind = before.next_type or before.type
        if type is not None and type != kind:
            if before.next_type is not None:
                raise TraitIsChanging(name=name, field="type")
            await retype(conn, name, type, by=who.name)
            kind = type
        rule = TraitRule(
            computed=before.computed, type=kind if changed.locked else None, allowed=changed.allowed, personal=changed.personal
        )
        await set_rule(conn, name, rule)
        after = await store.find_trait(conn, name)
        await audit(conn, who, action="traits.describe", subject=f"trait:{name}", before=before, after=after)
    return after


async def refused(ctx: Context, who: Principal, name: str) -> list[Refusal]:
    """Values of a trait that were refused, latest first; of a personal one the values are left out. Raises NoSuchTrait."""
    async with ctx.db.connection() as conn:
        if name not in await registry(conn):
            raise NoSuchTrait(name=name)
        found = await refusals(conn, name, 50)
        hidden = name in await secret_traits(conn, who)
    return [structs.replace(one, value="") for one in found] if hidden else found


async def describe(conn: Connection, name: str, description: str) -> None:
    """Say what a trait means, if it is in the registry yet."""
    found = (await registry(conn)).get(name)
    if found is not None:
        await store.describe_trait(conn, structs.replace(found, description=description))


async def retype(conn: Connection, name: str, kind: TraitType, *, by: str) -> None:
    """Begin a change of type: a column of the new type, and a job that copies everybody who has the trait."""
    await store.hold_registry(conn)
    taken = {column for trait in await store.list_traits(conn) for column in (trait.column_name, trait.next_column) if column}
    await store.begin_retype(conn, name, kind, column_for(name, taken))
    await enqueue(conn, RETYPE, {"name": name}, by=by)


async def _run_retype(ctx: Context, job: RunningJob) -> Mapping[str, Any]:
    """Mark everybody who has the trait, wait until they are copied, then let the new column take the old one's place."""
    name, after, done = str(job.args["name"]), 0, 0
    while True:
        async with ctx.db.transaction() as conn:
            await job.fence(conn)
            ids = await store.holders_of(conn, name, after, _CHUNK)
            if ids:
                await mark_dirty(conn, ids)
        if not ids:
            break
        after, done = ids[-1], done + len(ids)
        await job.progress(done, message=f"{done} profiles to copy")
    async with ctx.db.connection() as conn:
        version = await store.last_version(conn)
    while True:
        async with ctx.db.connection() as conn:
            if not await store.dirty_until(conn, version):
                break
        await job.progress()
        await asyncio.sleep(0.5)
    async with ctx.db.transaction() as conn:
        await job.fence(conn)
        trait = await store.find_trait(conn, name)
        if trait.next_column is None:
            return {"profiles": done}
        await store.end_retype(conn, name, trait.next_column)
    await ctx.lake.script([f"alter table lake.profile drop column if exists {trait.column_name}"])
    return {"profiles": done}


async def erase(ctx: Context, conn: Connection, profile_id: int) -> None:
    """Erasure: the mirror's rows are deleted, and every file that held one is written anew, by a job."""
    await enqueue(conn, ERASE, {"profile_id": profile_id})


async def _run_erase(ctx: Context, job: RunningJob) -> Mapping[str, Any]:
    await ctx.lake.script(
        [
            "update lake.profile_turn set copies = copies + 1",
            ("delete from lake.profile where profile_id = $id", {"id": job.args["profile_id"]}),
        ]
    )
    async with ctx.db.transaction() as conn:
        await store.note_mirrored(conn, [int(job.args["profile_id"])])
    await ctx.lake.command("call ducklake_flush_inlined_data('lake', table_name => 'profile')", timeout=_LONG)
    await ctx.lake.command("call ducklake_rewrite_data_files('lake', 'profile', delete_threshold => 0.0)", timeout=_LONG)
    return {}


JOBS = (JobKind(RETYPE, _run_retype), JobKind(ERASE, _run_erase, tries=UNTIL_DONE))
