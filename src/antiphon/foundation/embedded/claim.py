"""One launcher a data folder: a lock that dies with its holder, and the remains of a launcher that was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from antiphon.foundation.embedded.account import Account
from antiphon.foundation.embedded.errors import DatabaseAlreadyRunning, DatabaseFailed, from_os_error

_PREFIX = "antiphon-"
_LONGEST_SOCKET_FOLDER = 80  # a socket's whole path may have 107 bytes


class Claim:
    """The lock on a data folder, and the private socket folder noted in it so that a later start can tidy up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "postgres.lock"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as failed:
            raise from_os_error(failed, folder) from failed
        try:
            self._lock()
            self._remove_sockets(os.pread(self._fd, 4096, 0).decode(errors="replace").strip())
        except BaseException:
            os.close(self._fd)
            raise

    def _lock(self) -> None:
        until = time.monotonic() + 2.0  # a child of a killed launcher may hold it a moment longer
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    raise DatabaseAlreadyRunning(folder=self.folder) from None
                time.sleep(0.05)
            except OSError as failed:
                raise from_os_error(failed, self.folder) from failed

    def make_sockets(self, account: Account) -> Path:
        """A new folder with a short path that only `account` (and root) may enter."""
        problem: OSError | None = None
        for base in dict.fromkeys(("/tmp", "/run", "/dev/shm", tempfile.gettempdir())):
            if len(base) > _LONGEST_SOCKET_FOLDER - 20:
                continue
            try:
                made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
                account.own(made)
                if not account.can_reach(made.parent):
                    made.rmdir()
                    continue
                os.ftruncate(self._fd, 0)
                os.pwrite(self._fd, str(made).encode(), 0)
                return made
            except OSError as failed:
                problem = failed
        why = f"there is no folder with a short path for its socket ({problem or 'all paths are too long'})"
        raise DatabaseFailed(why=why)

    def _remove_sockets(self, noted: str) -> None:
        path = Path(noted)
        if noted and path.name.startswith(_PREFIX) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)

    def release(self) -> None:
        self._remove_sockets(os.pread(self._fd, 4096, 0).decode(errors="replace").strip())
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def noted_sockets(folder: Path) -> Path | None:
    """The socket folder of the server that runs on `folder` now; None when none does."""
    path = folder / "postgres.lock"
    try:
        with path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return None  # nobody holds it: whatever is noted is dead
            except BlockingIOError:
                noted = Path(lock.read(4096).decode(errors="replace").strip())
    except OSError:
        return None
    return noted if (noted / ".s.PGSQL.5432").exists() else None


def bury_predecessor(cluster: Path, patience: float = 15.0) -> None:
    """Waits for the server of a killed launcher to finish dying, then makes it; a stale postmaster.pid is removed.

    Called under the claim, so whatever server still runs here has lost its launcher.
    """
    noted = cluster / "postmaster.pid"
    try:
        pid = int(noted.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        noted.unlink(missing_ok=True)  # absent, or cut short by a full disk
        return
    started = time.monotonic()
    told: set[int] = set()
    while _serves(pid, cluster):
        waited = time.monotonic() - started
        for after, signum in ((patience / 3, signal.SIGINT), (patience * 2 / 3, signal.SIGQUIT), (patience, signal.SIGKILL)):
            if waited > after and signum not in told:
                told.add(signum)
                os.kill(pid, signum)
        if waited > patience + 5:
            raise DatabaseFailed(why=f"a server left over from before (process {pid}) does not end")
        time.sleep(0.05)
    noted.unlink(missing_ok=True)


def _serves(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is a PostgreSQL working in this very folder (numbers are reused after a reboot)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state not in "ZX" and os.path.samefile(f"/proc/{pid}/cwd", cluster)
    except (OSError, IndexError):
        return False
