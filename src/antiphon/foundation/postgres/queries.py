"""Named queries out of `.sql` files: `-- name: find_person`, one comment of intent, the statement, a semicolon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

_NAME = re.compile(r"^-- name: ([a-z_][a-z0-9_]*)\s*$", re.MULTILINE)


class Queries:
    """The statements of one file, as attributes: `SQL.find_person`."""

    def __init__(self, path: Path, statements: dict[str, LiteralString]) -> None:
        self.path = path
        self._statements = statements

    def __getattr__(self, name: str) -> LiteralString:
        try:
            return self._statements[name]
        except KeyError:
            raise AttributeError(f"{self.path} has no query named {name}") from None

    def __getitem__(self, name: str) -> LiteralString:
        return self._statements[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)


def load_queries(path: Path) -> Queries:
    """Read a file of named queries. Raises ValueError on a query without intent, without text, or named twice."""
    parts = _NAME.split(path.read_text())
    statements: dict[str, LiteralString] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        lines = body.strip().splitlines()
        if not lines or not lines[0].startswith("--"):
            raise ValueError(f"{path}: query {name} lacks its comment of intent")
        text = "\n".join(line for line in lines if not line.lstrip().startswith("--")).strip().rstrip(";")
        if not text or name in statements:
            raise ValueError(f"{path}: query {name} is empty or named twice")
        statements[name] = text
    return Queries(path, statements)
