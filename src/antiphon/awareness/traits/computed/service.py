"""The verbs of computed traits: define, redefine, remove, try; and what follows merges and erasures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from antiphon.awareness.events import event_relation
from antiphon.awareness.profiles import (
    MergeUndone,
    ProfilesMerged,
    TraitRule,
    canonical,
    every_id,
    hold_for_erasure,
    masked_names,
    read_rule,
    secret_traits,
    set_rule,
    summaries,
)
from antiphon.awareness.traits.computed import store
from antiphon.awareness.traits.computed.compile import READ, tally_sql
from antiphon.awareness.traits.computed.loops import COMPUTED
from antiphon.awareness.traits.computed.model import (
    MOST_COMPUTED,
    BeingRemoved,
    ComputedNameTaken,
    ComputedTrait,
    Definition,
    NoSuchComputedTrait,
    TooManyComputed,
    check_definition,
    names_of,
    sources_of,
    type_of,
)
from antiphon.awareness.traits.computed.store import ComputedRow
from antiphon.awareness.traits.model import TraitType
from antiphon.awareness.traits.service import describe, observe_traits, registry
from antiphon.foundation.access import Principal, audit
from antiphon.foundation.context import Context
from antiphon.foundation.errors import AntiphonError
from antiphon.foundation.loops import wake
from antiphon.foundation.postgres import Connection, read_json

_SHOWN = 8


class PersonValue(msgspec.Struct, frozen=True, kw_only=True):
    """One customer and the values they would have; a trait that is absent they would not have."""

    profile_id: int
    name: str
    values: dict[str, Any]


class ComputedPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What some people who did it lately would have, worked out from all of their history."""

    people: list[PersonValue]


class _RolledBack(Exception):
    """The preview is over."""


async def list_computed(ctx: Context) -> list[ComputedTrait]:
    """Every computed trait, and how many customers have each (as of the mirror)."""
    async with ctx.db.connection() as conn:
        rows = await store.list_computed(conn)
        known = await registry(conn)
    columns = {row.name: known[row.name].column_name for row in rows if row.name in known}
    people: dict[str, int] = {}
    if columns:
        asked = ", ".join(f"count({column})" for column in columns.values())
        try:
            (counts,) = await ctx.lake.run(f"select {asked} from lake.profile", timeout=10)
            people = dict(zip(columns, counts, strict=True))
        except AntiphonError:  # no column yet, or the lake is away: the figure can wait
            people = {}
    return [_shown(row, people.get(row.name)) for row in rows]


def _shown(row: ComputedRow, people: int | None = None) -> ComputedTrait:
    return ComputedTrait(
        id=row.id, name=row.name, description=row.description, definition=row.definition, state=row.state, people=people,
        filled_at=row.filled_at, created_at=row.created_at, created_by=row.created_by,
    )  # fmt: skip


async def _find(conn: Connection, computed_id: int) -> ComputedRow:
    for row in await store.list_computed(conn):
        if row.id == computed_id:
            return row
    raise NoSuchComputedTrait


async def define(ctx: Context, who: Principal, *, name: str, description: str, definition: Definition) -> ComputedTrait:
    """A new computed trait; it is filled from all of history in the background.

    From now on nobody else's word on a trait of that name counts. Raises InvalidComputed, ComputedNameTaken and
    TooManyComputed.
    """
    check_definition(name, definition)
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await store.hold_definitions(conn)
        rows = await store.list_computed(conn)
        if len(rows) >= MOST_COMPUTED:
            raise TooManyComputed(most=MOST_COMPUTED)
        taken = set(await registry(conn)) | {one for row in rows for one in names_of(row.name, row.definition)}
        for one in names_of(name, definition):
            if one in taken:
                raise ComputedNameTaken(name=one, field="name")
        computed_id = await store.add_computed(conn, name, description, definition, now, who.name)
        await _enter(conn, name, description, definition, now)
        await audit(
            conn,
            who,
            action="traits.define",
            subject=f"computed_trait:{computed_id}",
            after={"name": name, "definition": definition},
        )
        await wake(conn, COMPUTED)
        return _shown(await _find(conn, computed_id))


