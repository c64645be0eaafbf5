"""The SQL of a set of customers: what each row says, typed, normalised and judged in one reading of the staged file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from antiphon.awareness.imports.compile import (
    ROW,
    broken_text,
    cleaned,
    first_reason,
    json_object,
    literal,
    plain_identity,
    raw,
    typed,
)
from antiphon.awareness.imports.model import CellType, ImportMap, cell, columns_of
from antiphon.awareness.imports.saying_sql import said_columns
from antiphon.awareness.traits import TypedColumn


def chunk_select(imported: ImportMap, types: Mapping[str, CellType], source: str, channels: Sequence[str], now: datetime) -> str:
    """Rows as (n, reason, traits, raw and plain identities, typed traits, what was said), and `removing` where cells remove.

    `channels` are those a customer may wish for; nothing can have been said after `now`.
    """
    found = {key: typed(cell(one), types[f"traits.{key}"]) for key, one in imported.traits.items()}
    reasons = [broken_text(imported), *(one.reason for one in found.values())]
    columns = [f"{ROW} as n"]
    for number, (kind, source_cell) in enumerate(imported.identities.items()):
        one = cell(source_cell)
        text = raw(one)
        if one.type == "integer":
            whole = typed(one, "integer")
            text, reason = whole.json, whole.reason
            reasons.append(reason)
        columns += [f"{text} as raw{number}", f"{plain_identity(kind, text)} as identity{number}"]
    columns += [f"{one.column} as trait{number}" for number, one in enumerate(found.values())]
    columns.append(f"{json_object({key: one.json for key, one in found.items()})} as traits")
    if imported.empty == "remove":
        columns.append(f"{json_object({key: one.json for key, one in found.items()}, keep_null=True)} as removing")
    said, more = said_columns(imported, channels, now)
    columns += said
    reasons += more
    columns.append(f"{first_reason([r for r in reasons if r != 'null'])} as reason")
    return f"select {', '.join(columns)} from {cleaned(source, columns_of(imported), imported.only)}"


def identities_select(imported: ImportMap) -> str:
    """The identities of the rows in `chunk` that are not refused, as (n, kind, raw, value)."""
    return " union all ".join(
        f"select n, {literal(kind)} as kind, raw{number} as raw, identity{number} as value "
        f"from chunk where reason is null and raw{number} is not null"
        for number, kind in enumerate(imported.identities)
    )


def trait_columns(imported: ImportMap, types: Mapping[str, CellType]) -> dict[str, TypedColumn]:
    """Where the mirror finds each trait in `chunk`, and as which type."""
    found: dict[str, TypedColumn] = {}
    for number, key in enumerate(imported.traits):
        kind = types[f"traits.{key}"]
        found[key] = TypedColumn("number" if kind == "integer" else kind, f"trait{number}")
    return found
