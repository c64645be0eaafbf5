"""What conditions on people must satisfy: their traits, and how they can be reached."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import assert_never

from antiphon.awareness.segments.kinds import ZONE, Age, Anniversary, ConsentIs, Length, Near, OfProfile, Reachable, Share
from antiphon.awareness.segments.limits import MAX_AGE, MAX_LENGTH, MAX_VALUES, length, numeric, refuse, text, whole
from antiphon.awareness.segments.model import Operand, RelativeInstant, Surroundings, TraitColumn, TraitCondition
from antiphon.awareness.segments.values import instant
from antiphon.awareness.traits import TraitType

Traits = Mapping[str, TraitColumn]

_TEXT = frozenset({"is", "is_not", "in", "not_in", "contains", "not_contains", "starts", "ends", "set", "not_set"})
_ORDER = frozenset({"is", "is_not", "in", "not_in", "lt", "le", "gt", "ge", "between", "set", "not_set"})
_OPS: dict[TraitType, frozenset[str]] = {
    "text": _TEXT,
    "number": _ORDER,
    "boolean": frozenset({"is", "is_not", "set", "not_set"}),
    "instant": _ORDER - {"in", "not_in"},
    "date": _ORDER,
    "text_list": frozenset({"is", "is_not", "in", "not_in", "all", "set", "not_set"}),
}


def check_trait(node: TraitCondition, path: str, traits: Traits) -> None:
    """Refuse a condition that does not suit its trait."""
    kind = _type(node.trait, traits, f"{path}.trait")
    if node.op not in _OPS[kind]:
        raise refuse(f"{node.op} does not apply to a {kind} trait", f"{path}.op")
    for place, operand in _operands(node.op, node.value, node.values, path):
        _typed(operand, kind, place)
    if node.op in ("contains", "not_contains", "starts", "ends") and node.value == "":
        raise refuse("give the text to look for", f"{path}.value")


def check_profile(node: OfProfile, path: str, traits: Traits) -> None:
    """Refuse a condition on a profile's row whose traits have other types, or whose numbers mean nothing."""
    match node:
        case Age():
            _wants(node.trait, ("date", "instant"), traits, f"{path}.trait")
            _zone(node.zone, traits, f"{path}.zone")
            _range(node, MAX_AGE, path)
        case Anniversary():
            _wants(node.trait, ("date", "instant"), traits, f"{path}.trait")
            _zone(node.zone, traits, f"{path}.zone")
            if node.begin > node.end:
                raise refuse("must not be after the end", f"{path}.begin")
        case Length():
            _wants(node.trait, ("text_list",), traits, f"{path}.trait")
            _range(node, MAX_LENGTH, path)
        case Near():
            _wants(node.latitude, ("number",), traits, f"{path}.latitude")
            _wants(node.longitude, ("number",), traits, f"{path}.longitude")
        case Share():
            if not node.salt:
                raise refuse("give a salt: shares of one salt do not overlap", f"{path}.salt")
            text(node.salt, f"{path}.salt")
            for name, value in (("begin", node.begin), ("end", node.end)):
                if round(value, 2) != value:
                    raise refuse("at most two decimals", f"{path}.{name}")
            if node.begin >= node.end:
                raise refuse("must be less than the end", f"{path}.begin")
        case _:
            assert_never(node)


def check_contact(node: ConsentIs | Reachable, path: str, around: Surroundings) -> None:
    """Refuse a channel or a topic there is not."""
    if node.channel not in around.channels:
        raise refuse(f"there is no channel {node.channel[:100]!r}", f"{path}.channel")
    if node.topic is not None and node.topic not in around.topics:
        raise refuse(f"there is no topic {node.topic[:100]!r}", f"{path}.topic")


def _type(trait: str, traits: Traits, place: str) -> TraitType:
    column = traits.get(trait)
    if column is None:
        raise refuse(f"no profile has a trait called {trait[:100]!r}", place)
    return column.type


def _wants(trait: str, kinds: Sequence[TraitType], traits: Traits, place: str) -> None:
    kind = _type(trait, traits, place)
    if kind not in kinds:
        raise refuse(f"must be a {' or '.join(kinds)} trait, and {trait[:100]!r} is {kind}", place)


def _zone(trait: str, traits: Traits, place: str) -> None:
    if trait != ZONE or trait in traits:
        _wants(trait, ("text",), traits, place)


def _range(node: Age | Length, most: int, path: str) -> None:
    low = whole(node.value, most, f"{path}.value")
    if node.op == "between":
        if whole(node.high, most, f"{path}.high") < low:
            raise refuse("must not be less than the value", f"{path}.high")
    elif node.high is not None:
        raise refuse("only between takes high", f"{path}.high")


def _operands(op: str, value: Operand | None, values: Sequence[Operand], path: str) -> list[tuple[str, Operand]]:
    """Return the operands ``op`` takes, each with its path; refuse too few or too many."""
    if op in ("set", "not_set"):
        if value is not None or values:
            raise refuse(f"{op} takes no value", f"{path}.value")
        return []
    if op in ("in", "not_in", "all", "between"):
        if value is not None:
            raise refuse(f"{op} takes values, not value", f"{path}.value")
        if op == "between" and len(values) != 2:
            raise refuse("between takes two values, low and high", f"{path}.values")
        if len(values) > MAX_VALUES:
            raise refuse(f"at most {MAX_VALUES} values", f"{path}.values")
        return [(f"{path}.values[{i}]", one) for i, one in enumerate(values)]
    if values:
        raise refuse(f"{op} takes value, not values", f"{path}.values")
    if value is None:
        raise refuse(f"{op} needs a value", f"{path}.value")
    return [(f"{path}.value", value)]


def _typed(operand: Operand, kind: TraitType, place: str) -> None:
    match kind:
        case "text" | "text_list":
            text(operand, place)
        case "number":
            numeric(operand, place)
        case "boolean":
            if not isinstance(operand, bool):
                raise refuse("must be true or false", place)
        case "instant" | "date":
            _timed(operand, kind, place)
        case _:
            assert_never(kind)


def _timed(operand: Operand, kind: str, place: str) -> None:
    if isinstance(operand, RelativeInstant):
        length(operand.amount, operand.unit, place)
        return
    try:
        if not isinstance(operand, str):
            raise ValueError
        at = date.fromisoformat(operand) if kind == "date" else instant(operand)
        if not 1 < at.year < 9000:
            raise ValueError
    except (ValueError, OverflowError):
        wanted = "a date such as 2026-01-31" if kind == "date" else "an instant such as 2026-01-31T12:00:00Z"
        raise refuse(f"must be {wanted}, or relative to now", place) from None
