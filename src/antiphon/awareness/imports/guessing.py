"""What the values of a column look like, when the map does not say what they are."""

from __future__ import annotations

from antiphon.awareness.imports.compile import cleaned, column, literal
from antiphon.awareness.imports.model import CellType

_NUMBER = r"[+-]?([0-9]{1,27}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def guess_select(columns: list[str], source: str) -> str:
    """For each column how many values it has, and how many of them look like each type."""
    parts = []
    for number, found in enumerate(columns):
        text = column(found)
        parts += [
            f"count({text}) as c{number}_all",
            (
                f"count(*) filter (regexp_full_match({text}, {literal(_NUMBER)}) "
                f"and not regexp_full_match({text}, '[+-]?0[0-9].*|\\+[0-9]+')) as c{number}_number"
            ),
            f"count(*) filter (lower({text}) in ('true', 'false')) as c{number}_boolean",
            f"count(*) filter (regexp_full_match({text}, '{_DAY}') and try_cast({text} as date) is not null) as c{number}_date",
            (
                f"count(*) filter (regexp_full_match({text}, '{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}.*') "
                f"and try_cast({text} as timestamptz) is not null) as c{number}_instant"
            ),
        ]
    return f"select {', '.join(parts)} from {cleaned(source, columns)}"


def guessed(row: tuple[int, ...], number: int) -> CellType | None:
    """The type of a column by what all its values look like; None when it has none."""
    total, numbers, booleans, dates, instants = row[number * 5 : number * 5 + 5]
    if total == 0:
        return None
    kinds: tuple[tuple[int, CellType], ...] = ((numbers, "number"), (booleans, "boolean"), (dates, "date"), (instants, "instant"))
    for count, kind in kinds:
        if count == total:
            return kind
    return "text"
