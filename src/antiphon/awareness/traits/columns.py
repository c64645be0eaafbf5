"""The SQL of the mirror's typed columns: how JSON traits become columns, and which values did not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
    match kind:
        case "text":
            return shape == "VARCHAR"
        case "number":
            return shape in _INTEGERS or shape == "DOUBLE"
        case "boolean":
            return bool(shape == "BOOLEAN")
        case "text_list":
            return isinstance(shape, list) and bool(shape) and shape[0] == "VARCHAR"
        case _:
            return False


def careful(name: str, kind: TraitType) -> str:
    """One trait's value by the letter of `model.typed`."""
    value, at = f"json_extract_string(traits, {path(name)})", f"json_type(traits, {path(name)})"
    match kind:
        case "text":
            return f"case when {at} not in ('OBJECT', 'ARRAY') then {value} end"
        case "number":
            return (
                f"case when {at} in ('BIGINT', 'UBIGINT', 'DOUBLE', 'HUGEINT') then try_cast({value} as double) "
                f"when {at} = 'VARCHAR' and regexp_full_match(trim({value}), {literal(NUMBER)}) then try_cast(trim({value}) as double) end"
            )
        case "boolean":
            return f"case when {at} in ('BOOLEAN', 'VARCHAR') and lower(trim({value})) in ('true', 'false') then lower(trim({value})) = 'true' end"
        case "date":
            return f"case when {at} = 'VARCHAR' and regexp_full_match({value}, {literal(DATE)}) then try_cast({value} as date) end"
        case "instant":
            return (
                f"case when {at} = 'VARCHAR' and regexp_full_match({value}, {literal(f'{INSTANT}|{DATE}')}) "
                f"then try_cast({value} as timestamptz) end"
            )
        case "text_list":
            items = f"json_extract(traits, {path(name)})"
            return (
                f"case {at} when 'ARRAY' then list_transform(list_filter(from_json({items}, '[\"JSON\"]'), "
                f"lambda x: json_type(x) not in ('OBJECT', 'ARRAY', 'NULL')), lambda x: json_extract_string(x, '$')) "
                f"when 'OBJECT' then null else case when {value} is not null then [{value}] end end"
            )


def typed_select(traits: Iterable[Trait], shapes: Mapping[str, Shape]) -> tuple[str, dict[str, str]]:
    """(the select that types the batch, for each trait that may have misfits the condition that a row's value is one)."""
    quick: dict[str, TraitType] = {}  # names that differ by case alone cannot share a struct: only the first is quick
    lowered: dict[str, tuple[str, TraitType]] = {}
    columns: list[str] = []
    misfits: dict[str, str] = {}
    for trait in traits:
        shape = shapes.get(trait.name)
        if shape is None or shape == "NULL":
            continue
        wanted: list[tuple[str, TraitType]] = [(trait.column_name, trait.type)]
        if trait.next_column and trait.next_type:
            wanted.append((trait.next_column, trait.next_type))
        for column, kind in wanted:
            if native(kind, shape) and lowered.setdefault(trait.name.lower(), (trait.name, kind)) == (trait.name, kind):
                quick[trait.name] = kind
                columns.append(f"q.{_quoted(trait.name)} as {column}")
            else:
                sql = careful(trait.name, kind)
                columns.append(f"{sql} as {column}")
                if column == trait.column_name:
                    missing = f"json_type(traits, {path(trait.name)}) <> 'NULL' and json_extract_string(traits, {path(trait.name)}) <> ''"
                    misfits[trait.name] = f"{missing} and ({sql}) is null"
    wanted_sql = ", ".join([*FIXED, *columns])
    shape_json = msgspec.json.encode({name: _transform(kind) for name, kind in quick.items()}).decode()
    source = f"(select *, json_transform(traits, {literal(shape_json)}) as q from dirty where alive)" if quick else "(from dirty where alive)"
    return f"select {wanted_sql} from {source}", misfits


def _transform(kind: TraitType) -> Any:
    return ["VARCHAR"] if kind == "text_list" else LAKE_TYPES[kind].upper()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
