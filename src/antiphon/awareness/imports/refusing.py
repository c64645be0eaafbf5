"""Refused rows: each goes, as it was, with its number and the reason, to the import's error file. No cell begins a formula."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from antiphon.awareness.imports import compile as sql
from antiphon.awareness.imports.reasons import SORT
from antiphon.foundation.lake import LakeSession, LakeTransaction

_FORMULA = r"^[=+\-@\t\r]"
_NO_FORMULA = r"^[+-]?[0-9][0-9 ().,-]*$"


def safe(expression: str) -> str:
    """SQL of a text that no spreadsheet takes for a formula."""
    return (
        f"case when regexp_matches({expression}, {sql.literal(_FORMULA)}) and not regexp_full_match({expression}, "
        f"{sql.literal(_NO_FORMULA)}) then '''' || {expression} else {expression} end"
    )


def safe_cell(text: str) -> str:
    """The same for one text."""
    return "'" + text if re.match(_FORMULA, text) and not re.match(_NO_FORMULA, text) else text


def begin_errors(path: Path, columns: list[str]) -> None:
    """An error file for rows of these columns."""
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerow(["row", "reason", "line", *(safe_cell(c) for c in columns)])


def add_errors(path: Path, rows: list[tuple[str, str, str]], columns: int) -> None:
    """Lines that are no rows: (number, reason, the line)."""
    with path.open("a", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([number, reason, safe_cell(line), *([""] * columns)] for number, reason, line in rows)


def append(into: Path, part: Path) -> None:
    """Add a part to the error file, and remove it."""
    with part.open("rb") as source, into.open("ab") as out:
        while block := source.read(1 << 20):
            out.write(block)
    part.unlink()


async def refuse(
    lake: LakeTransaction | LakeSession, lines: str, rows: str, part: Path, columns: list[str]
) -> tuple[int, dict[str, int]]:
    """Write the rows of `chunk` that have a reason as they were; (how many rows, how many by sort of reason).

    `lines` is the number (or the numbers, unnested) of the staged `rows` that a row of `chunk` stands for.
    """
    kinds = await lake.run(
        f"select coalesce(nullif(rtrim(regexp_extract(reason, {sql.literal(SORT)}), ': '), ''), reason) as sort, count(*) "
        "from chunk where reason is not null group by 1 order by 2 desc limit 50"
    )
    if not kinds:
        return 0, {}
    shown = ", ".join(safe("r." + sql.column(c)) for c in columns)
    found = await lake.run(
        f"copy (select c.n, c.reason, null, {shown} from {rows} r "
        f"join (select {lines} as n, reason from chunk where reason is not null) c on r.{sql.ROW} = c.n order by c.n) "
        f"to {sql.literal(str(part))} (format csv, header false)"
    )
    return int(found[0][0]), {str(kind): int(count) for kind, count in kinds}
