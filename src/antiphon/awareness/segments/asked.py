"""What a tree asks about people: the traits and segments it speaks of, as a process knows them from one moment to the next."""

import time
from collections.abc import Iterable

from antiphon.awareness.segments.errors import InvalidTree
from antiphon.awareness.segments.evaluate import Known, known
from antiphon.awareness.segments.kinds import Age, Anniversary, Length, Near
from antiphon.awareness.segments.limits import refuse
from antiphon.awareness.segments.model import And, Condition, InSegment, Node, Not, Or, TraitCondition, conditions
from antiphon.foundation.context import Context
from antiphon.foundation.postgres import Connection

FRESH = 1.0
"""Seconds for which a process takes traits and segments as it knew them."""


class Remembered:
    """What a process knows of traits and segments, read again when it is not fresh."""

    def __init__(self) -> None:
        self.about: Known | None = None
        self.at = 0.0


async def about_tree(ctx: Context, conn: Connection, tree: Node) -> Known:
    """What is known of traits and segments, a second old at most, and newer where the tree speaks of something new. Raises
    InvalidTree for a tree that speaks of a trait or segment there is not."""
    if not ctx.has(Remembered):
        ctx.put(Remembered, Remembered())
    kept = ctx.get(Remembered)
    if kept.about is None or time.monotonic() - kept.at > FRESH or unknown(tree, kept.about) is not None:
        kept.about, kept.at = await known(conn, ctx), time.monotonic()
        if (missing := unknown(tree, kept.about)) is not None:
            raise missing
    return kept.about


def unknown(tree: Node, about: Known) -> InvalidTree | None:
    """What a tree speaks of that is not known."""
    for leaf in conditions(tree, about.segments):
        for trait in [leaf.trait] if isinstance(leaf, Age | Anniversary) else traits_of(leaf):
            if trait not in about.traits:
                return refuse(f"there is no trait {trait}", "tree")
    for ref in segments_of(tree, about):
        if ref not in about.segments:
            return refuse(f"there is no segment {ref}", "tree")
    return None


def traits_of(leaf: Condition) -> tuple[str, ...]:
    """The traits a condition reads."""
    match leaf:
        case TraitCondition(trait=trait) | Length(trait=trait):
            return (trait,)
        case Age(trait=trait, zone=zone) | Anniversary(trait=trait, zone=zone):
            return (trait, zone)
        case Near(latitude=latitude, longitude=longitude):
            return (latitude, longitude)
        case _:
            return ()


def segments_of(tree: Node, about: Known) -> Iterable[int]:
    """The segments a tree refers to, directly or through others."""
    found: set[int] = set()
    todo: list[Node] = [tree]
    while todo:
        match todo.pop():
            case And(of=of) | Or(of=of):
                todo += of
            case Not(of=one):
                todo.append(one)
            case InSegment(id=ref) if ref not in found:
                found.add(ref)
                inner = about.segments.get(ref)
                todo += [] if inner is None else [inner]
            case _:
                pass
    return found
