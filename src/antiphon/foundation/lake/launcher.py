"""Starting and stopping the lake process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from antiphon.foundation.lake.engine import EngineSettings
from antiphon.foundation.lake.errors import LakeUnavailable
from antiphon.foundation.lake.storage import ObjectStorage
from antiphon.foundation.postgres.migrate import migrations_dir

_START = 60.0  # seconds the lake may take to answer first


class LakeProcess:
    """A running lake process and its socket."""

    def __init__(self, child: subprocess.Popen[bytes], socket: Path, folder: Path | None, log: Path) -> None:
        self.child = child
        self.socket = socket
        self._folder = folder
        self._log = log

    @property
    def alive(self) -> bool:
        return self.child.poll() is None

    def wait_ready(self, seconds: float = _START) -> None:
        """Return once it answers. LakeUnavailable, with its own last words, when it does not."""
        end = time.monotonic() + seconds
        while not self.socket.exists():
            if not self.alive or time.monotonic() > end:
                words = self._log.read_text(errors="replace").strip().splitlines()
                self.close()
                raise LakeUnavailable("the lake did not start: " + (words[-1] if words else "no reason given"))
            time.sleep(0.02)

    def close(self, grace: float = 5.0) -> None:
        """Ask it to end, then make it; leaves neither process nor socket."""
        if self.alive:
            self.child.terminate()
            try:
                self.child.wait(grace)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.socket.unlink(missing_ok=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def start_lake(
    database_url: str,
    data_dir: Path,
    *,
    lake_path: str | None = None,
    socket: Path | None = None,
    memory: str = "1GB",
    threads: int = 2,
    storage: ObjectStorage | None = None,
    wait: bool = True,
) -> LakeProcess:
    """Start a lake process on a database and a folder; it ends when its parent does.

    Without `socket` one is made in a short private folder. The lake's data is in `lake_path`, by default data_dir/lake;
    `storage` is the key to it when that is an s3:// address.
    """
    folder = None
    if socket is None:
        folder = Path(tempfile.mkdtemp(prefix="antiphon-lake-", dir="/tmp"))  # short: a socket's path has 107 bytes
        socket = folder / "s"
    socket.unlink(missing_ok=True)
    state = data_dir / "lake-state"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = state / "lake.log"
    settings = EngineSettings(
        database_url=database_url,
        data_path=lake_path or str(data_dir / "lake"),
        state_path=str(state),
        memory=memory,
        threads=threads,
        migrations=str(migrations_dir() / "lake"),
        storage=storage,
    )
    with log.open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "antiphon.foundation.lake.process", str(socket), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which stops us in order
        )
    assert child.stdin is not None
    try:
        child.stdin.write(msgspec.json.encode(settings))
        child.stdin.close()
    except BrokenPipeError:
        pass  # wait_ready tells why
    process = LakeProcess(child, socket, folder, log)
    if wait:
        process.wait_ready()
    return process
