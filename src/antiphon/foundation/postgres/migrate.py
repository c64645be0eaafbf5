"""Plain-SQL migrations, numbered: `0001_name.pre.sql` before the new code starts, `.post.sql` after the old code stopped.

Each file runs in one transaction with a lock time-out, under one advisory lock; its hash is kept, and a file that changed
after it ran is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from pathlib import Path

import psycopg

from antiphon.foundation.errors import AntiphonError, Conflict
from antiphon.foundation.postgres.database import DatabaseUnavailable

_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.(pre|post)\.sql$")
_LOCK = 0x616E7469  # "anti"


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


async def migrate(url: str, folder: Path | None = None) -> list[str]:
    """Apply what has not run yet; returns the names applied."""
    try:
        conn = await psycopg.AsyncConnection.connect(url, autocommit=True)
    except psycopg.OperationalError as failed:
        raise DatabaseUnavailable from failed
    applied: list[str] = []
    async with conn:
        await conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
        await conn.execute(
            "create table if not exists migration (name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
        )
        known = {name: sha for name, sha in await (await conn.execute("select name, sha256 from migration")).fetchall()}
        for path in migration_files(folder):
            text = path.read_bytes()
            sha = hashlib.sha256(text).hexdigest()
            if path.name in known:
                if known[path.name] != sha:
                    raise MigrationChanged(name=path.name)
                continue
            try:
                async with conn.transaction():
                    await conn.execute("set local lock_timeout = '10s'")
                    await conn.execute(text)
                    await conn.execute("insert into migration (name, sha256) values (%s, %s)", (path.name, sha))
            except psycopg.Error as failed:
                raise MigrationFailed(name=path.name, why=str(failed).strip()) from failed
            applied.append(path.name)
    return applied


if __name__ == "__main__":
    print("\n".join(asyncio.run(migrate(sys.argv[1]))) or "nothing to do")
