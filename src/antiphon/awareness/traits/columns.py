"""The SQL of the mirror's typed columns: how JSON traits become columns, and which values did not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from antiphon.awareness.traits.model import DATE, INSTANT, LAKE_TYPES, NUMBER, Trait, TraitType

FIXED = ("profile_id", "created_at", "updated_at", "first_seen", "last_seen")
_INTEGERS = ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "INTEGER")
Shape = Any  # a type's name, a list of one shape, or a mapping of names to shapes, as json_group_structure tells


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def path(name: str) -> str:
    """The JSON path of a top-level key, as a SQL literal."""
    return literal('$."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"')


def inferred(shape: Shape, dates: int = 0, instants: int = 0, texts: int = 0) -> TraitType | None:
    """The type of a trait first seen with values of this shape; None when nothing can be said yet, or it is an object."""
    if isinstance(shape, list):
        return "text_list" if not shape or isinstance(shape[0], str) else None
    if not isinstance(shape, str) or shape == "NULL":
        return None
    if shape in _INTEGERS or shape == "DOUBLE":
        return "number"
    if shape == "BOOLEAN":
        return "boolean"
    if texts and dates == texts:
        return "date"
    if texts and dates + instants == texts:
        return "instant"
    return "text"


def native(kind: TraitType, shape: Shape) -> bool:
    """Whether every value of this shape is plainly of the type, so that the quick way gives the right answer."""
    plain = shape if isinstance(shape, str) else ""
    match kind:
        case "text":
            return plain == "VARCHAR"
        case "number":
            return plain in _INTEGERS or plain == "DOUBLE"
        case "boolean":
            return plain == "BOOLEAN"
        case "text_list":
            return isinstance(shape, list) and bool(shape) and shape[0] == "VARCHAR"
        case _:
            return False


def _moment(kind: TraitType, text: str) -> str:
    """A text as a date or an instant."""
    pattern, found = DATE if kind == "date" else f"{INSTANT}|{DATE}", f"try_cast({text} as {LAKE_TYPES[kind]})"
    first, end = (f"{literal(at)}::{LAKE_TYPES[kind]}" for at in ("0001-01-01", "10000-01-01"))
    return f"case when regexp_full_match({text}, {literal(pattern)}) and {found} >= {first} and {found} < {end} then {found} end"


def _finite(number: str) -> str:
    return f"case when isfinite({number}) then {number} end"


def careful(name: str, kind: TraitType) -> str:
    """One trait's value by the letter of `model.typed`."""
    value, at = f"json_extract_string(traits, {path(name)})", f"json_type(traits, {path(name)})"
    match kind:
        case "text":
            return f"case when {at} not in ('OBJECT', 'ARRAY') then {value} end"
        case "number":
            return (
                f"case when {at} in ('BIGINT', 'UBIGINT', 'DOUBLE', 'HUGEINT') then {_finite(f'try_cast({value} as double)')} "
                f"when {at} = 'VARCHAR' and regexp_full_match(trim({value}, ' '), {literal(NUMBER)}) "
                f"then try_cast(trim({value}, ' ') as double) end"
            )
        case "boolean":
            said = f"lower(trim({value}, ' '))"
            return f"case when {at} in ('BOOLEAN', 'VARCHAR') and {said} in ('true', 'false') then {said} = 'true' end"
        case "date" | "instant":
            return f"case when {at} = 'VARCHAR' then {_moment(kind, value)} end"
        case "text_list":
            items = f"json_extract(traits, {path(name)})"
            return (
                f"case {at} when 'ARRAY' then list_transform(list_filter(from_json({items}, '[\"JSON\"]'), "
                f"lambda x: json_type(x) not in ('OBJECT', 'ARRAY', 'NULL')), lambda x: json_extract_string(x, '$')) "
                f"when 'OBJECT' then null else case when {value} is not null then [{value}] end end"
            )


class TypedBatch(NamedTuple):
    """The select that types the batch; for each trait that may have misfits the text that was read and its column."""

    select: str
    columns: list[str]
    misfits: dict[str, tuple[str, str]]


def typed_select(traits: Iterable[Trait], shapes: Mapping[str, Shape]) -> TypedBatch:
    """How the batch becomes typed columns: traits whose every value is plainly of its type in one reading of the JSON."""
    quick: dict[str, Any] = {}  # names that differ by case alone cannot share a struct: only the first is quick
    lowered: dict[str, str] = {}
    columns: list[str] = []
    names: list[str] = []
    misfits: dict[str, tuple[str, str]] = {}
    for number, trait in enumerate(traits):
        shape = shapes.get(trait.name)
        if shape is None or shape == "NULL":
            continue
        wanted: list[tuple[str, TraitType]] = [(trait.column_name, trait.type)]
        if trait.next_column and trait.next_type:
            wanted.append((trait.next_column, trait.next_type))
        text = f"json_extract_string(traits, {path(trait.name)})"
        if lowered.setdefault(trait.name.lower(), trait.name) == trait.name and (native(trait.type, shape) or shape == "VARCHAR"):
            quick[trait.name] = _transform(trait.type) if native(trait.type, shape) else "VARCHAR"
            text = f"q.{_quoted(trait.name)}"
        for column, kind in wanted:
            if native(kind, shape) and quick.get(trait.name) == _transform(kind):
                # A null among texts does not show in the shape.
                value = {"text_list": f"list_filter({text}, lambda x: x is not null)", "number": _finite(text)}.get(kind, text)
                columns.append(f"{value} as {column}")
            elif shape == "VARCHAR" and kind in ("date", "instant"):
                columns.append(f"{_moment(kind, text)} as {column}")
            else:
                columns.append(f"{careful(trait.name, kind)} as {column}")
            names.append(column)
        if not native(trait.type, shape):
            columns.append(f"{text} as read_{number}")
            misfits[trait.name] = (f"read_{number}", trait.column_name)
    source = f"(select *, json_transform(traits, {literal(msgspec.json.encode(quick).decode())}) as q from dirty where alive)"
    select = f"select {', '.join([*FIXED, *columns])} from {source if quick else '(from dirty where alive)'}"
    return TypedBatch(select, [*FIXED, *names], misfits)


def _transform(kind: TraitType) -> Any:
    return ["VARCHAR"] if kind == "text_list" else LAKE_TYPES[kind].upper()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
