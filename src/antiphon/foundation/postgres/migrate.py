"""Plain-SQL migrations, numbered: `0001_name.pre.sql` before the new code starts, `.post.sql` after the old code stopped.

A `.pre` leaves the schema such that the code before it still works; what that code alone needed goes in a `.post`. Each
file runs in one transaction with a lock time-out, under one advisory lock; its hash is kept, and a file that changed
after it ran is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from pathlib import Path
from typing import Literal

import psycopg

from antiphon.foundation.errors import AntiphonError, Conflict
from antiphon.foundation.postgres.database import DatabaseUnavailable

_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.(pre|post)\.sql$")
_LOCK = 0x616E7469  # "anti"
Phase = Literal["pre", "post"]


class MigrationChanged(Conflict):
    """Migration {name} was changed after it ran; restore it and put the change into a new one."""


class MigrationFailed(AntiphonError):
    """Migration {name} failed: {why}"""


def migrations_dir() -> Path:
    """The folder of migrations: beside the package in a wheel, at the project's root in a clone."""
    inside = Path(__file__).parents[2] / "_migrations"
    return inside if inside.is_dir() else Path(__file__).parents[4] / "migrations"


def migration_files(folder: Path | None = None) -> list[Path]:
    """Every migration, in the order in which they run."""
    files = [p for p in (folder or migrations_dir()).iterdir() if _FILE.match(p.name)]
    return sorted(files, key=lambda p: (p.name[:4], p.name.endswith(".post.sql"), p.name))


async def migrate(url: str, folder: Path | None = None, phase: Phase | None = None) -> list[str]:
    """Apply what has not run yet, in order, or that of one phase only; returns the names applied.

    Raises MigrationChanged before anything is applied, MigrationFailed (that file is rolled back, those before it stay)
    and DatabaseUnavailable.
    """
    try:
        conn = await psycopg.AsyncConnection.connect(url, autocommit=True)
    except psycopg.OperationalError as failed:
        raise DatabaseUnavailable from failed
    applied: list[str] = []
    async with conn:
        await conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
        await conn.execute(
            "create table if not exists migration"
            " (name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
        )
        known = {name: sha for name, sha in await (await conn.execute("select name, sha256 from migration")).fetchall()}
        files = {path: path.read_bytes() for path in migration_files(folder)}
        hashes = {path: hashlib.sha256(text).hexdigest() for path, text in files.items()}
        for path in files:
            if known.get(path.name, hashes[path]) != hashes[path]:
                raise MigrationChanged(name=path.name)
        for path, text in files.items():
            if path.name in known or (phase is not None and not path.name.endswith(f".{phase}.sql")):
                continue
            try:
                async with conn.transaction():
                    await conn.execute("set local lock_timeout = '10s'")
                    await conn.execute(text)
                    await conn.execute("insert into migration (name, sha256) values (%s, %s)", (path.name, hashes[path]))
            except psycopg.Error as failed:
                raise MigrationFailed(name=path.name, why=str(failed).strip()) from failed
            applied.append(path.name)
    return applied


if __name__ == "__main__":
    print("\n".join(asyncio.run(migrate(sys.argv[1]))) or "nothing to do")
