"""The database's folder: made whole or not at all, and recognised when it is neither."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from antiphon.foundation.embedded.account import Account
from antiphon.foundation.embedded.errors import (
    DatabaseHalfMade,
    DatabaseVersionDiffers,
    DiskFull,
    from_os_error,
    from_server_words,
)
from antiphon.foundation.embedded.parent import die_with_parent

SUPERUSER = "antiphon"
DATABASE = "antiphon"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_ROOM_NEEDED = 100 * 1024 * 1024


def folder_argument(cluster: Path, account: Account) -> str:
    """How the server is told its folder. One below a private home is entered by us and named by the working folder,
    which the account may use without being able to walk there."""
    if sys.platform == "linux" and not account.can_reach(cluster.parent):
        return "/proc/self/cwd"
    return str(cluster)


def ensure_cluster(cluster: Path, account: Account, programs: Path) -> None:
    """Makes the database unless it is there. What an interrupted first start left is removed and made anew.

    Raises DatabaseHalfMade, DatabaseVersionDiffers, DiskFull, DataFolderUnwritable, DatabaseFailed.
    """
    making = cluster.with_name(cluster.name + ".making")
    try:
        if making.exists():
            shutil.rmtree(making)
        if cluster.exists() and any(cluster.iterdir()):
            _check(cluster, programs)
            return
        room = os.statvfs(cluster.parent)
        if room.f_bavail * room.f_frsize < _ROOM_NEEDED:
            raise DiskFull(folder=cluster.parent)
        making.mkdir(mode=0o700)
        account.own(making)
        _initialise(making, account, programs)
        if cluster.exists():
            cluster.rmdir()
        making.rename(cluster)
        parent = os.open(cluster.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except OSError as failed:
        raise from_os_error(failed, cluster.parent) from failed
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _check(cluster: Path, programs: Path) -> None:
    for name in ("PG_VERSION", "global/pg_control", "base"):
        if not (cluster / name).exists():
            raise DatabaseHalfMade(folder=cluster, why=f"{name} is missing")
    found = (cluster / "PG_VERSION").read_text().strip()
    brought = (programs.parent / "share" / "postgres.bki").open().readline().rsplit(" ", 1)[-1].strip()
    if found != brought:
        raise DatabaseVersionDiffers(folder=cluster, found=found, brought=brought)


def _initialise(making: Path, account: Account, programs: Path) -> None:
    where = folder_argument(making, account)
    words = ""
    for ctype in ("C.UTF-8", "C"):  # trigram search over Cyrillic and Chinese needs the first; a few systems lack it
        command = [
            str(programs / "initdb"), "-D", where, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-instructions",
            "--locale=C", f"--lc-ctype={ctype}", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        ]
        done = _run(command, making, account)
        words = done.stderr + done.stdout
        if done.returncode == 0:
            break
        if "locale" not in words.lower() or "no space left" in words.lower():
            raise from_server_words(done.stderr or done.stdout, making.parent)
        for entry in making.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    else:
        raise from_server_words(words, making.parent)
    single = [str(programs / "postgres"), "--single", "-D", where, "postgres"]
    done = _run(single, making, account, f"create database {DATABASE}\n")
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise from_server_words(done.stderr, making.parent)


def _run(command: list[str], cwd: Path, account: Account, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, input=given, capture_output=True, text=True, errors="replace", env=ENVIRONMENT, umask=0o077,
        check=False, preexec_fn=die_with_parent(), **account.spawn_options(),
    )
