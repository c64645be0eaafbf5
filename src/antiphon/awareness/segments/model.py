"""The segment tree: who is meant, as a small typed value.

A tree is a pure description. Whether somebody belongs is a function of that person's profile, their events and one
instant ``now``; ``compile`` answers it for everybody, ``check`` for one person, and both must agree.

Rules that hold in both:

* A condition on a trait nobody set is false, except ``is_not``, ``not_in``, ``not_contains`` and ``not_set``, which are
  the exact negations of their positive forms.
* A rolling window of length *d* is ``(now - d, now]``: what happened at ``t`` counts from ``t`` until just before
  ``t + d``. An absolute window is ``[since, until)``. Events later than ``now`` have not happened yet.
* ``not`` is relative to all profiles.
* Numbers in properties are decimals with nine places, below 10^19; a property that is not such a number has no number.
  The count and the sum of nothing are 0; the average, least and greatest of nothing satisfy no comparison. Numbers in
  traits are what the mirror holds: binary doubles.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.segments.kinds import (
    Age,
    Anniversary,
    ConsentIs,
    Engagement,
    EventTime,
    Length,
    Lookalike,
    Near,
    OfProfile,
    Place,
    Reachable,
    Sequence,
    Share,
    Step,
)
from antiphon.awareness.segments.windows import (
    Ago,
    Calendar,
    Dates,
    Fixed,
    Last,
    SinceEvent,
    Span,
    Unit,
    Window,
    duration,
)
from antiphon.awareness.traits import TraitType

__all__ = [
    "Age", "Ago", "And", "Anniversary", "Calendar", "Condition", "ConsentIs", "Dates",  "Engagement", "EventCondition", "EventOp",
    "EventTime", "Fixed", "InSegment", "Last", "Length", "Lookalike", "Measure", "Near", "Node", "Not", "OfProfile",
    "Operand", "Or", "Place", "Profiles", "PropertyFilter", "Reachable", "RelativeInstant", "Sequence", "Share", "SinceEvent",
    "Span", "Step", "Surroundings", "TraitColumn", "TraitCondition", "TraitOp", "Unit", "Window", "conditions", "duration",
    "parts", "references", "walk",
]  # fmt: skip


class RelativeInstant(Struct, frozen=True, forbid_unknown_fields=True):
    """An instant relative to ``now``, for comparing dates: ``{"amount": 30, "unit": "days", "direction": "ago"}``."""

    amount: Annotated[int, Meta(ge=0, le=5_256_000)]
    unit: Unit
    direction: Literal["ago", "ahead"] = "ago"

    def at(self, now: datetime) -> datetime:
        """Return the instant meant at ``now``."""
        span = duration(self.amount, self.unit)
        return now - span if self.direction == "ago" else now + span


Operand: TypeAlias = str | int | float | bool | RelativeInstant

TraitOp = Literal[
    "is",
    "is_not",
    "in",
    "not_in",
    "lt",
    "le",
    "gt",
    "ge",
    "between",
    "all",
    "contains",
    "not_contains",
    "starts",
    "ends",
    "set",
    "not_set",
]

EventOp = Literal["did", "did_not", "eq", "ne", "lt", "le", "gt", "ge", "between"]

Measure = Literal["count", "distinct", "sum", "avg", "min", "max"]


class TraitCondition(Struct, frozen=True, tag_field="kind", tag="trait", forbid_unknown_fields=True):
    """A condition on one trait of the profile.

    ``value`` for one operand, ``values`` for ``in``/``not_in``/``all`` (any number) and ``between`` (low and high, both
    included). Dates and instants are RFC 3339 text or ``RelativeInstant``. On a list trait ``is`` means *includes*, ``in``
    *includes any*, ``all`` *includes all* (of none: any list does), ``not_in`` *includes none*. Text is compared exactly by
    ``is`` and ``in``, and without regard to case by ``contains``, ``starts`` and ``ends``.
    """

    trait: str
    op: TraitOp
    value: Operand | None = None
    values: list[Operand] = msgspec.field(default_factory=list)


class EventCondition(Struct, frozen=True, tag_field="kind", tag="event", forbid_unknown_fields=True):
    """A condition on the events of one name: did, did not, or a measure of them compared with a number.

    ``where`` must hold entirely for an event to be counted. ``measure`` other than ``count`` needs ``property``.
    ``distinct`` counts its different values: texts, booleans and numbers by their text (1 and "1" are one, "1" and "01" are
    two; a fraction has nine places at most), no lists and no objects. ``between`` includes both ``value`` and ``high``.
    """

    name: str
    op: EventOp = "did"
    where: list[PropertyFilter] = msgspec.field(default_factory=list)
    window: Window | None = None
    measure: Measure = "count"
    property: str | None = None
    value: int | float | None = None
    high: int | float | None = None


class And(Struct, frozen=True, tag_field="kind", tag="and", forbid_unknown_fields=True):
    """All of the parts hold; with no parts, everybody."""

    of: "list[Node]"


class Or(Struct, frozen=True, tag_field="kind", tag="or", forbid_unknown_fields=True):
    """At least one of the parts holds; with no parts, nobody."""

    of: "list[Node]"


class Not(Struct, frozen=True, tag_field="kind", tag="not", forbid_unknown_fields=True):
    """The part does not hold."""

    of: "Node"


class InSegment(Struct, frozen=True, tag_field="kind", tag="segment", forbid_unknown_fields=True):
    """Belongs to another segment: its published tree at the same instant, or its list if it is a static one."""

    id: int


class Profiles(Struct, frozen=True, tag_field="kind", tag="profiles", forbid_unknown_fields=True):
    """Is one of these profiles, listed by id."""

    ids: list[Annotated[int, Meta(ge=0, lt=2**32)]]


Condition: TypeAlias = (
    TraitCondition
    | Age
    | Anniversary
    | Length
    | Near
    | Share
    | EventCondition
    | EventTime
    | Sequence
    | Engagement
    | ConsentIs
    | Reachable
    | Profiles
    | Lookalike
)
"""What is asked of a person alone, without looking at other conditions."""

Node: TypeAlias = Condition | InSegment | And | Or | Not


class Surroundings(Struct, frozen=True):
    """What an installation has beside traits and segments: the kind of address each channel uses, topics, a model of likeness.

    ``people``: about how many customers. ``digest_key``: with it consent keeps suppressed addresses of customers who were erased.
    """

    channels: Mapping[str, str] = {}
    topics: frozenset[str] = frozenset()
    lookalike: bool = False
    digest_key: bytes = b""
    people: int = 0


class TraitColumn(Struct, frozen=True):
    """Where a trait is in the typed mirror, and of what type."""

    column: str
    type: TraitType


def parts(node: Node) -> "list[tuple[str, Node]]":
    """Return the direct parts of ``node``, each with its place in it (``of[0]``, ``of``)."""
    match node:
        case And(of=of) | Or(of=of):
            return [(f"of[{i}]", part) for i, part in enumerate(of)]
        case Not(of=one):
            return [("of", one)]
        case _:
            return []


def walk(node: Node, path: str = "tree") -> Iterator[tuple[str, int, Node]]:
    """Yield (path, depth, node) over the whole tree without recursion, so that depth is no danger."""
    todo: list[tuple[str, int, Node]] = [(path, 1, node)]
    while todo:
        where, depth, here = todo.pop()
        yield where, depth, here
        todo.extend((f"{where}.{place}", depth + 1, part) for place, part in reversed(parts(here)))


def references(node: Node) -> set[int]:
    """Return the ids of the segments ``node`` refers to directly."""
    return {part.id for _, _, part in walk(node) if isinstance(part, InSegment | Lookalike)}


def conditions(tree: Node, segments: Mapping[int, "Node | None"]) -> Iterator[Condition]:
    """Yield every condition of a tree and of the segments it refers to, each segment's once."""
    seen: set[int] = set()
    todo: list[Node] = [tree]
    while todo:
        for _, _, node in walk(todo.pop()):
            if isinstance(node, InSegment):
                inner = segments.get(node.id)
                if inner is not None and node.id not in seen:
                    todo.append(inner)
                seen.add(node.id)
            elif not isinstance(node, And | Or | Not):
                yield node
