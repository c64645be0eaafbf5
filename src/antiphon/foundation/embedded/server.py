"""Starting and stopping the server process."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from antiphon.foundation.embedded.account import Account, choose_account
from antiphon.foundation.embedded.binaries import programs_for
from antiphon.foundation.embedded.claim import Claim, bury_predecessor, noted_sockets
from antiphon.foundation.embedded.cluster import DATABASE, ENVIRONMENT, SUPERUSER, ensure_cluster, folder_argument
from antiphon.foundation.embedded.errors import DatabaseFailed, DatabaseStartTimeout, from_os_error, from_server_words
from antiphon.foundation.embedded.parent import die_with_parent
from antiphon.foundation.embedded.tuning import server_settings

_LOG_LIMIT = 10 * 1024 * 1024
_ORPHANS = 20.0  # seconds that backends of a killed server may need to end


class Server:
    """A running embedded server. `url` is what clients connect to; `close()` stops it (also at the interpreter's end).

    `returncode` is None while it runs.
    """

    def __init__(self, claim: Claim, cluster: Path, sockets: Path, process: subprocess.Popen[bytes]) -> None:
        self.url = _url(sockets)
        self.pid = process.pid
        self._claim, self._cluster, self._process = claim, cluster, process
        self._closing = threading.Lock()
        self._closed = False
        atexit.register(self.close)

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def close(self, patience: float = 30.0) -> None:
        """Stops the server: politely (connections end, a checkpoint is written), then at once, then by force."""
        with self._closing:
            if self._closed:
                return
            for signum, seconds in ((signal.SIGINT, patience), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
                if self._process.poll() is not None:
                    break
                self._process.send_signal(signum)
                try:
                    self._process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
            self._closed = True
            self._claim.release()
            atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def running_url(data_dir: Path) -> str | None:
    """The address of the embedded server that runs on this data folder now, for commands beside it; None if none does."""
    sockets = noted_sockets(Path(data_dir).expanduser().absolute())
    return _url(sockets) if sockets else None


def _url(sockets: Path) -> str:
    return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(sockets))}"


def start_postgres(
    data_dir: Path,
    *,
    settings: Mapping[str, str] | None = None,
    timeout: float = 300.0,
    wheel: Path | None = None,
    state_dir: Path | None = None,
) -> Server:
    """Starts the embedded server of the data folder `data_dir` (made if absent) and returns once it takes connections.

    `settings` override the server's own; `timeout` is in seconds and generous, as it covers recovery after a crash.
    `wheel` and `state_dir` say where its programs are and where they may be copied. Raises an AntiphonError of
    `embedded.errors`, whose text is one sentence for the operator.
    """
    folder = Path(data_dir).expanduser().absolute()
    claim = Claim(folder)
    try:
        cluster = folder / "postgres"
        account = choose_account(cluster)
        programs = programs_for(account, wheel, state_dir)
        ensure_cluster(cluster, account, programs)
        bury_predecessor(cluster)
        sockets = claim.make_sockets(account)
        spawn = partial(_spawn, programs, cluster, account, server_settings(sockets, settings), folder / "postgres.log", timeout)
        process = _after_orphans(spawn)
        return Server(claim, cluster, sockets, process)
    except OSError as failed:
        claim.release()
        raise from_os_error(failed, folder) from failed
    except BaseException:
        claim.release()
        raise


def _after_orphans(spawn: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Start; again and again while children of a server that was killed have not noticed its death yet."""
    until = time.monotonic() + _ORPHANS
    while True:
        try:
            return spawn()
        except DatabaseFailed as failed:
            if "shared memory block" not in str(failed) or time.monotonic() > until:
                raise
        time.sleep(0.3)


def _spawn(
    programs: Path, cluster: Path, account: Account, settings: Mapping[str, str], log: Path, timeout: float
) -> subprocess.Popen[bytes]:
    command = [str(programs / "postgres"), "-D", folder_argument(cluster, account)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
        before = os.fstat(out.fileno()).st_size
        process = _Keeper(command, cluster, account, out.fileno()).start()
    try:
        _wait_ready(process, cluster, log, before, timeout)
    except BaseException:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return process


class _Keeper:
    """The thread that makes the server and waits for its end: the parent-death signal is bound to the making thread."""

    def __init__(self, command: list[str], cluster: Path, account: Account, out: int) -> None:
        self._command, self._cluster, self._account, self._out = command, cluster, account, out
        self._made = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._failed: BaseException | None = None

    def start(self) -> subprocess.Popen[bytes]:
        threading.Thread(target=self._keep, name="postgres-keeper", daemon=True).start()
        self._made.wait()
        if self._failed is not None:
            raise self._failed
        assert self._process is not None
        return self._process

    def _keep(self) -> None:
        try:
            # SIGQUIT ends the server at once; it recovers from its log at the next start.
            self._process = subprocess.Popen(
                self._command, cwd=self._cluster, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._out,
                env=ENVIRONMENT, umask=0o077, start_new_session=True,  # Ctrl-C is for us: the server ends last
                preexec_fn=die_with_parent(signal.SIGQUIT), **self._account.spawn_options(),
            )
        except BaseException as failed:
            self._failed = failed
            self._made.set()
            return
        self._made.set()
        self._process.wait()


def _wait_ready(process: subprocess.Popen[bytes], cluster: Path, log: Path, before: int, timeout: float) -> None:
    until = time.monotonic() + timeout
    noted = cluster / "postmaster.pid"
    while True:
        if process.poll() is not None:
            with log.open("rb") as words:
                words.seek(before)
                raise from_server_words(words.read().decode(errors="replace"), cluster.parent)
        try:
            lines = noted.read_text().splitlines()
        except OSError:
            lines = []
        if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
            return
        if time.monotonic() > until:
            raise DatabaseStartTimeout(seconds=timeout, log=log)
        time.sleep(0.01)
