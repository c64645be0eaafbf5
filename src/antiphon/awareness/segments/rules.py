"""What a tree must satisfy before it is compiled: sizes, known traits, operands of the right type, no cycles."""

from collections.abc import Iterable, Mapping, Sequence as Ordered
from typing import assert_never

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.segments.event_rules import check_engagement, check_event, check_sequence, check_time
from antiphon.awareness.segments.kinds import (
    Age,
    Anniversary,
    ConsentIs,
    Engagement,
    EventTime,
    Length,
    Lookalike,
    Near,
    Reachable,
    Sequence,
    Share,
)
from antiphon.awareness.segments.limits import (
    MAX_DEPTH,
    MAX_LEVELS,
    MAX_NODES,
    MAX_OPERANDS,
    MAX_PROFILES,
    MAX_REACH,
    refuse,
)
from antiphon.awareness.segments.model import (
    And,
    EventCondition,
    InSegment,
    Node,
    Not,
    Or,
    Profiles,
    Surroundings,
    TraitColumn,
    TraitCondition,
    references,
    walk,
)
from antiphon.awareness.segments.people_rules import check_contact, check_profile, check_trait
from antiphon.awareness.segments.windows import SinceEvent, Window

Segments = Mapping[int, Node | None]


def validate(tree: Node, traits: Mapping[str, TraitColumn], segments: Segments, around: Surroundings | None = None) -> None:
    """Raise InvalidTree, naming the field, unless ``tree`` can be evaluated.

    ``segments`` maps the id of every segment that may be referred to, to its tree (None for a static list).
    """
    operands = 0
    for count, (path, depth, node) in enumerate(walk(tree), start=1):
        if depth > MAX_DEPTH:
            raise refuse(f"conditions are nested deeper than {MAX_DEPTH} levels", path)
        if count > MAX_NODES:
            raise refuse(f"a segment has at most {MAX_NODES} conditions", "tree")
        _check(node, path, traits, segments, around or Surroundings())
        operands += _operands(node)
        if operands > MAX_OPERANDS:
            raise refuse(f"at most {MAX_OPERANDS} values in all conditions together", path)
    _refuse_far(tree, segments)


def validate_stored(ids: Iterable[int], traits: Mapping[str, TraitColumn], segments: Segments, around: Surroundings) -> None:
    """Raise InvalidTree if a segment that was accepted once, or one it refers to, cannot be evaluated any more.

    A trait may have been given another type since.
    """
    todo, seen = list(ids), set[int]()
    while todo:
        here = todo.pop()
        tree = segments.get(here)
        if here not in seen and tree is not None:
            seen.add(here)
            validate(tree, traits, segments, around)
            todo += references(tree)


def refuse_cycle(segment_id: int | None, tree: Node, segments: Segments) -> None:
    """Raise InvalidTree if ``tree``, as the tree of ``segment_id``, would refer to itself, or lead others too far."""
    if segment_id in _levels(references(tree), segments):
        raise refuse("the segment would refer to itself", "tree")
    if segment_id is None:
        return
    above: dict[int, set[int]] = {}
    for other, inner in segments.items():
        for ref in references(inner) if inner is not None else ():
            above.setdefault(ref, set()).add(other)
    down = max(_levels(references(tree), segments).values(), default=0)
    here, up = {segment_id}, 0
    while here := {other for one in here for other in above.get(one, ())}:
        up += 1
        if up + down > MAX_LEVELS:
            raise refuse(f"other segments would refer to each other further than {MAX_LEVELS} times", "tree")


def _refuse_far(tree: Node, segments: Segments) -> None:
    found = _levels(references(tree), segments)
    if max(found.values(), default=0) > MAX_LEVELS:
        raise refuse(f"segments refer to each other further than {MAX_LEVELS} times", "tree")
    inner = [segments.get(one) for one in found]
    if sum(sum(1 for _ in walk(one)) for one in [tree, *inner] if one is not None) > MAX_REACH:
        raise refuse(f"with the segments it refers to it has more than {MAX_REACH} conditions", "tree")


def _levels(refs: set[int], segments: Segments) -> dict[int, int]:
    """Return every segment reached, each with the longest way to it; ways beyond the limit are followed no further."""
    found: dict[int, int] = {}
    here, level = refs, 0
    while here and level <= MAX_LEVELS:
        level += 1
        found |= dict.fromkeys(here, level)
        here = {ref for one in here if (inner := segments.get(one)) is not None for ref in references(inner)}
    return found


def _check(node: Node, path: str, traits: Mapping[str, TraitColumn], segments: Segments, around: Surroundings) -> None:
    match node:
        case TraitCondition():
            check_trait(node, path, traits)
        case Age() | Anniversary() | Length() | Near() | Share():
            check_profile(node, path, traits)
        case EventCondition():
            check_event(node, path)
        case EventTime():
            check_time(node, path)
        case Sequence():
            check_sequence(node, path)
        case Engagement():
            check_engagement(node, path, around)
        case ConsentIs() | Reachable():
            check_contact(node, path, around)
        case InSegment(id=ref) | Lookalike(id=ref):
            if ref not in segments:
                raise refuse(f"there is no segment {ref}", f"{path}.id")
            if isinstance(node, Lookalike) and not around.lookalike:
                raise refuse("no model of likeness is there yet: predictions bring it", f"{path}.kind")
        case Profiles(ids=ids):
            if len(ids) > MAX_PROFILES:
                raise refuse(f"list at most {MAX_PROFILES} profiles; use a static list", f"{path}.ids")
        case And() | Or() | Not():
            pass
        case _:
            assert_never(node)


def _operands(node: Node) -> int:
    """Return how many values a condition compares with."""
    match node:
        case TraitCondition(values=values):
            return len(values)
        case EventCondition(where=where, window=window):
            return _values([*where, *_of(window)])
        case EventTime(where=where):
            return _values(where)
        case Sequence(steps=steps):
            return _values([one for step in steps for one in step.where])
        case _:
            return 0


def _of(window: Window | None) -> list[PropertyFilter]:
    return window.where if isinstance(window, SinceEvent) else []


def _values(where: Ordered[PropertyFilter]) -> int:
    return sum(len(one.values) for one in where)