async def _enter(conn: Connection, name: str, description: str, definition: Definition, at: datetime) -> None:
    kinds: tuple[TraitType | None, ...] = (type_of(definition), "number")
    for one, kind in zip(names_of(name, definition), kinds, strict=False):
        if kind is not None:
            await observe_traits(conn, {one: kind}, at)
        rule = await read_rule(conn, one)
        await set_rule(conn, one, TraitRule(computed=True, personal=rule.personal))
    await describe(conn, name, description)


async def redefine(ctx: Context, who: Principal, computed_id: int, *, description: str, definition: Definition) -> ComputedTrait:
    """Another definition of the same kind of value: the old values serve until the new ones are there.

    Raises NoSuchComputedTrait, BeingRemoved, InvalidComputed.
    """
    now = ctx.clock.now()
    async with ctx.db.transaction() as conn:
        await store.hold_definitions(conn)
        before = await _find(conn, computed_id)
        check_definition(before.name, definition)
        if len(names_of(before.name, definition)) != len(names_of(before.name, before.definition)):
            raise ComputedNameTaken("an affinity and a measure cannot take each other's place", field="definition")
        if definition != before.definition and not await store.redefine(conn, computed_id, definition, now):
            raise BeingRemoved
        await _enter(conn, before.name, description, definition, now)
        await store.describe_computed(conn, computed_id, description)
        after = _shown(await _find(conn, computed_id))
        await audit(
            conn,
            who,
            action="traits.redefine",
            subject=f"computed_trait:{computed_id}",
            before=before.definition,
            after=definition,
        )
        await wake(conn, COMPUTED)
    return after


async def remove(ctx: Context, who: Principal, computed_id: int) -> None:
    """Everybody loses the trait, in the background; its name is then anybody's. Raises NoSuchComputedTrait."""
    async with ctx.db.transaction() as conn:
        await store.hold_definitions(conn)
        row = await _find(conn, computed_id)
        if row.state != "removing":
            await store.change_state(conn, row, "removing")
            await audit(conn, who, action="traits.remove", subject=f"computed_trait:{computed_id}", before={"name": row.name})
            await wake(conn, COMPUTED)


async def preview(ctx: Context, who: Principal, definition: Definition) -> ComputedPreview:
    """What some people would have: the real thing, for a few, rolled back. Raises InvalidComputed."""
    name = "preview"
    check_definition(name, definition)
    now = ctx.clock.now()
    events = sorted({source.event for source in sources_of(definition)})
    async with ctx.db.connection() as conn:
        doers = await store.recent_doers(conn, events, 500)
        people = sorted({one for one in [await canonical(conn, doer) for doer in doers[: 2 * _SHOWN]] if one})[:_SHOWN]
        family = sorted({one for person in people for one in await every_id(conn, person)})
    if not people:
        return ComputedPreview(people=[])
    relation = event_relation(list(READ), names=events, profiles=family)
    added = await ctx.lake.columns(tally_sql(definition, relation, now.date(), now.date()), timeout=30)
    values: dict[int, dict[str, Any]] = {}
    try:
        async with ctx.db.transaction() as conn:
            own = await store.add_computed(conn, f"\x01{name}", "", definition, now, who.name)
            await store.tally(conn, own, definition, added)
            row = await _find(conn, own)
            await store.change_state(conn, row, "ready")
            for one, patch in await store.changed_values(conn, people, now.date()):
                found = read_json(patch)
                values[one] = {name + key[len(name) + 1 :]: value for key, value in found.items() if key.startswith("\x01")}
            raise _RolledBack
    except _RolledBack:
        pass
    async with ctx.db.connection() as conn:
        shown = masked_names(await summaries(conn, people), await secret_traits(conn, who))
    return ComputedPreview(people=[PersonValue(profile_id=one.id, name=one.name, values=values.get(one.id, {})) for one in shown])


async def merged(ctx: Context, conn: Connection, notice: ProfilesMerged) -> None:
    """The survivors have what both did."""
    await store.queue(conn, notice.into)


async def parted(ctx: Context, conn: Connection, notice: MergeUndone) -> None:
    """Each has their own again."""
    await store.queue(conn, [notice.revived, notice.survivor])


async def erase(conn: Connection, profile_id: int) -> None:
    """Forget what somebody's events added up to; whoever counts them meanwhile finds nobody."""
    ids = await every_id(conn, profile_id)
    await hold_for_erasure(conn, ids)
    await store.erase(conn, ids)
