"""Versions of a segment: what differs between two trees, and who would come and go if one took the other's place.

Both trees are worked out at the same instant, in one evaluation, so that only the difference between them is seen.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct
from pyroaring import BitMap

from antiphon.awareness.segments import reads, service, store
from antiphon.awareness.segments.errors import InvalidTree, NotRule, VersionNotFound
from antiphon.awareness.segments.evaluate import evaluate, known, spread
from antiphon.awareness.segments.explain import reached
from antiphon.awareness.segments.model import And, Node, Not, Or, references
from antiphon.awareness.segments.rules import refuse_cycle, validate
from antiphon.awareness.segments.service import CustomerCard
from antiphon.awareness.segments.store import SegmentRow
from antiphon.awareness.segments.users import OtherUse, SegmentUsers
from antiphon.foundation.context import Context
from antiphon.foundation.principal import Principal

_BEFORE, _AFTER = 0, 1


class TreeChange(Struct, frozen=True, kw_only=True):
    """One condition that is new (`added`), gone (`removed`) or another (`changed`); or a group that is joined otherwise.

    `path` names its place: in the new tree, or in the old one when it is gone. Of a group `joined` otherwise the parts are
    left out.
    """

    kind: Literal["added", "removed", "changed", "joined"]
    path: str
    before: Node | None
    after: Node | None


class People(Struct, frozen=True, kw_only=True):
    """How many, and some of them, evenly chosen."""

    count: int
    sample: list[CustomerCard]


class MembersDiff(Struct, frozen=True, kw_only=True):
    """Who would come and go at `at` if one tree took the other's place, and what differs between the trees."""

    at: datetime
    before: int
    after: int
    entering: People
    leaving: People
    staying: People
    changes: list[TreeChange]
    took_ms: int


class SegmentUse(Struct, frozen=True, kw_only=True):
    """A segment whose members depend on another: it names it (`direct`), or names one that does."""

    id: int
    name: str
    direct: bool


class SegmentUses(Struct, frozen=True, kw_only=True):
    """Where a segment is used among segments, which segments it uses itself, and what else uses it (`others`: campaigns)."""

    used_by: list[SegmentUse]
    uses: list[SegmentUse]
    others: list[OtherUse] = []


async def compare(
    ctx: Context, who: Principal, segment_id: int, *, tree: Node | None, version: int | None, against: int | None, sample: int
) -> MembersDiff:
    """Compare a tree that is not saved, or a version, with the published tree, or with the version ``against``.

    Raises SegmentNotFound, VersionNotFound, NotRule, InvalidTree, TooSlow.
    """
    if (tree is None) == (version is None):
        raise InvalidTree("give a tree or a version", field="tree")
    async with ctx.db.connection() as conn:
        row = await store.find_segment(conn, segment_id)
        if row.tree is None:
            raise NotRule
        before = row.tree if against is None else await _tree(ctx, segment_id, against)
        after = tree if tree is not None else await _tree(ctx, segment_id, version or 0)
        about = await known(conn, ctx)
    for one in (before, after):
        validate(one, about.traits, about.segments, about.around)
        refuse_cycle(segment_id, one, about.segments)
    # What the segment itself is to others does not change by comparing it.
    found = await evaluate(ctx, {_BEFORE: before, _AFTER: after}, ctx.clock.now(), about, timeout=service.PREVIEW)
    old, new = found.members[_BEFORE], found.members[_AFTER]
    return MembersDiff(
        at=found.now, before=len(old), after=len(new), entering=await _people(ctx, who, new - old, sample),
        leaving=await _people(ctx, who, old - new, sample), staying=await _people(ctx, who, old & new, sample),
        changes=list(tree_changes(before, after)), took_ms=found.took_ms,
    )  # fmt: skip


async def restore_version(ctx: Context, who: Principal, segment_id: int, version: int) -> SegmentRow:
    """Publish an old version's tree again, as the next version. Raises as `service.change` does, and VersionNotFound."""
    async with ctx.db.connection() as conn:
        row = await store.find_segment(conn, segment_id)
        tree = await reads.version_tree(conn, segment_id, version)
    if tree is None:
        raise VersionNotFound(version=version)
    return await service.change(
        ctx, who, segment_id, name=row.name, description=row.description, tree=tree, announce=row.announce
    )


