"""Who runs the server: this user, or, as root (which PostgreSQL refuses), an unprivileged account."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.foundation.embedded.errors import NoAccountForDatabase

# First that exists. `nobody` is on every machine; a made-up uid would not do, as initdb asks for the account's name.
_CANDIDATES = ("antiphon", "nobody", "postgres", "daemon")


@dataclass(frozen=True)
class Account:
    """The account a server runs under; `other` is true when it is not ours (we are root)."""

    uid: int
    gid: int
    other: bool

    def spawn_options(self) -> dict[str, Any]:
        """Popen's arguments that become this account. The working folder is entered before, still as root."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}

    def own(self, path: Path) -> None:
        if self.other:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Whether this account may enter every folder down to `path` and read it, judged by mode bits alone."""
        if not self.other:
            return True
        path = path.resolve()
        return self._allows(path, stat.S_IROTH | stat.S_IXOTH if path.is_dir() else stat.S_IROTH) and all(
            self._allows(folder, stat.S_IXOTH) for folder in path.parents
        )

    def _allows(self, path: Path, bits: int) -> bool:
        found = path.stat()
        if found.st_uid == self.uid:
            bits <<= 6
        elif found.st_gid == self.gid:
            bits <<= 3
        return found.st_mode & bits == bits


def choose_account(cluster: Path) -> Account:
    """Ourselves unless we are root; then whoever owns the database already, or the first known unprivileged account."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), other=False)
    if cluster.exists():
        owner = cluster.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid, other=True)
    for name in _CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_uid, found.pw_gid, other=True)
    raise NoAccountForDatabase(why="PostgreSQL refuses to run as root and there is no account named nobody")
