"""One person against a tree, in Python, with the facts that decided: why somebody is in, or out.

The same rules as ``compile``, read from the same words of ``model``: property tests hold the two together.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, assert_never

import msgspec
from msgspec import Struct

from antiphon.awareness.events.filters import ordered, text_holds
from antiphon.awareness.segments.contact import contact_holds
from antiphon.awareness.segments.engagement import as_event
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
from antiphon.awareness.segments.measures import compares, counted, measure
from antiphon.awareness.segments.model import (
    And,
    Condition,
    EventCondition,
    InSegment,
    Node,
    Not,
    Or,
    Profiles,
    TraitColumn,
    TraitCondition,
)
from antiphon.awareness.segments.moments import time_holds
from antiphon.awareness.segments.people import profile_holds
from antiphon.awareness.segments.person import Happened, Person
from antiphon.awareness.segments.sequences import sequence_of
from antiphon.awareness.segments.sql import operand
from antiphon.awareness.traits import typed

__all__ = ["Checker", "Example", "Happened", "Person", "Verdict"]

EXAMPLES = 3


class Example(Struct, frozen=True):
    """An event that counted, shown as evidence."""

    ts: datetime
    properties: dict[str, Any]


class Verdict(Struct, frozen=True):
    """Whether one node holds for the person, and why.

    ``path`` names the node in the tree. ``actual`` is what was found: the trait's value, or the measure of the events
    that counted (``events`` of them, the latest as ``examples``). ``parts`` are the verdicts on the node's parts.
    """

    path: str
    kind: str
    holds: bool
    node: dict[str, Any]
    actual: str | float | bool | list[str] | None = None
    events: int | None = None
    examples: list[Example] = msgspec.field(default_factory=list)
    parts: list["Verdict"] = msgspec.field(default_factory=list)


class Checker:
    """Checks trees for persons at one instant."""

    def __init__(
        self,
        now: datetime,
        traits: Mapping[str, TraitColumn],
        segments: Mapping[int, Node | None] | None = None,
    ) -> None:
        self.now = now
        self.traits = traits
        self.segments = segments or {}

    def why(self, node: Node, person: Person, path: str = "tree") -> Verdict:
        """Return the verdict on ``node`` with those on all its parts; those of a segment referred to again are not repeated."""
        return self._why(node, person, path, {})

    def holds(self, node: Node, person: Person) -> bool:
        """Return whether the person belongs."""
        return self.why(node, person).holds

    def _why(self, node: Node, person: Person, path: str, known: dict[int, bool]) -> Verdict:
        match node:
            case And(of=of) | Or(of=of):
                parts = [self._why(part, person, f"{path}.of[{i}]", known) for i, part in enumerate(of)]
                together: Callable[[Any], bool] = all if isinstance(node, And) else any
                kind = "and" if isinstance(node, And) else "or"
                return Verdict(path, kind, together(part.holds for part in parts), {}, parts=parts)
            case Not(of=one):
                inner = self._why(one, person, f"{path}.of", known)
                return Verdict(path, "not", not inner.holds, {}, parts=[inner])
            case InSegment():
                return self._segment(node, person, path, known)
            case _:
                return self._leaf(node, person, path)

    def _segment(self, node: InSegment, person: Person, path: str, known: dict[int, bool]) -> Verdict:
        tree = self.segments[node.id]
        if tree is None:
            return Verdict(path, "segment", node.id in person.lists, _plain(node))
        if node.id in known:
            return Verdict(path, "segment", known[node.id], _plain(node))
        inner = self._why(tree, person, f"{path}.segment", known)
        known[node.id] = inner.holds
        return Verdict(path, "segment", inner.holds, _plain(node), parts=[inner])

    def _leaf(self, node: Condition, person: Person, path: str) -> Verdict:
        match node:
            case TraitCondition():
                column = self.traits[node.trait]
                actual = typed(person.traits.get(node.trait), column.type)
                return Verdict(path, "trait", trait_holds(node, actual, column, self.now), _plain(node), _shown(actual))
            case Age() | Anniversary() | Length() | Near() | Share():
                held, found = profile_holds(node, person, self.traits, self.now)
                return Verdict(path, kind_of(node), held, _plain(node), _shown(found))
            case EventCondition() | Engagement():
                return self._counted(node, person, path)
            case EventTime():
                held, at = time_holds(node, person.events, self.now)
                return Verdict(path, "event_time", held, _plain(node), _shown(at))
            case Sequence():
                chain = sequence_of(node, person.events, self.now)
                shown = [Example(one.ts, one.properties) for one in chain]
                return Verdict(path, "sequence", bool(chain), _plain(node), events=len(chain), examples=shown)
            case ConsentIs() | Reachable():
                held, word = contact_holds(node, person)
                return Verdict(path, kind_of(node), held, _plain(node), word)
            case Profiles(ids=ids):
                return Verdict(path, "profiles", person.id in ids, {})
            case Lookalike(id=ref, percent=percent):
                return Verdict(path, "lookalike", (ref, percent) in person.alike, _plain(node))
            case _:
                assert_never(node)

    def _counted(self, node: EventCondition | Engagement, person: Person, path: str) -> Verdict:
        asked = as_event(node) if isinstance(node, Engagement) else node
        found = counted(asked, person.events, self.now)
        measured = measure(asked, found)
        latest = sorted(found, key=lambda one: one.ts, reverse=True)[:EXAMPLES]
        return Verdict(
            path,
            kind_of(node),
            compares(asked, measured),
            _plain(node),
            actual=None if measured is None else float(measured),
            events=len(found),
            examples=[Example(one.ts, one.properties) for one in latest],
        )


def kind_of(node: Node) -> str:
    """Return the word for this kind of node."""
    return str(node.__struct_config__.tag)


def trait_holds(node: TraitCondition, actual: Any, column: TraitColumn, now: datetime) -> bool:
    """Whether a condition on a trait holds for its value (of the trait's type; None when not set)."""
    match node.op:
        case "set":
            return actual is not None
        case "not_set":
            return actual is None
        case "is_not" | "not_in" | "not_contains":
            positive = msgspec.structs.replace(node, op={"is_not": "is", "not_in": "in"}.get(node.op, "contains"))
            return not trait_holds(positive, actual, column, now)
        case _:
            pass
    if actual is None:
        return False
    values = [operand(one, column.type, now) for one in node.values]
    value = operand(node.value, column.type, now) if node.value is not None else None
    match node.op:
        case "is":
            return value in actual if column.type == "text_list" else bool(actual == value)
        case "in":
            return any(one in actual for one in values) if column.type == "text_list" else actual in values
        case "all":
            return all(one in actual for one in values)
        case "lt" | "le" | "gt" | "ge":
            return ordered(node.op, actual, value)
        case "between":
            return bool(values[0] <= actual <= values[1])
        case "contains" | "starts" | "ends":
            return text_holds(node.op, actual, str(node.value))
        case _:
            assert_never(node.op)


def _plain(node: Node) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(node)
    return plain


def _shown(actual: Any) -> str | float | bool | list[str] | None:
    if isinstance(actual, datetime):
        return actual.isoformat().replace("+00:00", "Z")
    return actual if actual is None or isinstance(actual, str | bool | int | float | list) else str(actual)