async def uses(ctx: Context, segment_id: int) -> SegmentUses:
    """Where a segment is used, directly and through others, and what it uses. Raises SegmentNotFound."""
    async with ctx.db.connection() as conn:
        await store.find_segment(conn, segment_id)
        rows = await reads.all_refs(conn)
        definitions = await store.definitions(conn)
        below = reached(definitions.get(segment_id), definitions)
        names = await reads.segment_names(conn, below)
        others = await ctx.get(SegmentUsers).of(conn, segment_id) if ctx.has(SegmentUsers) else []
    above = _above(segment_id, rows)
    tree = definitions.get(segment_id)
    direct = set() if tree is None else references(tree)
    return SegmentUses(
        used_by=[SegmentUse(id=one, name=name, direct=segment_id in refs) for one, name, refs in rows if one in above],
        uses=[SegmentUse(id=one, name=names[one], direct=one in direct) for one in sorted(below) if one in names],
        others=others,
    )


def tree_changes(before: Node, after: Node, path: str = "tree") -> Iterator[TreeChange]:
    """Yield what differs between two trees. Parts of groups are the same wherever they stand in their group."""
    if before == after:
        return
    match before, after:
        case (And() | Or(), And() | Or()):
            if type(before) is not type(after):
                shown = (And(of=[]), Or(of=[])) if isinstance(before, And) else (Or(of=[]), And(of=[]))
                yield TreeChange(kind="joined", path=path, before=shown[0], after=shown[1])
            yield from _parts(before.of, after.of, path)
        case (Not(of=old), Not(of=new)):
            yield from tree_changes(old, new, f"{path}.of")
        case _:
            yield TreeChange(kind="changed", path=path, before=before, after=after)


def _parts(before: Sequence[Node], after: Sequence[Node], path: str) -> Iterator[TreeChange]:
    old, new = list(enumerate(before)), list(enumerate(after))
    pairs: list[tuple[tuple[int, Node], tuple[int, Node]]] = []
    for alike in (_same, _subject, _kind):
        for one in list(old):
            other = next((two for two in new if alike(one[1]) == alike(two[1])), None)
            if other is not None:
                old.remove(one)
                new.remove(other)
                pairs.append((one, other))
    for one, other in sorted(pairs, key=lambda pair: pair[1][0]):
        yield from tree_changes(one[1], other[1], f"{path}.of[{other[0]}]")
    for place, node in old:
        yield TreeChange(kind="removed", path=f"{path}.of[{place}]", before=node, after=None)
    for place, node in new:
        yield TreeChange(kind="added", path=f"{path}.of[{place}]", before=None, after=node)


def _same(node: Node) -> object:
    return node


def _subject(node: Node) -> object:
    """What a condition is about: the same trait, event or segment asked otherwise is a change of it."""
    if isinstance(node, Not):
        return (Not, _subject(node.of))
    about = next((getattr(node, name) for name in ("trait", "name", "id") if hasattr(node, name)), None)
    return (type(node), repr(about) if about is not None else id(node))


def _kind(node: Node) -> object:
    """Groups are matched with groups; other conditions about different things are different conditions."""
    return "group" if isinstance(node, And | Or) else id(node)


def _above(segment_id: int, rows: Sequence[tuple[int, str, list[int]]]) -> set[int]:
    """Who refers to a segment, directly or through others."""
    by_ref: dict[int, list[int]] = {}
    for one, _, refs in rows:
        for ref in refs:
            by_ref.setdefault(ref, []).append(one)
    found: set[int] = set()
    todo = [segment_id]
    while todo:
        for one in by_ref.get(todo.pop(), ()):
            if one not in found:
                found.add(one)
                todo.append(one)
    return found


async def _tree(ctx: Context, segment_id: int, version: int) -> Node:
    async with ctx.db.connection() as conn:
        tree = await reads.version_tree(conn, segment_id, version)
    if tree is None:
        raise VersionNotFound(version=version)
    return tree


async def _people(ctx: Context, who: Principal, people: BitMap, sample: int) -> People:
    return People(count=len(people), sample=await service.cards(ctx, who, spread(people, sample)))
