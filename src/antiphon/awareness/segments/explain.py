"""Why one customer is in a segment, or is not: their own traits and events, checked with the facts that decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from antiphon.awareness.events import event_relation
from antiphon.awareness.events.values import properties_of
from antiphon.awareness.profiles import NoSuchProfile, canonical, every_id, secret_traits
from antiphon.awareness.segments import reads, store
from antiphon.awareness.segments.check import Checker, Happened, Person, Verdict
from antiphon.awareness.segments.contacts import contacts
from antiphon.awareness.segments.evaluate import Known, known
from antiphon.awareness.segments.leaves import sources
from antiphon.awareness.segments.lookalikes import Lookalikes
from antiphon.awareness.segments.membership import members
from antiphon.awareness.segments.model import InSegment, Lookalike, Node, conditions, references
from antiphon.awareness.segments.rules import validate
from antiphon.foundation.context import Context
from antiphon.foundation.principal import Principal


class SegmentWhy(Struct, frozen=True, kw_only=True):
    """Whether a customer belongs now and why, and whether the last refresh had them as a member.

    `profile_id` is who they are now, if they were merged. `segments` names the segments the verdict speaks of. Of a tree that
    is not saved nobody is a `member` yet: null. The values of the traits in `hidden` are not for the asker.
    """

    profile_id: int
    holds: bool
    member: bool | None
    evaluated_at: datetime | None
    verdict: Verdict
    segments: dict[int, str]
    hidden: list[str]


async def why(ctx: Context, segment_id: int, profile_id: int) -> SegmentWhy:
    """Explain whether a customer belongs now, from their own traits and events. Raises SegmentNotFound, NoSuchProfile."""
    async with ctx.db.connection() as conn:
        row = await store.find_segment(conn, segment_id)
        stored = await members(conn, segment_id)
    tree = row.tree if row.tree is not None else InSegment(id=row.id)
    found = await why_tree(ctx, tree, profile_id)
    return msgspec.structs.replace(found, member=found.profile_id in stored, evaluated_at=row.evaluated_at)


async def why_tree(ctx: Context, tree: Node, profile_id: int) -> SegmentWhy:
    """Explain whether a customer would belong to a tree that is not saved. Raises InvalidTree, NoSuchProfile."""
    async with ctx.db.connection() as conn:
        about = await known(conn, ctx)
        validate(tree, about.traits, about.segments, about.around)
        names = await reads.segment_names(conn, reached(tree, about.segments))
    person = await one_person(ctx, profile_id, tree, about)
    verdict = Checker(ctx.clock.now(), about.traits, about.segments).why(tree, person)
    return SegmentWhy(
        profile_id=person.id, holds=verdict.holds, member=None, evaluated_at=None, verdict=verdict, segments=names, hidden=[]
    )


async def masked(ctx: Context, who: Principal, found: SegmentWhy) -> SegmentWhy:
    """The explanation without the values of traits that are not for ``who``."""
    async with ctx.db.connection() as conn:
        secret = await secret_traits(conn, who)
    hidden: set[str] = set()
    verdict = _masked(found.verdict, secret, hidden) if secret else found.verdict
    return msgspec.structs.replace(found, verdict=verdict, hidden=sorted(hidden))


def _masked(verdict: Verdict, secret: frozenset[str], hidden: set[str]) -> Verdict:
    about: set[str] = set()
    if verdict.events is None:  # what speaks of events shows no traits
        about = {said for said in verdict.node.values() if isinstance(said, str) and said in secret}
    hidden |= about
    parts = [_masked(part, secret, hidden) for part in verdict.parts]
    return msgspec.structs.replace(verdict, actual=None if about else verdict.actual, parts=parts)


def reached(tree: Node | None, segments: Mapping[int, Node | None]) -> set[int]:
    """The segments a tree refers to, directly or through others."""
    found: set[int] = set()
    todo = [] if tree is None else sorted(references(tree))
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            inner = segments.get(one)
            todo += [] if inner is None else sorted(references(inner))
    return found


async def one_person(ctx: Context, profile_id: int, tree: Node, about: Known) -> Person:
    """Read what ``tree`` asks about one customer. Raises NoSuchProfile."""
    async with ctx.db.connection() as conn:
        real = await canonical(conn, profile_id)
        read = await store.one_profile(conn, real) if real is not None else None
        if real is None or read is None:
            raise NoSuchProfile(id=profile_id)
        ids = await every_id(conn, real)
        lists = [key for key, inner in about.segments.items() if inner is None]
        inside = [key for key, (_, people) in (await store.read_members(conn, lists)).items() if real in people]
        contact = (await contacts(conn, [real], about.around))[real]
    traits, created, first, last = read
    instants = {"$created_at": created, "$first_seen": first, "$last_seen": last}
    traits = traits | {name: at.isoformat() for name, at in instants.items() if at is not None}
    asked = list(conditions(tree, about.segments))
    events = await _events_of(ctx, ids, sorted({name for leaf in asked for name in sources(leaf) or ()}))
    alike = {(leaf.id, leaf.percent) for leaf in asked if isinstance(leaf, Lookalike)}
    now = ctx.clock.now()
    likeness = {key for key in sorted(alike) if real in await ctx.get(Lookalikes).find(ctx, *key, now)}
    return Person(
        real, traits, events, frozenset(inside), contact.consents, contact.addresses, contact.suppressed, frozenset(likeness)
    )


async def _events_of(ctx: Context, ids: Sequence[int], names: Sequence[str]) -> list[Happened]:
    if not names:
        return []
    source = event_relation(["ts", "name", "properties"], names=names, profiles=ids)
    rows = await ctx.lake.run(f"select ts, name, properties from {source} order by ts", timeout=30)
    return [Happened(ts, name, properties_of(text)) for ts, name, text in rows]
