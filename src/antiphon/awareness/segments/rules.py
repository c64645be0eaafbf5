"""What a tree must satisfy before it is compiled: sizes, known traits, operands of the right type, no cycles."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from antiphon.awareness.events.filters import MOST_FILTERS, BadFilter, check_filter, check_path, check_text
from antiphon.awareness.events.values import LIMIT, number
from antiphon.awareness.segments.errors import InvalidTree
from antiphon.awareness.segments.model import (
    Ago,
    And,
    Calendar,
    Dates,
    EventCondition,
    InSegment,
    Last,
    Node,
    Not,
    Operand,
    Or,
    Profiles,
    RelativeInstant,
    SinceEvent,
    TraitColumn,
    TraitCondition,
    Unit,
    duration,
    references,
    walk,
)
from antiphon.awareness.segments.values import instant
from antiphon.awareness.traits import TraitType

MAX_DEPTH = 16
MAX_NODES = 300
MAX_VALUES = 1_000
MAX_PROFILES = 10_000
MAX_SPAN = timedelta(days=36_525)

_OPS: dict[TraitType, frozenset[str]] = {
    "text": frozenset({"is", "is_not", "in", "not_in", "contains", "not_contains", "starts", "ends", "set", "not_set"}),
    "number": frozenset({"is", "is_not", "in", "not_in", "lt", "le", "gt", "ge", "between", "set", "not_set"}),
    "boolean": frozenset({"is", "is_not", "set", "not_set"}),
    "instant": frozenset({"is", "is_not", "lt", "le", "gt", "ge", "between", "set", "not_set"}),
    "date": frozenset({"is", "is_not", "in", "not_in", "lt", "le", "gt", "ge", "between", "set", "not_set"}),
    "text_list": frozenset({"is", "is_not", "in", "not_in", "all", "set", "not_set"}),
}


def validate(tree: Node, traits: Mapping[str, TraitColumn], segments: Mapping[int, Node | None]) -> None:
    """Raise InvalidTree, naming the field, unless ``tree`` can be evaluated.

    ``segments`` maps the id of every segment that may be referred to, to its tree (None for a static list).
    """
    for count, (path, depth, node) in enumerate(walk(tree), start=1):
        if depth > MAX_DEPTH:
            raise InvalidTree(f"conditions are nested deeper than {MAX_DEPTH} levels", field=path)
        if count > MAX_NODES:
            raise InvalidTree(f"a segment has at most {MAX_NODES} conditions", field="tree")
        match node:
            case TraitCondition():
                _trait(node, path, traits)
            case EventCondition():
                _event(node, path)
            case InSegment(id=ref):
                if ref not in segments:
                    raise InvalidTree(f"there is no segment {ref}", field=f"{path}.id")
            case Profiles(ids=ids):
                if len(ids) > MAX_PROFILES:
                    raise InvalidTree(f"list at most {MAX_PROFILES} profiles; use a static list", field=f"{path}.ids")
            case And() | Or() | Not():
                pass
            case _:
                raise InvalidTree("this kind of condition cannot be worked out yet", field=f"{path}.kind")


def refuse_cycle(segment_id: int | None, tree: Node, segments: Mapping[int, Node | None]) -> None:
    """Raise InvalidTree if ``tree``, as the tree of ``segment_id``, would refer to itself through others."""
    seen: set[int] = set()
    todo = sorted(references(tree))
    while todo:
        ref = todo.pop()
        if ref == segment_id:
            raise InvalidTree("the segment would refer to itself", field="tree")
        if ref in seen:
            continue
        seen.add(ref)
        inner = segments.get(ref)
        if inner is not None:
            todo.extend(references(inner))


def _trait(node: TraitCondition, path: str, traits: Mapping[str, TraitColumn]) -> None:
    column = traits.get(node.trait)
    if column is None:
        raise InvalidTree(f"no profile has a trait called {node.trait!r}", field=f"{path}.trait")
    if node.op not in _OPS[column.type]:
        raise InvalidTree(f"{node.op} does not apply to a {column.type} trait", field=f"{path}.op")
    for place, operand in _operands(node.op, node.value, node.values, path):
        _typed(operand, column.type, place)
    if node.op in ("contains", "not_contains", "starts", "ends") and node.value == "":
        raise InvalidTree("give the text to look for", field=f"{path}.value")


def _operands(op: str, value: Operand | None, values: Sequence[Operand], path: str) -> list[tuple[str, Operand]]:
    """Return the operands ``op`` takes, each with its path; raise when there are too few or too many."""
    if op in ("set", "not_set"):
        if value is not None or values:
            raise InvalidTree(f"{op} takes no value", field=f"{path}.value")
        return []
    if op in ("in", "not_in", "all", "between"):
        if value is not None:
            raise InvalidTree(f"{op} takes values, not value", field=f"{path}.value")
        if op == "between" and len(values) != 2:
            raise InvalidTree("between takes two values, low and high", field=f"{path}.values")
        if len(values) > MAX_VALUES:
            raise InvalidTree(f"at most {MAX_VALUES} values", field=f"{path}.values")
        return [(f"{path}.values[{i}]", one) for i, one in enumerate(values)]
    if values:
        raise InvalidTree(f"{op} takes value, not values", field=f"{path}.values")
    if value is None:
        raise InvalidTree(f"{op} needs a value", field=f"{path}.value")
    return [(f"{path}.value", value)]


def _typed(operand: Operand, kind: TraitType, place: str) -> None:
    match kind:
        case "text" | "text_list":
            _text(operand, place)
        case "number":
            _number(operand, place)
        case "boolean":
            if not isinstance(operand, bool):
                raise InvalidTree("must be true or false", field=place)
        case "instant" | "date":
            if isinstance(operand, RelativeInstant):
                _span(operand.amount, operand.unit, place)
                return
            try:
                if not isinstance(operand, str):
                    raise ValueError
                at = date.fromisoformat(operand) if kind == "date" else instant(operand)
                if not 1 < at.year < 9000:
                    raise ValueError
            except (ValueError, OverflowError):
                wanted = "a date such as 2026-01-31" if kind == "date" else "an instant such as 2026-01-31T12:00:00Z"
                raise InvalidTree(f"must be {wanted}, or relative to now", field=place) from None


def _text(operand: Operand, place: str) -> None:
    try:
        check_text(operand, place)
    except BadFilter as wrong:
        raise InvalidTree(wrong.rule, field=wrong.field) from None


def _number(operand: Operand | None, place: str) -> Decimal:
    if isinstance(operand, bool) or not isinstance(operand, int | float):
        raise InvalidTree("must be a number", field=place)
    exact = number(operand)
    if exact is None:
        raise InvalidTree(f"must be a number below {LIMIT:.0e}", field=place)
    return exact


def _event(node: EventCondition, path: str) -> None:
    _name(node.name, f"{path}.name")
    try:
        for i, one in enumerate(node.where):
            check_filter(one, f"{path}.where[{i}]")
        if node.property is not None and node.measure != "count":
            check_path(node.property, f"{path}.property")
    except BadFilter as wrong:
        raise InvalidTree(wrong.rule, field=wrong.field) from None
    if len(node.where) > MOST_FILTERS:
        raise InvalidTree(f"at most {MOST_FILTERS} conditions on properties", field=f"{path}.where")
    if node.measure == "count":
        if node.property is not None:
            raise InvalidTree("count takes no property", field=f"{path}.property")
    elif node.property is None:
        raise InvalidTree(f"{node.measure} needs a property", field=f"{path}.property")
    if node.op in ("did", "did_not"):
        if node.measure != "count":
            raise InvalidTree(f"compare the {node.measure} with a value", field=f"{path}.op")
        if node.value is not None or node.high is not None:
            raise InvalidTree(f"{node.op} takes no value", field=f"{path}.value")
    else:
        _number(node.value, f"{path}.value")
        if node.op == "between":
            _number(node.high, f"{path}.high")
        elif node.high is not None:
            raise InvalidTree("only between takes high", field=f"{path}.high")
    if isinstance(node.window, Ago | Calendar | SinceEvent):
        raise InvalidTree("this kind of window cannot be worked out yet", field=f"{path}.window")
    if isinstance(node.window, Last):
        _span(node.window.amount, node.window.unit, f"{path}.window")
    elif isinstance(node.window, Dates):
        for name, at in (("since", node.window.since), ("until", node.window.until)):
            if at is not None and not _sane(at):
                raise InvalidTree("must be an instant with its offset, between 1900 and 2200", field=f"{path}.window.{name}")


def _span(amount: int, unit: Unit, place: str) -> None:
    if duration(amount, unit) > MAX_SPAN:
        raise InvalidTree(f"at most {MAX_SPAN.days} days", field=f"{place}.amount")


def _sane(at: datetime) -> bool:
    return at.tzinfo is not None and 1900 <= at.year <= 2200


def _name(name: str, place: str) -> None:
    if not name:
        raise InvalidTree("give the name of an event", field=place)
    _text(name, place)
