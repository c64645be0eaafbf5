"""Every named statement is understood by the database: a failure here would be a failure at boot."""

import re
from pathlib import Path

import pytest

import antiphon
from antiphon.foundation.postgres import Database, load_queries

FILES = sorted(p for p in Path(antiphon.__file__).parent.rglob("*.sql") if p.name != "lake.sql")
_PARAM = re.compile(r"%\(([a-z_0-9]+)\)[sbt]")


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
async def test_every_statement_prepares(path: Path, db: Database) -> None:
    queries = load_queries(path)
    async with db.connection() as conn:
        for name in queries:  # what a file makes for its own statements
            if re.match(r"\s*create (temp|temporary|unlogged) table", queries[name], re.IGNORECASE) and "%(" not in queries[name]:
                await conn.execute(queries[name])
        for name in queries:
            names: list[str] = []

            def number(match: re.Match[str], names: list[str] = names) -> str:
                if match[1] not in names:
                    names.append(match[1])
                return f"${names.index(match[1]) + 1}"

            text = _PARAM.sub(number, queries[name]).replace("%%", "%")
            if re.match(r"\s*(copy|create|listen|drop|truncate|alter|lock|analyze|set)\b", text, re.IGNORECASE):
                continue
            async with conn.transaction(force_rollback=True):
                try:
                    await conn.execute(f"prepare check_{name} as {text}")
                except Exception as failed:
                    pytest.fail(f"{path.parent.name}.{name}: {failed}")
