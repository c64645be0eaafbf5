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

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from antiphon.awareness.events import PropertyFilter
from antiphon.awareness.traits import TraitType

Unit = Literal["minutes", "hours", "days", "weeks"]

_UNIT: dict[str, timedelta] = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
    "weeks": timedelta(weeks=1),
}


def duration(amount: int, unit: Unit) -> timedelta:
    """Return the fixed length of ``amount`` units (a day is always 24 hours)."""
    return amount * _UNIT[unit]


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
    "contains",
    "not_contains",
    "starts",
    "ends",
    "set",
    "not_set",
]

EventOp = Literal["did", "did_not", "eq", "ne", "lt", "le", "gt", "ge", "between"]

Measure = Literal["count", "sum", "avg", "min", "max"]


class TraitCondition(Struct, frozen=True, tag_field="kind", tag="trait", forbid_unknown_fields=True):
    """A condition on one trait of the profile.

    ``value`` for one operand, ``values`` for ``in``/``not_in`` (any number) and ``between`` (low and high, both
    included). Dates and instants are RFC 3339 text or ``RelativeInstant``. ``is`` on a list trait means *includes*. Text is
    compared exactly by ``is`` and ``in``, and without regard to case by ``contains``, ``starts`` and ``ends``.
    """

    trait: str
    op: TraitOp
    value: Operand | None = None
    values: list[Operand] = msgspec.field(default_factory=list)


class Last(Struct, frozen=True, tag_field="kind", tag="last", forbid_unknown_fields=True):
    """The rolling window ``(now - amount units, now]``."""

    amount: Annotated[int, Meta(ge=1, le=5_256_000)]
    unit: Unit


class Dates(Struct, frozen=True, tag_field="kind", tag="dates", forbid_unknown_fields=True):
    """The absolute window ``[since, until)``; either end may be left open."""

    since: datetime | None = None
    until: datetime | None = None


Window: TypeAlias = Last | Dates


class EventCondition(Struct, frozen=True, tag_field="kind", tag="event", forbid_unknown_fields=True):
    """A condition on the events of one name: did, did not, or a measure of them compared with a number.

    ``where`` must hold entirely for an event to be counted. ``measure`` other than ``count`` needs ``property``.
    ``between`` includes both ``value`` and ``high``.
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


Node: TypeAlias = TraitCondition | EventCondition | And | Or | Not | InSegment | Profiles


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
    return {part.id for _, _, part in walk(node) if isinstance(part, InSegment)}
