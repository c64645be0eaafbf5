"""Rows as CSV (RFC 4180) that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(cell: object) -> str:
    """A cell no spreadsheet takes for a formula: what could begin one is led by an apostrophe (OWASP, CSV injection)."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, int):
        return str(cell)
    text = str(cell).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS) else text


def lines(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as CSV."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode()
