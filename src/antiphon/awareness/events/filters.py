"""Conditions on properties of events: what they say, whether they hold, and what is wrong with one."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, assert_never

import msgspec
from msgspec import Struct

from antiphon.awareness.events.values import LIMIT, dig, lower, number, text

MOST_FILTERS = 20
MAX_VALUES = 1_000
MAX_TEXT = 1_000
MAX_PATH = 8

Scalar: TypeAlias = str | int | float | bool

PropertyOp = Literal[
    "is", "is_not", "in", "not_in", "lt", "le", "gt", "ge", "between", "contains", "starts", "ends", "set", "not_set"
]


class PropertyFilter(Struct, frozen=True, forbid_unknown_fields=True):
    """A condition on one property of an event.

    ``property`` is a name, or a path with dots into nested objects and lists (``products.0.sku``). A text operand
    compares with texts, whole numbers and booleans by their text; a numeric one with numbers, and texts that are one.
    """

    property: str
    op: PropertyOp
    value: Scalar | None = None
    values: list[Scalar] = msgspec.field(default_factory=list)


def filter_holds(one: PropertyFilter, properties: dict[str, Any]) -> bool:
    """Whether a condition on one property holds."""
    value = dig(properties, one.property)
    match one.op:
        case "set":
            return value is not None
        case "not_set":
            return value is None
        case "is":
            return _one_of(value, [one.value if one.value is not None else ""])
        case "is_not":
            return not _one_of(value, [one.value if one.value is not None else ""])
        case "in":
            return _one_of(value, one.values)
        case "not_in":
            return not _one_of(value, one.values)
        case "lt" | "le" | "gt" | "ge":
            exact, wanted = number(value), number(one.value)
            return exact is not None and wanted is not None and ordered(one.op, exact, wanted)
        case "between":
            exact, low, high = number(value), number(one.values[0]), number(one.values[1])
            return exact is not None and low is not None and high is not None and low <= exact <= high
        case "contains" | "starts" | "ends":
            return text_holds(one.op, text(value), str(one.value))
        case _:
            assert_never(one.op)


def _one_of(value: Any, wanted: Sequence[Scalar]) -> bool:
    if not wanted:
        return False
    if isinstance(wanted[0], str):
        return text(value) in wanted
    if isinstance(wanted[0], bool):
        return isinstance(value, bool) and value in wanted
    exact = number(value)
    return exact is not None and exact in [number(one) for one in wanted]


def ordered(op: str, left: Any, right: Any) -> bool:
    """Compare two values of one type."""
    match op:
        case "lt":
            return bool(left < right)
        case "le":
            return bool(left <= right)
        case "gt":
            return bool(left > right)
        case "ge":
            return bool(left >= right)
        case "eq" | "is":
            return bool(left == right)
        case _:
            raise AssertionError(op)


def text_holds(op: str, value: str | None, wanted: str) -> bool:
    """Compare texts without regard to case."""
    if value is None:
        return False
    value, wanted = lower(value), lower(wanted)
    match op:
        case "starts":
            return value.startswith(wanted)
        case "ends":
            return value.endswith(wanted)
        case _:
            return wanted in value


class BadFilter(ValueError):
    """A condition on a property breaks a rule: ``rule``, at ``field``."""

    def __init__(self, rule: str, field: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.field = field


def check_filter(one: PropertyFilter, place: str) -> None:
    """Raise BadFilter unless the condition can be evaluated."""
    check_path(one.property, f"{place}.property")
    operands = _operands(one, place)
    if len({_kind(value) for _, value in operands}) > 1:
        raise BadFilter("values must be all text or all numbers", f"{place}.values")
    for where, value in operands:
        if one.op in ("contains", "starts", "ends"):
            check_text(value, where)
            if value == "":
                raise BadFilter("give the text to look for", where)
        elif one.op not in ("lt", "le", "gt", "ge", "between") and isinstance(value, bool):
            continue
        elif one.op not in ("lt", "le", "gt", "ge", "between") and isinstance(value, str):
            check_text(value, where)
        else:
            check_number(value, where)


def check_path(path: str, place: str) -> None:
    """Raise BadFilter unless this is a property's dotted path."""
    check_text(path, place)
    names = path.split(".")
    if not all(names):
        raise BadFilter("give the name of a property", place)
    if len(names) > MAX_PATH:
        raise BadFilter(f"at most {MAX_PATH} names in a path", place)


def check_text(value: object, place: str) -> None:
    """Raise BadFilter unless this is a text that can be stored."""
    if not isinstance(value, str):
        raise BadFilter("must be text", place)
    if len(value) > MAX_TEXT:
        raise BadFilter(f"at most {MAX_TEXT} characters", place)
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise BadFilter("text has a character that cannot be stored", place)


def check_number(value: object, place: str) -> None:
    """Raise BadFilter unless this is a number properties are compared by."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadFilter("must be a number", place)
    if number(value) is None:
        raise BadFilter(f"must be a number below {LIMIT:.0e}", place)


def _operands(one: PropertyFilter, place: str) -> list[tuple[str, Scalar]]:
    if one.op in ("set", "not_set"):
        if one.value is not None or one.values:
            raise BadFilter(f"{one.op} takes no value", f"{place}.value")
        return []
    if one.op in ("in", "not_in", "between"):
        if one.value is not None:
            raise BadFilter(f"{one.op} takes values, not value", f"{place}.value")
        if one.op == "between" and len(one.values) != 2:
            raise BadFilter("between takes two values, low and high", f"{place}.values")
        if len(one.values) > MAX_VALUES:
            raise BadFilter(f"at most {MAX_VALUES} values", f"{place}.values")
        return [(f"{place}.values[{i}]", value) for i, value in enumerate(one.values)]
    if one.values:
        raise BadFilter(f"{one.op} takes value, not values", f"{place}.values")
    if one.value is None:
        raise BadFilter(f"{one.op} needs a value", f"{place}.value")
    return [(f"{place}.value", one.value)]


def _kind(value: Scalar) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"
